"""What a real CoreDNS answers from a zone of ours, by the RFC that says what is right."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from lab.toolbox import debian
from tests.programs.zone_lab import Served, serving
from tests.unit.test_zone_contents import entry

pytestmark = pytest.mark.programs

WEB = "web.default.f.svc.example.com"
IN_REGION, IN_ZONE = "web.default.f.svc.r.example.com", "web.default.f.svc.z.r.example.com"
TTL = 30
LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 49, "example.com"])
MANY = sorted(f"198.51.100.{i}" for i in range(100))
RECORDS = [
    entry(WEB, "A", "192.0.2.1", "192.0.2.2"),
    entry(WEB, "AAAA", "2001:db8::1"),
    entry(IN_REGION, "CNAME", WEB),
    entry(IN_ZONE, "CNAME", IN_REGION),
    entry("ns.dns.example.com", "A", "192.0.2.53"),
    entry("out.example.com", "CNAME", "elsewhere.example.net"),
    entry("dead.example.com", "CNAME", "nothing.example.com"),
    entry("half.example.com", "CNAME", "many.example.com"),
    entry("many.example.com", "A", *MANY),
    entry(LONGEST, "A", "192.0.2.3"),
    entry("t.example.com", "TXT", "x" * 300),
    entry("*.w.example.com", "A", "192.0.2.4"),
    entry("host.w.example.com", "TXT", "here"),
    entry("deep.host.below.v.example.com", "TXT", "here"),
    entry("*.v.example.com", "A", "192.0.2.4"),
    entry("sub.example.com", "NS", "ns.sub.example.com"),
    entry("ns.sub.example.com", "A", "192.0.2.5"),
    entry("short.example.com", "A", "192.0.2.6", ttl=5),
]
CHAIN_OF = {IN_ZONE: [f"{IN_REGION}.", f"{WEB}."], IN_REGION: [f"{WEB}."], WEB: []}
"""The targets on the way from each name."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("answers"), RECORDS) as found:
        yield found


@pytest.mark.parametrize("name", CHAIN_OF)
@pytest.mark.parametrize(("kind", "addresses"), [("A", ["192.0.2.1", "192.0.2.2"]), ("AAAA", ["2001:db8::1"])])
def test_a_chain_of_names_is_followed_to_the_addresses_of_the_asked_family(
    served: Served, name: str, kind: str, addresses: list[str]
) -> None:
    """RFC 1034, section 4.3.2, step 3a."""
    answer = served.ask(name, kind)
    assert sorted(f"{each}" for rrset in answer.answer for each in rrset) == sorted([*CHAIN_OF[name], *addresses])
    assert answer.flags & dns.flags.AA
    assert {rrset.ttl for rrset in answer.answer} == {TTL}


def test_a_chain_that_leaves_the_zone_ends_at_its_edge(served: Served) -> None:
    assert served.found("out.example.com") == ["elsewhere.example.net."]


def test_a_record_has_its_own_ttl_where_it_has_one(served: Served) -> None:
    assert [rrset.ttl for rrset in served.ask("short.example.com").answer] == [5]


def test_a_question_comes_back_as_it_was_spelled(served: Served) -> None:
    """Case does not count (RFC 4343); resolvers hold a spelling of their own against forged answers (0x20)."""
    for spelled in ("wEb.dEfAULt.f.SVC.example.COM", "NoThInG.eXaMpLe.CoM", "SvC.example.com"):
        answer = served.ask(spelled)
        assert [f"{each.name}" for each in answer.question] == [f"{spelled}."]
        assert answer.rcode() == served.ask(spelled.lower()).rcode()
    assert served.found(WEB.upper()) == served.found(WEB)


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("nothing.example.com", "A", dns.rcode.NXDOMAIN),
        ("web.default.f.svc.nowhere.example.com", "A", dns.rcode.NXDOMAIN),
        (f"below.{WEB}", "A", dns.rcode.NXDOMAIN),
        ("nothing.example.com", "ANY", dns.rcode.NXDOMAIN),
        ("nothing.example.com", "TYPE65280", dns.rcode.NXDOMAIN),
        (WEB, "TXT", dns.rcode.NOERROR),
        # HTTPS, as browsers ask for; and a type that nobody knows (RFC 3597).
        (WEB, "TYPE65", dns.rcode.NOERROR),
        (WEB, "TYPE65280", dns.rcode.NOERROR),
        ("example.com", "A", dns.rcode.NOERROR),
        # There is nothing at these names, but there is below them (RFC 8020).
        ("svc.example.com", "A", dns.rcode.NOERROR),
        ("default.f.svc.example.com", "A", dns.rcode.NOERROR),
        ("r.example.com", "ANY", dns.rcode.NOERROR),
        # A wildcard says nothing of its parent, of names that are there, nor of those below them (RFC 4592).
        ("w.example.com", "A", dns.rcode.NOERROR),
        ("host.w.example.com", "A", dns.rcode.NOERROR),
        ("below.host.w.example.com", "A", dns.rcode.NXDOMAIN),
        ("x.w.example.com", "AAAA", dns.rcode.NOERROR),
    ],
)
def test_a_name_that_is_not_and_a_name_without_the_type_differ(
    served: Served, name: str, kind: str, code: dns.rcode.Rcode
) -> None:
    """RFC 2308, section 2; the SOA says for how long it is so (section 3): as long as a record of the zone is there."""
    answer = served.ask(name, kind)
    assert answer.rcode() == code
    assert answer.answer == []
    assert negative_ttl(answer) == TTL


