"""A real BIND as secondary of a real CoreDNS: it takes the whole zone with the key, and nobody takes it without."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest

from controllers.zone.writer import COLLECTION
from federation.dns.name_servers import TRANSFER_KEY
from federation.dns.transfers import ALGORITHM, key_file, key_name
from lab.fleet.private import write_private
from lab.fleet.waiting import wait_until
from tests.figures import Figures
from tests.programs import bind
from tests.programs.test_zone_answers import RECORDS
from tests.programs.zone_lab import SECONDS, Served, Server, free_port, serving
from tests.unit.test_zone_contents import endpoint, entry

pytestmark = pytest.mark.programs

NAME, SECRET = key_name("example.com"), base64.b64encode(bytes(range(32))).decode()
KEY = {"name": NAME, "algorithm": ALGORITHM, "secret": SECRET}
WEB = "web.default.f.svc.example.com"
PLACE = "default.fellowship.svc.minas-tirith.middle-earth.example.com"
MANY = [entry(f"n{i}.{PLACE}", "A", "192.0.2.1", "192.0.2.2") for i in range(1000)]
"""So many that a transfer of them takes several messages, each signed by what was before it."""


@dataclass
class Lab:
    primary: Served
    secondary: Server
    log: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder, port = tmp_path_factory.mktemp("zone"), free_port()
    write_private(folder / TRANSFER_KEY, key_file(NAME, SECRET).encode())
    with (
        serving(folder, [*RECORDS, *MANY], transfer_to=[f"127.0.0.1:{port}"]) as primary,
        bind.secondary(folder / "bind", bind.Place(port, primary.port), KEY) as log,
    ):
        found = Server(port)
        wait_until("the secondary's first transfer", lambda: bind.TAKEN in log.read_text(), 20)
        yield Lab(primary, found, log)


def leads_to(side: Server, name: str, address: str) -> bool:
    return side.found(name) == [address]


def transfer(port: int, kind: str = "AXFR", *, secret: str = "", name: str = NAME, source: str = "127.0.0.1") -> str:
    """How a request for the whole zone ends: its RCODE."""
    query = dns.message.make_query("example.com", kind)
    if kind == "IXFR":
        query, _ = dns.xfr.make_query(dns.zone.Zone("example.com"), serial=1)
    if secret:
        query.use_tsig(dns.tsigkeyring.from_text({name: secret}), algorithm=dns.tsig.HMAC_SHA256)
    try:
        answer = dns.query.tcp(query, "127.0.0.1", port=port, timeout=SECONDS, source=source, one_rr_per_rrset=True)
    except dns.tsig.PeerBadKey:
        return "BADKEY"
    except dns.tsig.PeerBadSignature:
        return "BADSIG"
    return dns.rcode.to_text(answer.rcode())


def test_the_secondary_answers_for_the_whole_zone(lab: Lab) -> None:
    for record in [*RECORDS, *MANY[:3], *MANY[-3:]]:
        name, kind = record["dnsName"], record["recordType"]
        if name.endswith("sub.example.com"):
            # What is delegated neither answers by itself.
            continue
        ours, theirs = (
            {f"{each}" for rrset in side.ask(name, kind, tcp=True).answer for each in rrset}
            for side in (lab.primary, lab.secondary)
        )
        assert theirs == ours != set(), name
    assert lab.secondary.found("example.com", "SOA") == lab.primary.found("example.com", "SOA")


def test_it_is_told_of_a_change(lab: Lab, figures: Figures) -> None:
    took = []
    for i in range(3):
        address = f"192.0.2.{100 + i}"
        lab.primary.api.put(COLLECTION, endpoint(entry("new.example.com", "A", address), name="new"))
        # By itself it would look after two hours.
        took.append(wait_until(address, partial(leads_to, lab.secondary, "new.example.com", address), 20))
    figures.add("zone: changed DNSEndpoint to changed answer of a secondary, longest of 3", max(took))


def test_who_has_no_key_or_another_or_another_address_gets_nothing(lab: Lab) -> None:
    other = base64.b64encode(bytes(32)).decode()
    port = lab.primary.port
    assert transfer(port, secret=SECRET) == transfer(port, "IXFR", secret=SECRET) == "NOERROR"
    assert transfer(port) == transfer(port, "IXFR") == "REFUSED"
    assert transfer(port, secret=other) == "BADSIG"
    assert transfer(port, secret=SECRET, name="other.") == "BADKEY"
    assert transfer(port, secret=SECRET, source="127.0.0.2") == "REFUSED"
    # All else is asked without a key.
    assert lab.primary.found(WEB) == ["192.0.2.1", "192.0.2.2"]


def test_a_secondary_that_is_silent_holds_a_change_up_for_six_seconds(tmp_path: Path) -> None:
    """So docs/zone.md says: CoreDNS asks it three times, and reads no zone meanwhile."""
    write_private(tmp_path / TRANSFER_KEY, key_file(NAME, SECRET).encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        to = [f"127.0.0.1:{silent.getsockname()[1]}"]
        with serving(tmp_path, [entry("example.com", "TXT", "x")], transfer_to=to) as primary:
            began = monotonic()
            for i in range(3):
                address = f"192.0.2.{i}"
                primary.api.put(COLLECTION, endpoint(entry("new.example.com", "A", address), name="new"))
                wait_until(address, partial(leads_to, primary, "new.example.com", address), 30)
            took = monotonic() - began
    # The second waits for the end of the first one's questions, and the third for that of the second one's. What a busy
    # machine does between the changes belongs to the six seconds: so all of them are measured together.
    assert 11 < took < 30
