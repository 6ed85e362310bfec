"""What we accept, CoreDNS loads; and it serves that, no more, no less, and no other way than dnspython reads it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest

from controllers.zone.contents import Apex, Contents, merge
from controllers.zone.endpoints import RecordSet, read_source
from lab.fleet.waiting import wait_until
from lab.toolbox import tool
from tests.programs.zone_lab import SECONDS, free_port, process
from tests.unit.test_zone_contents import OWN
from tests.zone_objects import ZONE, Draw, huge

pytestmark = pytest.mark.programs

CASES = 300
"""Zones that one CoreDNS has, each with objects of its own; it does not start with a file that is no zone."""
TRANSFERRED = 40_000
"""Characters of a zone up to which CoreDNS 1.12 hands it over whole (coredns/coredns#7859)."""

Sets = set[tuple[dns.name.Name, dns.rdatatype.RdataType, int, frozenset[str]]]


def accepted(case: int, objects: list[object]) -> Contents:
    """As zone example.com would have it, with another name of that length."""
    domain = f"z{case:06}.com"
    own = json.loads(json.dumps(objects).replace(ZONE, domain).replace(ZONE.upper(), domain.upper()))
    return merge(Apex(domain, f"ns.dns.{domain}", 30), [read_source(domain, OWN, each) for each in own])


def sets_of(zone: dns.zone.Zone) -> Sets:
    return {
        (name, data.rdtype, data.ttl, frozenset(each.to_text() for each in data))
        for name, node in zone.nodes.items()
        for data in node.rdatasets
    }


def is_below(name: str, top: str) -> bool:
    return name == top or name.endswith(f".{top}")


def asked(found: Contents, each: RecordSet, connection: socket.socket, port: int) -> None:
    """What CoreDNS has at the name: the set, or where it is delegated."""
    query = dns.message.make_query(f"{each.name}.", each.type)
    answer = dns.query.tcp(query, "127.0.0.1", SECONDS, port, sock=connection)
    cuts = [cut for cut in found.sets if cut.type == "NS" and is_below(each.name, cut.name)]
    wanted = min(cuts, key=lambda cut: len(cut.name), default=each)
    rrset = next(iter(answer.authority if cuts else answer.answer))
    ttl = found.apex.ttl if wanted.ttl is None else wanted.ttl
    expected = dns.rrset.from_text_list(f"{wanted.name}.", ttl, "IN", wanted.type, wanted.data)
    assert (rrset, rrset.ttl) == (expected, ttl), (each, answer.to_text())


def test_what_we_accept_is_loaded_and_served(tmp_path: Path) -> None:
    cases = [accepted(case, Draw(case).objects) for case in range(CASES)] + [accepted(CASES, [huge()])]
    assert sum(len(found.sets) for found in cases) > CASES
    port = free_port()
    blocks = []
    for found in cases:
        file = tmp_path / found.apex.domain
        file.write_text(found.text(1))
        blocks.append(f"{found.apex.domain}:{port} {{\n    file {file}\n    transfer {{\n        to *\n    }}\n}}\n")
    corefile, log = tmp_path / "Corefile", tmp_path / "log"
    corefile.write_text("".join(blocks))
    with process([tool("coredns"), "-conf", corefile], log) as coredns:

        def listens() -> bool:
            # It names the file and the line that it cannot read.
            assert coredns.poll() is None, log.read_text()[-2000:]
            return "CoreDNS-" in log.read_text()

        wait_until("CoreDNS to have all zones", listens, 60)
        with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
            for found in cases:
                for each in found.sets:
                    asked(found, each, connection, port)
        for found in cases:
            text = found.text(1)
            if len(text) < TRANSFERRED:
                read = dns.zone.from_text(text, f"{found.apex.domain}.", relativize=False)
                told = dns.query.xfr("127.0.0.1", found.apex.domain, port=port, relativize=False, lifetime=60)
                served = dns.zone.from_xfr(told, relativize=False)
                assert sets_of(served) == sets_of(read), text