def negative_ttl(answer: dns.message.Message) -> int:
    (soa,) = answer.authority
    assert soa.rdtype == dns.rdatatype.SOA
    return min(soa.ttl, int(soa[0].minimum))


def test_a_chain_that_leads_nowhere_says_so(served: Served) -> None:
    """The code is that of the chain's end (RFC 6604, section 3)."""
    assert served.ask("dead.example.com").rcode() == dns.rcode.NXDOMAIN
    assert served.found("dead.example.com") == ["nothing.example.com."]
    assert served.ask("half.example.com", "AAAA").rcode() == dns.rcode.NOERROR
    assert served.found("half.example.com", "AAAA") == ["many.example.com."]


@pytest.mark.xfail(strict=True, reason="mended by coredns/coredns#8226: has the name servers instead of the SOA")
@pytest.mark.parametrize(("name", "kind"), [("dead.example.com", "A"), ("half.example.com", "AAAA")])
def test_a_chain_that_leads_nowhere_says_for_how_long(served: Served, name: str, kind: str) -> None:
    """RFC 2308, section 3. Without it, resolvers keep the chain and ask for its end each time."""
    assert negative_ttl(served.ask(name, kind)) == TTL


@pytest.mark.parametrize("name", ["x.w.example.com", "x.y.w.example.com", "*.w.example.com", "x.v.example.com"])
def test_a_wildcard_stands_for_what_is_not_there(served: Served, name: str) -> None:
    """RFC 4592, section 3.3."""
    (rrset,) = served.ask(name).answer
    assert (f"{rrset.name}", [f"{each}" for each in rrset]) == (f"{name}.", ["192.0.2.4"])


@pytest.mark.xfail(strict=True, reason="mended by coredns/coredns#8223: is answered from the wildcard")
@pytest.mark.parametrize(
    ("name", "code"), [("below.v.example.com", dns.rcode.NOERROR), ("x.below.v.example.com", dns.rcode.NXDOMAIN)]
)
def test_a_wildcard_leaves_alone_what_is_there_for_what_is_below_it(
    served: Served, name: str, code: dns.rcode.Rcode
) -> None:
    """RFC 4592, section 2.2.2."""
    answer = served.ask(name)
    assert (answer.rcode(), answer.answer) == (code, [])


@pytest.mark.parametrize("name", ["sub.example.com", "ns.sub.example.com", "any.thing.sub.example.com"])
def test_below_a_delegation_its_name_servers_are_told_and_their_addresses(served: Served, name: str) -> None:
    """RFC 1034, section 4.3.2, step 3b; not with authority, which is the others'."""
    answer = served.ask(name)
    assert answer.answer == []
    assert [f"{each}" for rrset in answer.authority for each in rrset] == ["ns.sub.example.com."]
    assert [f"{each}" for rrset in answer.additional for each in rrset] == ["192.0.2.5"]
    assert not answer.flags & dns.flags.AA


def test_the_top_names_its_server(served: Served) -> None:
    assert served.found("example.com", "NS") == ["ns.dns.example.com."]
    assert served.found("ns.dns.example.com") == ["192.0.2.53"]
    (soa,) = served.ask("example.com", "SOA").answer
    assert f"{soa[0].mname}" == "ns.dns.example.com."


def test_other_zones_are_refused(served: Served) -> None:
    for name in ("elsewhere.example.net", "com", "."):
        assert served.ask(name).rcode() == dns.rcode.REFUSED


def test_a_name_of_253_characters_is_answered(served: Served) -> None:
    """The most that 255 bytes of labels hold (RFC 1035, section 2.3.4)."""
    assert len(LONGEST) == 253
    assert served.found(LONGEST) == ["192.0.2.3"]


def test_a_long_text_arrives_whole(served: Served) -> None:
    (text,) = served.ask("t.example.com", "TXT").answer
    assert b"".join(text[0].strings) == b"x" * 300


