"""The webhooks of karmada-webhook: the full set, each called once and by its own path."""

from collections import Counter
from collections.abc import Sequence

import pytest

from federation.engine.karmada.webhooks import MUTATING, VALIDATING, Webhook, manifests

pytestmark = pytest.mark.unit

URL, CA = "https://karmada-webhook.karmada-system.svc:443", "Y2E="
TABLES = pytest.mark.parametrize(
    ("prefix", "table", "count"),
    [("mutate", MUTATING, 8), ("validate", VALIDATING, 14)],
    ids=["mutating", "validating"],
)


@TABLES
def test_the_set_is_complete_and_without_repetition(prefix: str, table: Sequence[Webhook], count: int) -> None:
    assert len(table) == count
    assert repeated([webhook.name for webhook in table]) == []
    assert repeated([webhook.path for webhook in table]) == []
    assert repeated([f"{webhook.group}/{webhook.resource}" for webhook in table]) == []


@TABLES
def test_every_manifest_calls_its_own_path_and_fails_closed(prefix: str, table: Sequence[Webhook], count: int) -> None:
    made = manifests(prefix, table, URL, CA)
    assert [each["client_config"] for each in made] == [
        {"url": f"{URL}/{prefix}-{webhook.path}", "ca_bundle": CA} for webhook in table
    ]
    assert {(each["failure_policy"], *each["admission_review_versions"]) for each in made} == {("Fail", "v1")}
    assert all(1 <= each["timeout_seconds"] <= 30 for each in made)


def test_only_deletion_protection_looks_at_every_kind_and_then_only_at_marked_objects() -> None:
    broad = [webhook for webhook in (*MUTATING, *VALIDATING) if "*" in (webhook.group, webhook.resource)]
    assert [(webhook.name, tuple(webhook.operations)) for webhook in broad] == [
        ("resourcedeletionprotection", ("DELETE",))
    ]
    assert broad[0].objects is not None


def repeated(values: Sequence[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]
