"""How soon a change is answered, in a small zone and in a large one, what memory that takes, and under load."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import dns.rcode
import pytest

from controllers.names.objects import FederatedService, LastSeen, LoadBalancer, dns_endpoint
from controllers.names.plan import Shard, plan
from controllers.runtime.objects import Json
from controllers.zone.writer import COLLECTION
from federation.settings.names import ServiceNames
from lab.fleet.waiting import wait_until
from tests.figures import Figures
from tests.programs.dns_load import load
from tests.programs.zone_lab import Served, serving
from tests.unit.test_zone_contents import endpoint, entry

pytestmark = [pytest.mark.programs, pytest.mark.speed]

SERVICES, CLUSTERS = 1000, 10
RATE, SECONDS = 2000, 10
IN_TIME = 1.2
"""Seconds in which a change of a small zone is answered."""
LARGE_IN_TIME = 3.0


def answered(served: Served, name: str, address: str) -> float:
    """Seconds until only this address is answered."""
    began, pause = monotonic(), Event()
    while served.found(name) != [address]:
        assert monotonic() < began + 20, f"{name} is not {address}"
        # By a shorter period than that of `wait_until`, which is a tenth of what is measured.
        pause.wait(0.01)
    return monotonic() - began


def test_a_change_of_a_small_zone_is_answered_in_time(tmp_path: Path, figures: Figures) -> None:
    with serving(tmp_path, [entry("ns.dns.example.com", "A", "192.0.2.53")]) as served:
        took = []
        for i in range(20):
            address = f"192.0.2.{100 + i}"
            served.api.put(COLLECTION, endpoint(entry("new.example.com", "A", address), name="new"))
            took.append(answered(served, "new.example.com", address))
    figures.add("zone: changed DNSEndpoint to changed answer, longest of 20", max(took))
    assert max(took) <= IN_TIME, took


def service(i: int, last: int = 0) -> Json:
    """The DNSEndpoint of a Service in all clusters, each in a region and zone of its own, as controllers/names has it.

    `last` is added to the address in the first cluster.
    """
    names = ServiceNames(f"web-{i}", "default", "fellowship", "example.com")
    shards = [
        Shard(f"c{c}", f"region-{c}", (f"zone-{c}",), frozenset({address(i, c, last)}), frozenset(), True, False)
        for c in range(CLUSTERS)
    ]
    last_seen = LastSeen(
        {each.cluster: True for each in shards},
        {each.cluster: LoadBalancer(each.addresses, each.hosts) for each in shards},
    )
    found = dns_endpoint(
        FederatedService(("default", f"web-{i}"), f"uid-{i}"), plan(names, shards, {}).records, 30, last_seen
    )
    return {**found, "metadata": {**found["metadata"], "creationTimestamp": "2026-01-01T00:00:00Z"}}


def address(i: int, cluster: int, last: int = 0) -> str:
    return f"10.{cluster}.{i // 250}.{i % 250 + (last if cluster == 0 else 0)}"


def megabytes(pid: int) -> tuple[float, float]:
    """Resident now, and at the most since the process began."""
    status = Path(f"/proc/{pid}/status").read_text()
    now, most = (re.search(rf"{each}:\s+(\d+) kB", status) for each in ("VmRSS", "VmHWM"))
    assert now is not None
    assert most is not None
    return int(now[1]) / 1024, int(most[1]) / 1024


def test_a_change_of_a_large_zone_is_answered_in_time(tmp_path: Path, figures: Figures) -> None:
    others = (service(i) for i in range(SERVICES))
    with serving(tmp_path, [entry("ns.dns.example.com", "A", "192.0.2.53")], others) as served:
        assert served.file.read_text().count("\n") == SERVICES * 3 * CLUSTERS + 3
        took = []
        for i in range(5):
            served.api.put(COLLECTION, service(500, last=i + 1))
            name = "web-500.default.fellowship.svc.zone-0.region-0.example.com"
            took.append(answered(served, name, address(500, 0, i + 1)))
        for name, pid in (("writer", served.writer.pid), ("CoreDNS", served.coredns.pid)):
            now, most = megabytes(pid)
            figures.add(f"zone of 1,000 Services: memory of {name}", now, "MB")
            figures.add(f"zone of 1,000 Services: memory of {name}, at the most", most, "MB")
    figures.add("zone of 1,000 Services: change to answer, longest of 5", max(took))
    assert max(took) <= LARGE_IN_TIME, took


CHANGING, CHAIN, STABLE = "web.example.com", "web.r.example.com", "ns.dns.example.com"


def value(i: int) -> str:
    return f"10.0.0.{i}"


class Changes:
    """A change each second, and when it was made."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.made: list[float] = []
        self._end = Event()
        self._thread = Thread(target=self._run)

    def make(self) -> None:
        self.made.append(monotonic())
        self._served.api.put(COLLECTION, endpoint(entry(CHANGING, "A", value(len(self.made) - 1)), name="web"))

    def _run(self) -> None:
        while not self._end.wait(1):
            self.make()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def allowed(self, sent: float, came: float) -> Iterator[str]:
        """What may be answered: from the last change that is in time to the last that was made at all."""
        sure = sum(1 for at in self.made if at < sent - IN_TIME)
        yield from map(value, range(max(0, sure - 1), sum(1 for at in self.made if at < came)))


def test_no_answer_is_wrong_while_the_zone_changes(tmp_path: Path, figures: Figures) -> None:
    records = [entry(STABLE, "A", "192.0.2.53"), entry(CHAIN, "CNAME", CHANGING)]
    with serving(tmp_path, records) as served:
        changes = Changes(served)
        changes.make()
        wait_until("the first value", lambda: served.found(CHANGING) == [value(0)], 10)
        with changes:
            run = asyncio.run(load(served.port, (CHANGING, CHAIN, STABLE), RATE, SECONDS))
    heard = [each for each in run.asked if each.wire]
    about = "zone that changes each second"
    figures.add(f"{about}: questions a second", len(run.asked) / SECONDS, "1/s")
    figures.add(f"{about}: longest answer", max(each.came - each.sent for each in heard))
    figures.add(f"{about}: answers lost, all by a busy kernel", run.lost, "")
    assert run.lost <= run.dropped
    for each in heard:
        answer = each.answer
        assert answer.rcode() == dns.rcode.NOERROR, answer.to_text()
        (found,) = (f"{data}" for data in answer.answer[-1])
        wanted = ["192.0.2.53"] if each.name == STABLE else list(changes.allowed(each.sent, each.came))
        assert found in wanted, (each.name, found, wanted)
    assert len(changes.made) >= SECONDS - 1
    assert len(run.asked) >= 0.95 * RATE * SECONDS