@pytest.mark.parametrize(
    ("asked", "most"), [(None, 512), (0, 512), (512, 512), (900, 900), (1232, 1232), (4096, 1232), (65535, 1232)]
)
def test_an_answer_is_as_long_as_the_asker_takes_and_no_network_parts_it(
    served: Served, asked: int | None, most: int
) -> None:
    """RFC 6891, section 6.2.3, and RFC 9715, section 3.1; what does not fit says that it is not all."""
    answer = served.ask("many.example.com", size=asked)
    assert answer.wire is not None
    assert len(answer.wire) <= most
    assert answer.flags & dns.flags.TC
    assert {f"{each}" for rrset in answer.answer for each in rrset} < set(MANY)
    whole = served.ask(WEB, size=asked)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 2


@pytest.mark.parametrize("asked", [None, 512, 4096])
def test_all_100_targets_come_by_tcp(served: Served, asked: int | None) -> None:
    answer = served.ask("many.example.com", tcp=True, size=asked)
    assert not answer.flags & dns.flags.TC
    assert sorted(f"{each}" for rrset in answer.answer for each in rrset) == MANY


@pytest.mark.parametrize("tcp", [False, True])
def test_a_question_for_any_type_is_answered_with_one(served: Served, tcp: bool) -> None:
    """RFC 8482, section 4.1. That there is nothing would be a lie."""
    answer = served.ask(WEB, "ANY", tcp=tcp)
    (rrset,) = answer.answer
    assert sorted(f"{each}" for each in rrset) == ["192.0.2.1", "192.0.2.2"]
    assert [each.rdtype for each in answer.question] == [dns.rdatatype.ANY]


def dig(served: Served, *question: str) -> str:
    debian.bring("bind9-dnsutils")
    command = ["dig", "@127.0.0.1", f"-p{served.port}", "+tries=1", *question]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


SHOWN: list[tuple[tuple[str, ...], str, int, str]] = [
    ((WEB,), "NOERROR", 2, "UDP"),
    ((IN_ZONE, "AAAA"), "NOERROR", 3, "UDP"),
    (("nothing.example.com",), "NXDOMAIN", 0, "UDP"),
    (("svc.example.com",), "NOERROR", 0, "UDP"),
    (("many.example.com", "+tcp"), "NOERROR", 100, "TCP"),
    # It asks again by itself, by TCP.
    (("many.example.com", "+bufsize=512"), "NOERROR", 100, "TCP"),
    (("many.example.com", "+bufsize=1232"), "NOERROR", 100, "TCP"),
    (("many.example.com", "+bufsize=4096"), "NOERROR", 100, "TCP"),
    (("many.example.com", "+bufsize=4096", "+ignore", "+nocookie"), "NOERROR", 74, "UDP"),
    (("many.example.com", "+noedns", "+ignore"), "NOERROR", 29, "UDP"),
    ((WEB, "ANY"), "NOERROR", 2, "TCP"),
    ((WEB, "ANY", "+notcp"), "NOERROR", 2, "UDP"),
    ((WEB, "-t", "TYPE65"), "NOERROR", 0, "UDP"),
    ((LONGEST,), "NOERROR", 1, "UDP"),
]
"""What a person types: question, code, records of the answer, and how the answer came."""


@pytest.mark.parametrize(("question", "code", "answers", "way"), SHOWN)
def test_dig_shows(served: Served, question: tuple[str, ...], code: str, answers: int, way: str) -> None:
    shown = dig(served, *question)
    assert f"status: {code}," in shown
    assert f"ANSWER: {answers}," in shown
    assert re.search(rf"SERVER: .*\({way}\)", shown)
    assert "WARNING: Message parser" not in shown


def test_dig_gives_scripts_the_targets_alone(served: Served) -> None:
    assert sorted(dig(served, "+short", IN_REGION).split()) == ["192.0.2.1", "192.0.2.2", f"{WEB}."]
    assert dig(served, "+short", "nothing.example.com") == ""
    assert dig(served, "+short", "-t", "TXT", "host.w.example.com") == '"here"\n'


def test_delv_takes_the_answer_of_an_unsigned_zone(served: Served) -> None:
    debian.bring("bind9-dnsutils")
    command = ["delv", "@127.0.0.1", f"-p{served.port}", "-i", IN_REGION]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout
    assert "192.0.2.1" in shown
    assert "resolution failed" not in shown


def test_nobody_takes_the_whole_zone_where_there_are_no_secondaries(served: Served) -> None:
    for kind in ("AXFR", "IXFR"):
        refused = served.ask("example.com", kind, tcp=True)
        assert (refused.rcode(), refused.answer) == (dns.rcode.REFUSED, [])
