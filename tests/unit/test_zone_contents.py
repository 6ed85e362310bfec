"""The zone that DNSEndpoints make together, as text."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.zone.contents import Apex, Contents, merge, written_in
from controllers.zone.endpoints import read_source
from federation.settings.names import DNS_CONTROLLER, MANAGED_BY, OWN_RECORDS

pytestmark = pytest.mark.unit

ZONE = Apex("example.com", "ns.dns.example.com", 30)
OWN = ("federation-system", OWN_RECORDS)
"""The DNSEndpoint that the program makes."""
FULL = [f"10.1.{i // 200}.{i % 200}" for i in range(60000 // 28)]
"""As many addresses as an answer is sure to hold."""


def entry(name: str, kind: str, *targets: str, ttl: int | None = None) -> dict[str, Any]:
    return {"dnsName": name, "recordType": kind, "targets": list(targets), "recordTTL": ttl}


def endpoint(*entries: dict[str, Any], name: str = "x", ours: bool = False, created: str = "2026-01-01") -> Any:
    labels = {MANAGED_BY: DNS_CONTROLLER} if ours else {}
    metadata = {
        "namespace": "default",
        "name": name,
        "uid": f"uid-of-{name}",
        "labels": labels,
        "creationTimestamp": f"{created}T00:00:00Z",
    }
    return {"metadata": metadata, "spec": {"endpoints": list(entries)}}


def made(*objects: Any) -> Contents:
    return merge(ZONE, [read_source("example.com", OWN, each) for each in objects])


def lines(found: Contents) -> list[str]:
    return found.text(7).splitlines()[2:]


def reasons(found: Contents) -> list[str]:
    return sorted(each.text for each in found.left_out)


def test_the_top_says_serial_name_server_and_how_long_there_is_no_such_name() -> None:
    assert made().text(7).splitlines() == [
        "example.com. 30 IN SOA ns.dns.example.com. hostmaster.example.com. 7 7200 1800 86400 30",
        "example.com. 300 IN NS ns.dns.example.com.",
    ]


def test_a_text_says_which_contents_it_is_of() -> None:
    found = made(endpoint(entry("web.example.com", "A", "192.0.2.1")))
    assert written_in(found.text(7)) == (found.digest, 7)
    assert (
        written_in("") is written_in("of the run before\n") is written_in("example.com. 30 IN A nonsense x\n") is None
    )


def test_every_type_is_written_in_its_own_form() -> None:
    found = made(
        endpoint(
            entry("Web.example.com.", "A", "192.0.2.2", "192.0.2.1", "192.0.2.1", ttl=5),
            entry("web.example.com", "AAAA", "2001:DB8::0:1"),
            entry("a.example.com", "CNAME", "Web.Example.com"),
            entry("example.com", "MX", "10 mail.example.net"),
            entry("_sip._tcp.example.com", "SRV", "1 2 5060 web.example.com"),
            entry("t.example.com", "TXT", '"v=1; \\ x"', "é"),
            entry("sub.example.com", "NS", "ns.example.net"),
            entry("*.w.example.com", "A", "192.0.2.3"),
        )
    )
    assert reasons(found) == []
    assert lines(found) == [
        "example.com. 30 IN MX 10 mail.example.net.",
        "_sip._tcp.example.com. 30 IN SRV 1 2 5060 web.example.com.",
        "a.example.com. 30 IN CNAME web.example.com.",
        "sub.example.com. 30 IN NS ns.example.net.",
        't.example.com. 30 IN TXT "\\195\\169"',
        't.example.com. 30 IN TXT "v=1; \\092 x"',
        "*.w.example.com. 30 IN A 192.0.2.3",
        "web.example.com. 5 IN A 192.0.2.1",
        "web.example.com. 5 IN A 192.0.2.2",
        "web.example.com. 30 IN AAAA 2001:db8::1",
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (entry("web.example.org", "A", "192.0.2.1"), "its name is not in the zone example.com"),
        (entry("xexample.com", "A", "192.0.2.1"), "its name is not in the zone example.com"),
        (entry("a b.example.com", "A", "192.0.2.1"), "its name is not a DNS name"),
        (entry("x.*.example.com", "A", "192.0.2.1"), "its name is not a DNS name"),
        (entry("*." + "a" * 60 + ("." + "a" * 60) * 2 + "." + "b" * 57 + ".example.com", "A", "192.0.2.1"), "its name"),
        (entry("web.example.com", "DNAME", "x.example.org"), "its type is not one of A, AAAA, CNAME"),
        (entry("web.example.com", "A", "192.0.2.256"), "target '192.0.2.256' is left out: an IPv4 address"),
        (entry("web.example.com", "A", "192.0.2.1\n$INCLUDE /x"), "is left out: an IPv4 address"),
        (entry("web.example.com", "AAAA", "fe80::1%eth0"), "an IPv6 address without a scope"),
        (entry("web.example.com", "CNAME", "x y"), "a DNS name of at most 253"),
        (entry("web.example.com", "CNAME", "a.example.org", "b.example.org"), "it has several targets"),
        (entry("web.example.com", "CNAME", "Web.example.com."), "it leads to itself"),
        (entry("web.example.com", "MX", "mail.example.com"), "1 numbers from 0 to 65535 and a DNS name"),
        (entry("web.example.com", "SRV", "1 2 70000 x.example.com"), "3 numbers from 0 to 65535"),
        (entry("web.example.com", "A", "192.0.2.1", ttl=2**31), "recordTTL 2147483648 is not from 1"),
        (entry("web.example.com", "A", "192.0.2.1", ttl=-1), "recordTTL -1 is not from 1"),
        (entry("web.example.com", "A", "192.0.2.1", ttl=True), "recordTTL True is not from 1"),
        (entry("web.example.com", "TXT", "x" * 60001), "longer than 60000 bytes"),
        (entry("web.example.com", "A", *FULL, "198.51.100.1"), "longer than 60000 bytes"),
        (entry("example.com", "NS", "ns.example.org"), "NS is the federation's"),
        (entry("example.com", "CNAME", "example.org"), "at the top of the zone there is no CNAME"),
    ],
)
def test_what_is_not_a_record_is_left_out_and_all_else_stays(bad: Any, reason: str) -> None:
    found = made(endpoint(bad, entry("good.example.com", "A", "192.0.2.9")))
    assert lines(found) == ["good.example.com. 30 IN A 192.0.2.9"]
    (said,) = reasons(found)
    assert reason in said


@pytest.mark.parametrize("spec", ["x", {"endpoints": 5}, {"endpoints": [entry("good.example.com", "A", "::"), "x"]}])
def test_an_object_that_cannot_be_read_is_left_out_and_told_of(spec: Any) -> None:
    found = made(endpoint(name="odd") | {"spec": spec}, endpoint(entry("good.example.com", "A", "192.0.2.9")))
    assert lines(found) == ["good.example.com. 30 IN A 192.0.2.9"]
    (told,) = found.left_out
    assert told.key == ("default", "odd")
    assert told.text.startswith("all of it is left out, as it is malformed: ")


def test_a_bad_target_leaves_the_good_ones() -> None:
    found = made(endpoint(entry("web.example.com", "A", "x", "192.0.2.1")))
    assert lines(found) == ["web.example.com. 30 IN A 192.0.2.1"]
    assert len(reasons(found)) == 1


def test_a_cname_beside_other_data_is_left_out() -> None:
    both = [entry("web.example.com", "CNAME", "x.example.org"), entry("web.example.com", "A", "192.0.2.1")]
    assert lines(made(endpoint(*both))) == ["web.example.com. 30 IN A 192.0.2.1"]


def test_entries_of_one_name_and_type_are_one_set_with_one_ttl() -> None:
    one, other = (entry("w.example.com", "A", "192.0.2.1", ttl=9), entry("w.example.com", "A", "192.0.2.2", ttl=4))
    assert lines(made(endpoint(one, other))) == ["w.example.com. 4 IN A 192.0.2.1", "w.example.com. 4 IN A 192.0.2.2"]


def test_entries_that_are_together_longer_than_an_answer_are_left_out() -> None:
    half = len(FULL) // 2
    one, other = entry("w.example.com", "A", *FULL[:half]), entry("w.example.com", "A", *FULL[half:])
    assert len(lines(made(endpoint(one, other)))) == len(FULL)
    more = endpoint(one, other, entry("w.example.com", "A", "198.51.100.1"))
    assert lines(made(more)) == []
    assert reasons(made(more)) == ["w.example.com A is left out: its records are longer than 60000 bytes together"]


def test_a_name_is_ours_before_it_is_anybodys_and_then_the_oldests() -> None:
    entries = [entry("web.example.com", "A", f"192.0.2.{i}") for i in range(3)]
    old, new = endpoint(entries[0], name="old", created="2025-01-01"), endpoint(entries[1], name="a-new")
    ours = endpoint(entries[2], name="ours", ours=True, created="2026-05-05")
    assert lines(made(new, old)) == ["web.example.com. 30 IN A 192.0.2.0"]
    assert reasons(made(new, old)) == ["web.example.com A is left out: the name is that of DNSEndpoint default/old"]
    assert lines(made(new, old, ours)) == ["web.example.com. 30 IN A 192.0.2.2"]


def test_the_programs_own_object_is_known_by_its_name_and_no_label_makes_another_one_ours() -> None:
    entries = [entry("api.fellowship.example.com", "A", f"192.0.2.{i}") for i in range(3)]
    labelled = endpoint(entries[0], name="old", created="2025-01-01")
    labelled["metadata"]["labels"] = {MANAGED_BY: "pulumi"}
    namesake = endpoint(entries[1], name=OWN_RECORDS, created="2025-01-01")
    own = endpoint(entries[2], name=OWN_RECORDS, created="2026-05-05")
    own["metadata"]["namespace"], _ = OWN
    assert lines(made(labelled, namesake, own)) == ["api.fellowship.example.com. 30 IN A 192.0.2.2"]


def test_nobody_delegates_away_what_is_anothers() -> None:
    ours = endpoint(entry("web.svc.example.com", "A", "192.0.2.1"), name="ours", ours=True)
    cut = endpoint(entry("svc.example.com", "NS", "ns.example.org"), name="cut")
    below = endpoint(entry("b.a.example.com", "A", "192.0.2.2"), name="z", created="2026-02-01")
    own = endpoint(entry("a.example.com", "NS", "ns.a.example.com"), entry("ns.a.example.com", "A", "192.0.2.3"))
    assert lines(made(ours, cut)) == ["web.svc.example.com. 30 IN A 192.0.2.1"]
    assert lines(made(below, own)) == [
        "a.example.com. 30 IN NS ns.a.example.com.",
        "ns.a.example.com. 30 IN A 192.0.2.3",
    ]
