"""What a member that is away owes is noted on its Cluster: many at a time, and no more than it can hold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from controllers.engine import debts
from controllers.engine.clusters import COLLECTION as CLUSTERS
from federation.settings import keys
from tests.unit.test_engine_controller import MAPS, World, world
from tests.unit.test_engine_take_back import SERVICES

__all__ = ["world"]

pytestmark = pytest.mark.unit

MANY = 40


def begin(world: World, names: Sequence[str]) -> None:
    """Has them carried, and gondor away."""
    for name in names:
        world.write(name, "1")
    world.start()
    for name in names:
        world.wait(["1", "1"], name)
    world.members["gondor"].stop()
    world.wait_for_ready("gondor", "False")


def left(world: World, names: Sequence[str]) -> set[str]:
    return {name for name in names if world.federation.get(MAPS, "shire", name)}


def test_many_are_noted_with_few_writes_and_given_back(world: World) -> None:
    names = [f"ring-{number}" for number in range(MANY)]
    begin(world, names)

    def writes() -> int:
        return sum(method == "PATCH" and "gondor/status" in path for method, path in world.federation.requests)

    began = writes()
    for name in names:
        world.delete(MAPS, "shire", name)
    world.federation.wait(lambda: not left(world, names), "them to go here")
    assert writes() - began < MANY / 4
    assert set(world.owed("gondor").values()) == {f"ConfigMap shire/{name}" for name in names}
    world.members["gondor"].start()
    world.federation.wait(lambda: not world.owed("gondor"), "the notes to go")
    assert not any(world.value("gondor", name) for name in names)


def test_what_there_is_no_room_for_waits_for_the_member_and_that_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["one", "two", "three"]
    begin(world, names)
    monkeypatch.setattr(debts, "MOST_BYTES", 80)
    for name in names:
        world.delete(MAPS, "shire", name)
    world.federation.wait(lambda: world.condition("gondor", "DebtsNoted").get("status") == "False", "the condition")
    world.federation.wait(lambda: len(left(world, names)) == 2, "one of them to go here")
    assert len(world.owed("gondor")) == 1
    assert sum("more than can be noted" in event for event in world.events()) == 1
    world.members["gondor"].start()
    world.federation.wait(lambda: not left(world, names), "all to go here")
    world.federation.wait(lambda: world.condition("gondor", "DebtsNoted").get("status") == "True", "all well")
    assert not any(world.value("gondor", name) for name in names)


def uid(world: World, member: str) -> str:
    found = world.members[member].get(MAPS, "shire", "ring")
    assert found is not None
    return str(found["metadata"]["uid"])


def mark(world: World, **metadata: object) -> None:
    """Changes the ring's metadata."""
    ring = world.federation.get(MAPS, "shire", "ring")
    assert ring is not None
    world.federation.put(MAPS, ring | {"metadata": ring["metadata"] | metadata})


def test_what_is_to_be_there_again_before_the_member_is_back_is_owed_no_more(world: World) -> None:
    begin(world, ["ring"])
    before = uid(world, "gondor")
    for labels, there in (({keys.PROPAGATE: "false"}, None), ({}, "1")):
        mark(world, labels=labels)
        world.wait(["1", there])
        world.federation.wait(lambda there=there: bool(world.owed("gondor")) == (there is None), "what is owed")  # type: ignore[misc]
    world.write("ring", "2")
    world.members["gondor"].start()
    world.wait(["2", "2"])
    assert uid(world, "gondor") == before


def test_an_engine_takes_back_what_is_owed_once_it_has_seen_that_it_is_not_to_be_there(world: World) -> None:
    """As one that follows another, which ended before it took the note off, or that knows of the other note alone."""
    kinds, gondor = ("ConfigMap", "Service"), world.members["gondor"]
    world.write("other", "1")
    world.start(kinds)
    world.wait(["1", "1"])
    world.wait(["1", "1"], "other")
    before, theirs = uid(world, "gondor"), world.federation.get(MAPS, "shire", "ring")
    other, cluster = world.federation.get(MAPS, "shire", "other"), world.federation.get(CLUSTERS, "", "gondor")
    assert theirs is not None
    assert other is not None
    assert cluster is not None
    world.end()
    world.federation.remove(MAPS, "shire", "other")
    owed = {theirs["metadata"]["uid"]: "ConfigMap shire/ring", other["metadata"]["uid"]: "ConfigMap shire/other"}
    world.federation.put(CLUSTERS, cluster | {"status": cluster["status"] | {"owed": owed}})
    world.federation.broken.add(SERVICES)
    gondor.requests.clear()
    world.restart(*kinds)
    gondor.wait(
        lambda: any("services?" in path and "watch" in path for _, path in gondor.requests), "it to be followed"
    )
    world.federation.broken.clear()
    world.federation.wait(lambda: not world.owed("gondor"), "the notes to go")
    assert uid(world, "gondor") == before
    assert world.value("gondor", "other") is None


def test_what_is_owed_goes_when_its_annotation_can_be_read_again(world: World) -> None:
    begin(world, ["ring"])
    mark(world, labels={keys.PROPAGATE: "false"})
    world.federation.wait(lambda: world.owed("gondor"), "what is owed")
    mark(world, labels={}, annotations={keys.CLUSTERS: "rohann"})
    world.federation.wait(lambda: any("rohann" in event for event in world.events()), "an Event")
    world.members["gondor"].start()
    world.wait_for_ready("gondor", "True")
    assert world.value("gondor") == "1"
    mark(world, annotations={keys.CLUSTERS: "rohan"})
    world.wait([None, "1"])


def test_what_is_to_be_there_again_is_owed_until_it_is_held(world: World) -> None:
    """Else it could go here before the member has it back, and would stay there."""
    begin(world, ["ring", "other"])
    mark(world, labels={keys.PROPAGATE: "false"})
    world.delete(MAPS, "shire", "other")
    world.federation.wait(lambda: len(world.owed("gondor")) == 2, "what is owed")
    world.end()
    world.federation.remove("/api/v1/namespaces", "", "shire")
    mark(world, labels={})
    world.members["gondor"].start()
    world.restart("ConfigMap")
    world.federation.wait(lambda: len(world.owed("gondor")) < 2, "the other to go")
    assert set(world.owed("gondor").values()) == {"ConfigMap shire/ring"}
    world.federation.put("/api/v1/namespaces", {"metadata": {"name": "shire"}})
    world.federation.wait(lambda: not world.owed("gondor"), "the note to go")
    assert world.value("gondor") == "1"
