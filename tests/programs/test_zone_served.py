"""What a real CoreDNS answers from the file that the writer's process writes, and how soon."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import monotonic

import dns.flags
import dns.rcode
import dns.rdatatype
import pytest

from controllers.zone.writer import COLLECTION
from fleet.waiting import wait_until
from tests.figures import Figures
from tests.kube_api import ApiServer
from tests.programs.zone_lab import Served, free_port, process, serving, writer
from tests.unit.test_dns_process import kubeconfig_of
from tests.unit.test_zone_contents import endpoint, entry
from toolbox import tool

pytestmark = pytest.mark.programs

RECORDS = [
    entry("web.default.f.svc.example.com", "A", "192.0.2.1", "192.0.2.2"),
    entry("web.default.f.svc.example.com", "AAAA", "2001:db8::1"),
    entry("web.default.f.svc.r.example.com", "CNAME", "web.default.f.svc.example.com"),
    entry("web.default.f.svc.z.r.example.com", "CNAME", "web.default.f.svc.r.example.com"),
    entry("ns.dns.example.com", "A", "192.0.2.53"),
    entry("out.example.com", "CNAME", "elsewhere.example.net"),
    entry("many.example.com", "A", *(f"198.51.100.{i}" for i in range(100))),
    entry("a" * 60 + "." + "b" * 60 + "." + "c" * 60 + "." + "d" * 57 + ".example.com", "A", "192.0.2.3"),
    entry("t.example.com", "TXT", "x" * 300),
]
LONGEST = RECORDS[-2]["dnsName"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), RECORDS) as found:
        yield found


def test_a_name_has_addresses_of_both_families_in_either_case(served: Served) -> None:
    assert served.found("web.default.f.svc.example.com") == ["192.0.2.1", "192.0.2.2"]
    assert served.found("wEb.deFault.f.svc.EXAMPLE.com", "AAAA") == ["2001:db8::1"]
    (rrset,) = served.ask("web.default.f.svc.example.com").answer
    assert rrset.ttl == 30
    assert served.ask("web.default.f.svc.example.com").flags & dns.flags.AA


def test_a_chain_of_names_is_followed_inside_the_zone_and_ends_at_its_edge(served: Served) -> None:
    assert served.found("web.default.f.svc.z.r.example.com") == [
        "192.0.2.1",
        "192.0.2.2",
        "web.default.f.svc.example.com.",
        "web.default.f.svc.r.example.com.",
    ]
    assert served.found("out.example.com") == ["elsewhere.example.net."]


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("nothing.example.com", "A", dns.rcode.NXDOMAIN),
        ("web.default.f.svc.nowhere.example.com", "A", dns.rcode.NXDOMAIN),
        ("below.web.default.f.svc.example.com", "A", dns.rcode.NXDOMAIN),
        ("web.default.f.svc.example.com", "TXT", dns.rcode.NOERROR),
        ("web.default.f.svc.example.com", "TYPE65", dns.rcode.NOERROR),
        # There is nothing at these names, but there is below them (RFC 8020).
        ("svc.example.com", "A", dns.rcode.NOERROR),
        ("default.f.svc.example.com", "A", dns.rcode.NOERROR),
        ("example.com", "A", dns.rcode.NOERROR),
    ],
)
def test_a_name_that_is_not_and_a_name_without_the_type_differ(
    served: Served, name: str, kind: str, code: dns.rcode.Rcode
) -> None:
    answer = served.ask(name, kind)
    assert answer.rcode() == code
    assert answer.answer == []
    (soa,) = answer.authority
    # For so long there is no such name: as long as a name is there.
    assert (soa.rdtype, min(soa.ttl, soa[0].minimum)) == (dns.rdatatype.SOA, 30)


def test_the_top_names_its_server(served: Served) -> None:
    assert served.found("example.com", "NS") == ["ns.dns.example.com."]
    assert served.found("ns.dns.example.com") == ["192.0.2.53"]


def test_what_does_not_fit_is_asked_for_again_by_tcp(served: Served) -> None:
    assert served.ask("many.example.com").flags & dns.flags.TC
    (rrset,) = served.ask("many.example.com", tcp=True).answer
    assert len(rrset) == 100
    assert len(LONGEST) == 252
    assert served.found(LONGEST) == ["192.0.2.3"]
    (text,) = served.ask("t.example.com", "TXT").answer
    assert b"".join(text[0].strings) == b"x" * 300


def test_nobody_takes_the_whole_zone_where_there_are_no_secondaries(served: Served) -> None:
    for kind in ("AXFR", "IXFR"):
        refused = served.ask("example.com", kind, tcp=True)
        assert (refused.rcode(), refused.answer) == (dns.rcode.REFUSED, [])


def test_a_change_is_answered_in_time(served: Served, figures: Figures) -> None:
    took = []
    for i in range(5):
        address = f"192.0.2.{100 + i}"
        served.api.put(COLLECTION, endpoint(entry("new.example.com", "A", address), name="new"))
        began = monotonic()
        wait_until(address, lambda address=address: served.found("new.example.com") == [address], 5)  # type: ignore[misc]
        took.append(monotonic() - began)
    figures.add("zone: changed DNSEndpoint to changed answer, longest of 5", max(took))
    # The longest may be the machine's: other tests run beside this one.
    assert median(took) < 1.6, took


def test_both_writers_write_the_same_bytes(served: Served, tmp_path: Path) -> None:
    other = tmp_path / "db"
    with process(writer(kubeconfig_of(served.api.url, tmp_path), other), tmp_path / "log"):
        wait_until("the other writer to write", other.exists, 20)
        for i in range(10):
            served.api.put(COLLECTION, endpoint(entry("same.example.com", "A", f"192.0.2.{i}"), name="same"))
        done = "same.example.com. 30 IN A 192.0.2.9"
        wait_until(done, lambda: done in other.read_text() and done in served.file.read_text(), 10)
        wait_until("equal files", lambda: other.read_text() == served.file.read_text(), 10)


def test_the_first_file_is_kept_where_there_is_one_and_waited_for_where_there_is_none(tmp_path: Path) -> None:
    nobody = kubeconfig_of(f"http://127.0.0.1:{free_port()}", tmp_path)
    kept = tmp_path / "kept"
    kept.write_text("of the run before")
    subprocess.run([str(each) for each in writer(nobody, kept, "--first")], check=True, timeout=30)
    assert kept.read_text() == "of the run before"
    api, new = ApiServer(), tmp_path / "new"
    api.stop()
    with process(writer(kubeconfig_of(api.url, tmp_path), new, "--first"), tmp_path / "log") as first:
        log = tmp_path / "log"
        wait_until("the writer to meet no API", lambda: "lost sight of dnsendpoints" in log.read_text(), 20)
        assert first.poll() is None
        assert not new.exists()
        api.start()
        wait_until("the first file", new.exists, 20)
        assert first.wait(10) == 0
    api.stop()


def test_coredns_with_a_file_that_is_no_zone_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "db"
    file.write_text("example.com. 30 IN A nonsense\n")
    (tmp_path / "Corefile").write_text(
        f"example.com:{free_port()} {{\n    file {file} {{\n        reload 1s\n    }}\n}}\n"
    )
    done = subprocess.run(
        [str(tool("coredns")), "-conf", str(tmp_path / "Corefile")], timeout=20, check=False, capture_output=True
    )
    assert done.returncode != 0
