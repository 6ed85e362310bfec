"""When an object is looked at again: once after each failure, however much is told of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from controllers.engine import turns
from controllers.engine.refs import Ref
from controllers.engine.turns import Timers, Turns
from controllers.runtime.loop import Loop
from kube.errors import ApiError
from tests.unit.test_engine_controller import DEPLOYMENTS, World, world

__all__ = ["world"]

pytestmark = pytest.mark.unit

WEB = Ref("Deployment", "shire", "web")


@pytest.fixture
def loop() -> Iterator[Loop]:
    new = Loop()
    yield new
    new.end()


def run(loop: Loop, until: Callable[[], bool]) -> None:
    """Until the condition is met, which is looked at after each action."""

    def look() -> None:
        if until():
            loop.end()
        else:
            loop.after(0.001, look)

    loop.post(look)
    thread = Thread(target=loop.run, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_of_a_key_one_timer_is_pending_and_that_is_the_last(loop: Loop) -> None:
    timers, rung = Timers(loop), list[str]()
    timers.set("a", 0.05, lambda: rung.append("first of a"))
    timers.set("a", 0.01, lambda: rung.append("second of a"))
    timers.set("b", 0.02, lambda: rung.append("b"))
    timers.set("c", 0.02, lambda: rung.append("c"))
    timers.cancel("c")
    assert ("a" in timers, "c" in timers) == (True, False)
    loop.after(0.1, lambda: rung.append("end"))
    run(loop, lambda: "end" in rung)
    assert rung == ["second of a", "b", "end"]
    assert "a" not in timers


def test_what_fails_is_tried_again_once_however_often_it_was_marked(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LONGEST_PAUSE", 0.05)
    looks = list[float]()

    def look(ref: Ref) -> None:
        looks.append(monotonic())
        if len(looks) < marks:
            loop.post(lambda: known.mark(ref))
        raise ApiError(status=403)

    marks = 20
    known = Turns(loop, look, lambda ref, error: None)
    known.mark(WEB)
    run(loop, lambda: len(looks) >= marks + 5)
    assert all(later - earlier >= 0.05 for earlier, later in zip(looks[marks - 1 :], looks[marks:], strict=False))


def test_a_status_of_what_a_member_refuses_is_told_and_is_no_further_try(world: World) -> None:
    gondor = world.members["gondor"]

    def put(server: Any, **changed: Any) -> None:
        old = server.get(DEPLOYMENTS, "shire", "web") or {"metadata": {"name": "web", "namespace": "shire"}}
        server.put(DEPLOYMENTS, old | changed)

    def applied() -> int:
        return sum(method == "PATCH" and "/web" in path for method, path in gondor.requests)

    def told() -> int:
        """The last status that the engine has heard of."""
        carrier = world.controller._members._members["gondor"].carrier  # type: ignore[union-attr]
        reported = carrier._telling._stands[WEB].reported  # type: ignore[union-attr]
        return int(reported.status.get("unavailableReplicas", 0))  # type: ignore[union-attr]

    put(world.federation, spec={"replicas": 1})
    world.start(("Deployment",))
    gondor.wait(lambda: gondor.get(DEPLOYMENTS, "shire", "web"), "it in gondor")
    gondor.refused_methods.add(("PATCH", DEPLOYMENTS))
    put(world.federation, spec={"replicas": 2})
    world.federation.wait(lambda: any("forbidden by the test" in event for event in world.events()), "an Event")
    before, rounds = applied(), 30
    for number in range(1, rounds + 1):
        put(gondor, status={"observedGeneration": 1, "unavailableReplicas": number})
        gondor.wait(lambda number=number: told() == number, "its status")  # type: ignore[misc]
    assert applied() - before < rounds / 2
    gondor.refused_methods.clear()
    put(world.federation, spec={"replicas": 3})
    gondor.wait(lambda: gondor.get(DEPLOYMENTS, "shire", "web")["spec"]["replicas"] == 3, "what is wanted", 20)  # type: ignore[index]
