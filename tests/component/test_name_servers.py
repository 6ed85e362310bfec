"""The zone's name servers: of which names they give addresses, and what they say of all others."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation import names
from federation.dns import core_dns
from provider.cluster_dns.server_blocks import Plugin, ServerBlock, parse
from tests import strategies
from tests.component.recording import Record, opened

pytestmark = pytest.mark.component

STORE = "https://dns-etcd-client.karmada-system.svc:2379"


def server_blocks(zone: str = "example.com", federation: str = "fellowship") -> tuple[ServerBlock, ...]:
    """The blocks for: addresses; SOA and NS; every other question."""
    return parse(core_dns._corefile(zone, federation, STORE)).blocks


def plugin(block: ServerBlock, name: str) -> Plugin:
    (found,) = (each for each in block.plugins if each.words[0] == name)
    return found


def have_addresses(name: str, zone: str = "example.com", federation: str = "fellowship") -> bool:
    """Whether the first view takes the name: CoreDNS unescapes each `\\\\` and asks in lower case, with a final dot."""
    _, which, excluded = (" ".join(option) for option in plugin(server_blocks(zone, federation)[0], "view").options)
    (taken,) = re.findall(r"^expr name\(\) matches '(.*)'$", which)
    (wildcard,) = re.findall(r"^expr not \(name\(\) matches '(.*)'\)$", excluded)
    found, wild = (re.search(pattern.replace(r"\\", "\\"), f"{name}.") for pattern in (taken, wildcard))
    return found is not None and wild is None


names_of_services = st.builds(
    names.ServiceNames, strategies.labels(), strategies.labels(), strategies.labels(), strategies.zones()
)


@given(names_of_services, st.lists(strategies.places(), max_size=2))
def test_every_name_of_a_service_has_addresses(service: names.ServiceNames, place: list[str]) -> None:
    name = service.at(*place)
    # The label `any` means every label to CoreDNS's plugin etcd.
    assert have_addresses(name, names.zone_of(service.suffix), service.federation) == ("any" not in name.split("."))


@given(names_of_services)
def test_the_dots_of_the_zone_are_dots(service: names.ServiceNames) -> None:
    zone = names.zone_of(service.suffix)
    blurred = service.at().removesuffix(zone) + zone.replace(".", "x")
    assert not have_addresses(blurred, zone, service.federation)


@pytest.mark.parametrize("name", ["api.fellowship.example.com", "ns.dns.example.com"])
def test_the_names_of_the_api_and_the_name_server_have_addresses(name: str) -> None:
    assert have_addresses(name)


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "svc.example.com",
        "fellowship.svc.example.com",
        "default.fellowship.svc.example.com",
        "web.default.mordor.svc.example.com",
        "web.default.fellowshipxsvc.example.com",
        "web.default.fellowship.svc.a.b.c.example.com",
        "more.web.default.fellowship.svc.example.com",
        "any.default.fellowship.svc.example.com",
        "web.default.fellowship.svc.any.example.com",
        "*.default.fellowship.svc.example.com",
        "web.default.fellowship.svc.example.com.evil.org",
        "apixfellowship.example.com",
        "api.mordor.example.com",
        "nsxdns.example.com",
        "web.ns.dns.example.com",
    ],
)
def test_no_other_name_has_addresses(name: str) -> None:
    assert not have_addresses(name)


def test_only_questions_for_addresses_are_answered_with_them() -> None:
    first, *_ = plugin(server_blocks()[0], "view").options
    assert " ".join(first) == "expr type() in ['A', 'AAAA']"


def test_the_top_of_the_zone_names_its_server() -> None:
    top = server_blocks()[1]
    assert [" ".join(option) for option in plugin(top, "view").options] == [
        "expr type() in ['SOA', 'NS'] && name() == 'example.com.'"
    ]
    template = plugin(top, "template")
    assert template.words == ("template", "IN", "NS")
    assert template.options == (("answer", "{{ .Zone }} 300 IN NS ns.dns.{{ .Zone }}"),)


def test_every_other_question_is_turned_into_one_that_finds_nothing() -> None:
    rewrites = [each.words for each in server_blocks()[2].plugins if each.words[0] == "rewrite"]
    asked = ("A", "AAAA", "CNAME", "TXT", "PTR", "SRV", "SOA")
    assert rewrites == [("rewrite", "stop", "type", kind, "MX") for kind in asked]


def test_all_answers_are_from_the_one_store() -> None:
    blocks = server_blocks()
    assert [block.keys for block in blocks] == [("example.com:1053",)] * 3
    for block in blocks:
        assert {("path", "/skydns"), ("endpoint", STORE)} <= set(plugin(block, "etcd").options)


def test_a_name_server_is_asked_for_its_health_where_it_answers(dev: Record) -> None:
    (container,) = dev.one("Deployment", "federation-dns").inputs["spec"]["template"]["spec"]["containers"]
    asked = {
        name: (container[f"{probe}Probe"]["httpGet"]["path"], container[f"{probe}Probe"]["httpGet"]["port"])
        for name, probe in (("ready", "readiness"), ("health", "liveness"))
    }
    blocks = parse(opened(dev.one("Secret", "federation-dns-files").inputs["stringData"])["Corefile"]).blocks
    answers = {
        each.words[0]: (f"/{each.words[0]}", float(each.words[1].removeprefix(":")))
        for block in blocks
        for each in block.plugins
        if each.words[0] in asked
    }
    assert asked == answers
    ports = dev.one("Service", "federation-dns").inputs["spec"]["ports"]
    assert {(each["protocol"], each["port"], each["targetPort"]) for each in ports} == {
        ("UDP", 53, 1053),
        ("TCP", 53, 1053),
    }
