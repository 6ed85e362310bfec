"""Which StorageClass will serve an etcd's claim, told from what the host has."""

from typing import Any

import pytest

from federation.parts.storage import missing

pytestmark = pytest.mark.unit

KEY = "federation:host.etcd.storageClass"
BETA = "storageclass.beta.kubernetes.io/is-default-class"


def named(name: str, default: str | None = None, annotation: str = BETA.replace(".beta", "")) -> Any:
    return {"metadata": {"name": name, **({"annotations": {annotation: default}} if default else {})}}


def volume(storage_class: str | None) -> Any:
    return {"spec": {"storageClassName": storage_class} if storage_class else {}}


@pytest.mark.parametrize(
    ("storage_class", "classes", "volumes"),
    [
        ("fast", [named("slow"), named("fast")], []),
        ("", [named("slow"), named("fast", "true")], []),
        ("", [named("fast", "true", BETA)], []),
        ("by-hand", [], [volume("by-hand")]),
        ("", [named("slow")], [volume(None)]),
    ],
)
def test_a_class_that_is_there_is_fine(storage_class: str, classes: list[Any], volumes: list[Any]) -> None:
    assert missing(KEY, storage_class, classes, volumes) is None


@pytest.mark.parametrize(
    ("storage_class", "classes", "volumes", "problem"),
    [
        ("fast", [named("slow"), named("slower")], [], "the host has no StorageClass 'fast'; it has: slow, slower"),
        ("fast", [], [volume("slow")], "the host has no StorageClass 'fast'; it has: none"),
        ("", [named("slow", "false")], [], "is not set, and the host has no default StorageClass; it has: slow"),
        ("", [], [volume("slow")], "is not set, and the host has no default StorageClass; it has: none"),
    ],
)
def test_one_that_is_not_is_told_with_the_key_and_what_there_is(
    storage_class: str, classes: list[Any], volumes: list[Any], problem: str
) -> None:
    assert missing(KEY, storage_class, classes, volumes) == f"{KEY}: {problem}"
