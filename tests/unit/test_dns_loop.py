"""The loop that owns all state, and the host names that are looked up beside it."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic

import pytest

from controllers.names.plan import Addresses
from controllers.names.resolve import Hosts, look_up
from controllers.runtime import loop as module
from controllers.runtime.loop import Loop

pytestmark = pytest.mark.unit


class EndedError(Exception):
    """Ends a loop from within."""


def end() -> None:
    raise EndedError


def test_actions_run_in_their_order_and_timed_ones_when_they_are_due() -> None:
    loop, posted, timed = Loop(), list[str](), list[str]()

    def later() -> None:
        timed.append("later")
        loop.after(0.05, end)

    began = monotonic()
    loop.after(0.05, later)
    loop.after(0.01, lambda: timed.append("sooner"))
    loop.post(lambda: posted.append("first"))
    loop.post(lambda: loop.post(lambda: posted.append("third")))
    loop.post(lambda: posted.append("second"))
    with pytest.raises(EndedError):
        loop.run()
    assert posted == ["first", "second", "third"]
    assert timed == ["sooner", "later"]
    assert 0.1 <= monotonic() - began < module.IDLE_SECONDS


def test_a_loop_that_is_stuck_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    loop, stuck, go_on = Loop(), Event(), Event()

    def run() -> None:
        with pytest.raises(EndedError):
            loop.run()

    def hang() -> None:
        stuck.set()
        go_on.wait(10)

    thread = Thread(target=run)
    thread.start()
    loop.post(hang)
    assert stuck.wait(10)
    assert loop.is_alive
    monkeypatch.setattr(module, "STALLED_SECONDS", 0)
    assert not loop.is_alive
    go_on.set()
    loop.post(end)
    thread.join(10)
    assert not thread.is_alive()


def test_a_host_name_is_looked_up_as_long_as_a_service_uses_it() -> None:
    loop, asked, told = Loop(), list[str](), list[set[tuple[str, str]]]()
    web, api = ("default", "web"), ("default", "api")

    def lookup(host: str) -> Addresses:
        asked.append(host)
        if host == "gone.net":
            raise OSError("no such host")
        return frozenset([f"10.0.0.{len(asked)}"])

    def changed(services: set[tuple[str, str]]) -> None:
        told.append(services)
        if len(told) == 2:
            loop.post(stop_using)

    hosts = Hosts(loop, changed, every=0.01, lookup=lookup)

    def stop_using() -> None:
        assert hosts.use(web, frozenset(["lb.net"]), {})["lb.net"] != frozenset(["10.9.9.9"])
        assert hosts.use(api, frozenset(["gone.net"]), {}) == {"gone.net": frozenset(["10.8.8.8"])}
        assert hosts.use(web, frozenset(), {}) == {}
        hosts.forget(api)
        asked.clear()
        loop.after(0.1, end)

    # What was known last time holds until there is something newer, and where there is nothing newer.
    last = {"lb.net": frozenset(["10.9.9.9"]), "gone.net": frozenset(["10.8.8.8"])}
    assert hosts.use(web, frozenset(["lb.net"]), last) == {"lb.net": frozenset(["10.9.9.9"])}
    assert hosts.use(api, frozenset(["gone.net", "lb.net"]), last) == last
    with pytest.raises(EndedError):
        loop.run()
    hosts._threads.shutdown()
    assert told[0] == {web, api}
    assert len(asked) <= 2, "lookups went on for nobody"


def test_a_host_name_is_asked_for_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never with a search domain of the pod behind it."""

    def getaddrinfo(host: str, port: None, *, type: int) -> list[tuple[object, ...]]:
        assert host == "lb.net."
        return [(2, type, 6, "", ("10.0.0.1", 0)), (10, type, 6, "", ("2001:db8::1", 0, 0, 0))]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    assert look_up("lb.net") == {"10.0.0.1", "2001:db8::1"}
