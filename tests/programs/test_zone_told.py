"""What does not come into the zone is told in the federation API: what is left out, and what CoreDNS does not load."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from controllers.zone.writer import COLLECTION
from federation.dns.name_servers import RULES, SERIAL_RULES
from lab.fleet.waiting import wait_until
from tests.kube_api import Json
from tests.programs.zone_lab import Served, serving
from tests.unit.test_engine_rights import given, used
from tests.unit.test_zone_contents import endpoint, entry

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("told"), [entry("web.example.com", "A", "192.0.2.1")]) as found:
        yield found


def events(served: Served, reason: str) -> list[Json]:
    _, objects, _ = served.api.snapshot()
    return [each for each in objects.get("/api/v1/events", {}).values() if each["reason"] == reason]


def test_who_asks_for_what_is_somebody_elses_hears_whose_it_is(served: Served) -> None:
    served.api.put(COLLECTION, endpoint(entry("web.example.com", "A", "192.0.2.9"), name="mine"))
    wait_until("an Event", lambda: bool(events(served, "NotPublished")), 10)
    (event,) = events(served, "NotPublished")
    assert event["message"] == "web.example.com A is left out: the name is that of DNSEndpoint default/x"
    assert (event["involvedObject"]["name"], event["involvedObject"]["uid"]) == ("mine", "uid-of-mine")
    assert served.found("web.example.com") == ["192.0.2.1"]


def test_what_the_name_server_does_not_load_is_told(served: Served) -> None:
    assert served.figure("federation_zone_serial_late") == 0
    served.coredns.send_signal(signal.SIGSTOP)
    try:
        served.api.put(COLLECTION, endpoint(entry("late.example.com", "A", "192.0.2.2"), name="late"))
        wait_until("an Event", lambda: bool(events(served, "NotLoaded")), 20)
        assert served.figure("federation_zone_serial_late") == 1
    finally:
        served.coredns.send_signal(signal.SIGCONT)
    (event,) = events(served, "NotLoaded")
    assert "has not loaded serial" in event["message"]
    assert event["message"].endswith("it does not answer")
    assert (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == ("ConfigMap", "federation-zone")
    wait_until("it to be loaded", lambda: served.found("late.example.com") == ["192.0.2.2"], 10)
    assert len(events(served, "NotLoaded")) == 1
    wait_until("the figure", lambda: served.figure("federation_zone_serial_late") == 0, 10)


def test_the_rights_of_the_writer_are_what_it_uses(served: Served) -> None:
    served.api.put(COLLECTION, endpoint(entry("web.example.com", "A", "192.0.2.8"), name="rights"))
    wait_until(
        "an Event",
        lambda: any(each["involvedObject"]["name"] == "rights" for each in events(served, "NotPublished")),
        10,
    )
    served.api.put(COLLECTION, endpoint(entry("new.example.com", "A", "192.0.2.3"), name="new"))
    wait_until("it to be loaded", lambda: served.found("new.example.com") == ["192.0.2.3"], 20)
    assert used(served.api) == given(RULES, SERIAL_RULES)  # type: ignore[arg-type]
