"""What of etcd cannot change once it is there, and how the configuration is held against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from federation import immutable
from federation.clusters import connection
from federation.settings.config import Config, ConfigError
from federation.settings.schema import Settings
from kube.client import Client
from kube.errors import ApiError

pytestmark = pytest.mark.unit

ONE = {"replicas": 1, "storage": "5Gi", "storageClass": ""}


def settings(etcd: Mapping[str, Any] | None = None) -> Settings:
    given = {"name": "fellowship", "host": {"context": "rivendell", "etcd": etcd or {}}}
    return Settings.model_validate(given)


def problems(given: Settings, made: immutable.Size | None) -> list[str]:
    return list(immutable.changes(given, made))


def test_what_is_as_it_was_made_or_not_made_yet_is_no_problem() -> None:
    assert problems(settings(), ONE) == []
    assert problems(settings({"replicas": 3, "storage": "9Gi", "storageClass": "fast"}), None) == []


@pytest.mark.parametrize(
    ("key", "wanted", "made"),
    [("replicas", 3, 1), ("replicas", 1, 3), ("storage", "10Gi", "5Gi"), ("storageClass", "fast", "")],
)
def test_each_change_names_its_key_the_old_value_and_the_new(key: str, wanted: Any, made: Any) -> None:
    (problem,) = problems(settings({key: wanted}), {**ONE, key: made})
    assert problem == (
        f"federation:host.etcd.{key}: {json.dumps(wanted)} is refused, as StatefulSet etcd was made with "
        f"{json.dumps(made)} and it is fixed at the first `pulumi up`; allowed: {json.dumps(made)}"
    )


@pytest.mark.parametrize(("one", "other"), [("5Gi", "5120Mi"), ("5120Mi", "5Gi"), ("1024Ti", "1Pi")])
def test_a_size_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert problems(settings({"storage": one}), {**ONE, "storage": other}) == []


def stateful_set(members: str, **claim: Any) -> dict[str, Any]:
    container = {"command": ["/usr/local/bin/etcd", "--name=$(POD_NAME)", f"--initial-cluster={members}"]}
    claims = [{"spec": {"resources": {"requests": {"storage": "5Gi"}}, **claim}}]
    return {"spec": {"replicas": 2, "volumeClaimTemplates": claims, "template": {"spec": {"containers": [container]}}}}


def test_members_are_counted_where_they_are_named_as_anybody_may_scale_a_stateful_set() -> None:
    three = "etcd-0=https://a:2380,etcd-1=https://b:2380,etcd-2=https://c:2380"
    assert immutable.size_of(stateful_set(three)) == {"replicas": 3, "storage": "5Gi", "storageClass": ""}
    assert immutable.size_of(stateful_set("etcd-0=https://a:2380", storageClassName="fast")) == {
        "replicas": 1,
        "storage": "5Gi",
        "storageClass": "fast",
    }


def test_somebody_elses_stateful_set_has_no_size_to_keep() -> None:
    foreign = stateful_set("x")
    foreign["spec"]["template"]["spec"]["containers"] = [{"name": "sleep"}]
    assert immutable.size_of(foreign) is None
    assert immutable.size_of({"spec": {"template": {"spec": {"containers": []}}}}) is None


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    logged: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", logged.append)
    return logged


def check(monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any] | ApiError) -> None:
    """With this answer of the host cluster to every question."""

    def get(api: Client, path: str) -> Mapping[str, Any]:
        assert path == "/apis/apps/v1/namespaces/karmada-system/statefulsets/etcd"
        if isinstance(answer, ApiError):
            raise answer
        return answer

    monkeypatch.setattr(connection, "get", get)
    host = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    immutable.check(Config(settings({"storage": "10Gi"}), {"rivendell": host}), {"rivendell": "uid"})


def test_a_change_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ConfigError, match=r"1 problem in the configuration; nothing was changed\n.*\"10Gi\" is refused"
    ):
        check(monkeypatch, stateful_set("etcd-0=https://a:2380"))


def test_before_the_first_up_nothing_is_fixed(monkeypatch: pytest.MonkeyPatch, warnings: list[str]) -> None:
    check(monkeypatch, ApiError(status=404, reason="Not Found"))
    assert warnings == []


def test_a_host_that_does_not_tell_is_reported(monkeypatch: pytest.MonkeyPatch, warnings: list[str]) -> None:
    with pytest.raises(pulumi.RunError, match="whether etcd is as configured is not known: Forbidden; nothing was"):
        check(monkeypatch, ApiError(status=403, reason="Forbidden"))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    check(monkeypatch, ApiError(status=403, reason="Forbidden"))
    assert warnings == ["context rivendell: whether etcd is as configured is not known: Forbidden"]


def test_a_host_that_did_not_answer_is_not_asked_again() -> None:
    immutable.check(Config(settings(), {}), {})
