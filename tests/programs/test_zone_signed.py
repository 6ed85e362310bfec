"""What a real CoreDNS signs is validated by BIND's delv, which trusts the DS record and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from federation.dns import zone_key
from federation.dns.name_servers import ZONE_KEY
from lab.fleet.private import write_private
from tests.programs import bind
from tests.programs.test_zone_answers import RECORDS
from tests.programs.zone_lab import SECONDS, Served, serving
from tests.unit.test_zone_contents import entry
from tests.unit.test_zone_key import pems

pytestmark = pytest.mark.programs

TOP, WEB, ZONE_OF_WEB = "example.com", "web.default.f.svc.example.com", "web.default.f.svc.z.r.example.com"
ABSENT = "nothing.example.com"
MORE = [
    entry("*.wild.example.com", "A", "192.0.2.9"),
    entry("slow.example.com", "A", "192.0.2.7", ttl=7200),
    entry("mail.example.com", "MX", "10 elsewhere.example.net"),
    entry("sub.example.com", "NS", "ns.elsewhere.example.net"),
]


@dataclass
class Lab:
    served: Served
    anchors: Path
    other: Path
    """Trust in another key."""

    def ask(self, name: str, kind: str) -> dns.message.Message:
        """The answer to somebody who wants signatures."""
        query = dns.message.make_query(name, kind, want_dnssec=True)
        return dns.query.tcp(query, "127.0.0.1", port=self.served.port, timeout=SECONDS)

    def judged(self, name: str, kind: str) -> str:
        """What delv says, comments and records."""
        return bind.delv(self.anchors, name, kind, port=self.served.port)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("signed")
    private, public = pems(2**200 + 1)
    write_private(folder / f"{ZONE_KEY}.private", zone_key.private_file(private).encode())
    (folder / f"{ZONE_KEY}.key").write_text(zone_key.public_file(f"{TOP}.", public))
    anchors, other = folder / "anchors", folder / "other"
    anchors.write_text(bind.anchors(zone_key.ds(f"{TOP}.", public)))
    other.write_text(bind.anchors(zone_key.ds(f"{TOP}.", pems(2**200 + 2)[1])))
    with serving(folder, [*RECORDS, *MORE], signed=True) as served:
        yield Lab(served, anchors, other)


@pytest.mark.parametrize(
    ("name", "kind", "data"),
    [
        (TOP, "DNSKEY", "257 3 13 "),
        (TOP, "SOA", "ns.dns.example.com."),
        (TOP, "NS", "ns.dns.example.com."),
        (WEB, "A", "192.0.2.2"),
        ("wEb.deFault.f.svc.EXAMPLE.com", "AAAA", "2001:db8::1"),
        (ZONE_OF_WEB, "A", "192.0.2.1"),
        ("any.wild.example.com", "A", "192.0.2.9"),
        # Its answer does not fit into one datagram.
        ("many.example.com", "A", "198.51.100.99"),
        ("mail.example.com", "MX", "10 elsewhere.example.net."),
    ],
)
def test_what_is_there_is_validated(lab: Lab, name: str, kind: str, data: str) -> None:
    told = lab.judged(name, kind)
    assert "; fully validated" in told
    assert data in told
    assert "resolution failed" not in told


@pytest.mark.parametrize(
    ("name", "kind"), [(WEB, "TXT"), (ABSENT, "A"), (f"below.{WEB}", "A"), (TOP, "A"), ("svc.example.com", "A")]
)
def test_what_is_not_there_is_validated_too(lab: Lab, name: str, kind: str) -> None:
    assert "; negative response, fully validated" in lab.judged(name, kind)


def test_the_end_of_a_chain_without_the_type_is_validated(lab: Lab) -> None:
    told = lab.judged(ZONE_OF_WEB, "TXT")
    assert f"; {WEB}. RRSIG NSEC" in told
    assert told.count("CNAME\t") == 2
    assert "failure" not in told


def test_who_trusts_another_key_believes_nothing(lab: Lab) -> None:
    for name in (WEB, ABSENT):
        assert "validated" not in bind.delv(lab.other, name, "A", port=lab.served.port)


def test_who_wants_no_signatures_gets_the_answers_of_before(lab: Lab) -> None:
    answer = lab.served.ask(WEB)
    assert {each.rdtype for each in answer.answer} == {dns.rdatatype.A}
    assert lab.served.ask(ABSENT).rcode() == dns.rcode.NXDOMAIN


# What CoreDNS does otherwise for signed answers, as docs/zone.md says it.


def test_who_wants_signatures_is_told_that_a_name_is_there_without_the_type_instead_of_that_it_is_not(lab: Lab) -> None:
    answer = lab.ask(ABSENT, "A")
    assert answer.rcode() == dns.rcode.NOERROR
    (nsec,) = (each for each in answer.authority if each.rdtype == dns.rdatatype.NSEC)
    # It denies this one name and type alone: nobody can walk the zone by it.
    assert str(nsec).startswith(rf"{ABSENT}. 30 IN NSEC \000.{ABSENT}. ")
    types = str(nsec[0]).split()[1:]
    assert "A" not in types
    assert {"TXT", "AAAA", "SRV", "NSEC", "RRSIG"} <= set(types)
    # Of these it says that there is none, whatever there is.
    assert not {"MX", "CNAME", "NS"} & set(types)


def test_signatures_are_good_for_eight_days_and_an_hour_is_the_longest_time_to_keep_an_answer(lab: Lab) -> None:
    for name, ttl in ((WEB, 30), ("slow.example.com", 7200)):
        (signatures,) = (each for each in lab.ask(name, "A").answer if each.rdtype == dns.rdatatype.RRSIG)
        signature = signatures[0]
        assert (signature.expiration - signature.inception) == (8 * 24 + 3) * 3600
        assert (signatures.ttl, signature.original_ttl) == (ttl, 3600)
    assert "slow.example.com.\t3600\t" in lab.judged("slow.example.com", "A").replace("\tIN", "\t")


def test_a_delegation_is_said_to_have_no_key_of_its_own(lab: Lab) -> None:
    answer = lab.ask("sub.example.com", "A")
    (nsec,) = (each for each in answer.authority if each.rdtype == dns.rdatatype.NSEC)
    types = set(str(nsec[0]).split()[1:])
    assert "NS" in types
    assert "DS" not in types


def test_any_is_answered_as_a_signed_where_that_is_wanted(lab: Lab) -> None:
    signed, plain = ({each.rdtype for each in side.ask(WEB, "ANY").answer} for side in (lab, lab.served))
    assert signed == {dns.rdatatype.A, dns.rdatatype.RRSIG}
    assert plain == {dns.rdatatype.A}
