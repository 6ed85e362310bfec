"""What does not come into the zone has one Event, told by however many pods, for as long as it is so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from controllers.runtime.api import Api
from controllers.runtime.events import AGAIN_SECONDS, Notice
from controllers.runtime.loop import Action, Loop
from controllers.zone.notices import Notices
from lab.fleet.waiting import wait_until
from tests.kube_api import ApiServer, Json
from tests.unit.test_dns_process import kubeconfig_of

pytestmark = pytest.mark.unit

EVENTS = "/api/v1/events"
TAKEN = "web.example.com A is left out: the name is that of DNSEndpoint default/web"


def notice(text: str = TAKEN) -> Notice:
    return Notice("externaldns.k8s.io/v1alpha1", "DNSEndpoint", "default", "mine", "uid-1", "NotPublished", text)


class GivenClock(Loop):
    """Its actions run when the test lets time pass, on the test's own thread."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._due: list[tuple[float, Action]] = []

    def after(self, seconds: float, action: Action) -> None:
        self._due.append((self._now + seconds, action))

    def let_pass(self, seconds: float) -> None:
        end = self._now + seconds
        while due := [each for each in self._due if each[0] <= end]:
            first = min(due, key=lambda each: each[0])
            self._due.remove(first)
            self._now, action = first
            action()
        self._now = end


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    Thread(target=loop.run, daemon=True).start()
    yield loop
    loop.end()


def pod(federation: ApiServer, loop: Loop, folder: Path) -> Notices:
    return Notices(partial(Api.of_kubeconfig, kubeconfig_of(federation.url, folder)), loop)


def told(federation: ApiServer) -> list[str]:
    return sorted(each["message"] for each in _events(federation))


def _events(federation: ApiServer) -> list[Json]:
    _, objects, _ = federation.snapshot()
    return list(objects.get(EVENTS, {}).values())


def creations(federation: ApiServer) -> int:
    return sum(method == "POST" for method, _ in federation.requests)


def test_two_pods_say_it_once(federation: ApiServer, loop: Loop, tmp_path: Path) -> None:
    for each in (pod(federation, loop, tmp_path), pod(federation, loop, tmp_path)):
        loop.post(partial(each.hold, {notice()}))
    wait_until("both to have told it", lambda: creations(federation) == 2, 10)
    wait_until("one Event", lambda: told(federation) == [TAKEN], 10)
    (event,) = _events(federation)
    assert event["involvedObject"] == {
        "apiVersion": "externaldns.k8s.io/v1alpha1",
        "kind": "DNSEndpoint",
        "namespace": "default",
        "name": "mine",
        "uid": "uid-1",
    }
    assert (event["type"], event["reason"]) == ("Warning", "NotPublished")


def test_what_is_so_still_is_not_told_again_and_what_comes_back_is(
    federation: ApiServer, loop: Loop, tmp_path: Path
) -> None:
    own = pod(federation, loop, tmp_path)
    for held, count in (({notice()}, 1), ({notice(), notice("more")}, 2), ({notice("more")}, 2), ({notice()}, 3)):
        loop.post(partial(own.hold, held))
        wait_until(f"{count} to be told", lambda count=count: creations(federation) == count, 10)  # type: ignore[misc]
    assert told(federation) == ["more", TAKEN]


def test_an_event_that_the_api_has_forgotten_is_told_again_while_it_is_so(
    federation: ApiServer, tmp_path: Path
) -> None:
    clock = GivenClock()
    own = pod(federation, clock, tmp_path)
    own.hold({notice()})
    clock.let_pass(3500)
    (first,) = _events(federation)
    federation.remove(EVENTS, "default", first["metadata"]["name"])
    clock.let_pass(AGAIN_SECONDS)
    (second,) = _events(federation)
    assert first["message"] == second["message"]
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    federation.remove(EVENTS, "default", second["metadata"]["name"])
    own.hold(frozenset())
    clock.let_pass(AGAIN_SECONDS)
    assert _events(federation) == []


def test_what_the_api_refuses_holds_up_nothing_else(federation: ApiServer, loop: Loop, tmp_path: Path) -> None:
    own = pod(federation, loop, tmp_path)
    federation.refused_methods.add(("POST", EVENTS))
    loop.post(partial(own.hold, {notice("one"), notice("two")}))
    wait_until("both to be refused", lambda: creations(federation) == 2, 10)
    federation.refused_methods.clear()
    loop.post(partial(own.hold, {notice("one"), notice("three")}))
    wait_until("the next to be told", lambda: told(federation) == ["three"], 10)
