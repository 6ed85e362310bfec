"""What a member that is away owes is noted on its Cluster: many at a time, and no more than it can hold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from controllers.engine import debts
from tests.unit.test_engine_controller import MAPS, World, world

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
