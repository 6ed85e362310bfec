"""What a CloudDnsZone asks Google for: the zone, the API's name, the delegation; and what it refuses."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest
from hypothesis import given
from pulumi import Output
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.mocks import MockEngine, MockSettings

from federation.dns.cloud_dns import CloudDnsZone, CloudDnsZoneArgs, google_provider
from federation.settings import names, syntax
from federation.settings.schema import GoogleCloudDns
from tests import strategies
from tests.component.recording import Record, RecordingMonitor, Secret, name_of

pytestmark = pytest.mark.component

SERVERS = ["ns-cloud-c1.googledomains.com.", "ns-cloud-c2.googledomains.com."]
EXISTING = {"mordor": "mordor.example.org.", "shire": "example.com.", "top": "com.", "almost": "ample.com."}
"""The managed zones that are there: name and domain."""
ZONE_ID = "2178398479834"
"""Of every zone; external-dns finds a zone by it."""
NETWORK = "projects/my-project/global/networks/default"


class Google(Mocks):
    """Has the EXISTING zones, and gives each zone the same name servers."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", {**args.inputs, "nameServers": SERVERS, "managedZoneId": ZONE_ID}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        assert args.token == "gcp:dns/getManagedZone:getManagedZone"
        assert name_of(args.provider.rpartition("::")[0]) == "google"
        name = args.args["name"]
        found = {"name": name, "dnsName": EXISTING[name], "nameServers": SERVERS, "managedZoneId": ZONE_ID}
        return {**found, "project": "my-project"}, []


def register(settings: Mapping[str, Any], **changes: Any) -> Record:
    """Register a zone for federation fellowship; the record's exports are the component's outputs."""
    record = Record()
    given_ = GoogleCloudDns.model_validate({"project": "my-project", **settings})

    def program() -> None:
        args: dict[str, Any] = {"zone": "example.com", "federation": "fellowship", "ttl": 30, **changes}
        address = Output.from_input(args.pop("api_address", "192.0.2.10"))
        zone_args = CloudDnsZoneArgs(provider=google_provider(given_), settings=given_, api_address=address, **args)
        zone = CloudDnsZone("zone", zone_args)
        pulumi.export("zone", zone.zone)
        pulumi.export("nameServers", zone.name_servers)

    contextvars.Context().run(_run, program, record)
    return record


def _run(program: Callable[[], None], record: Record) -> None:
    monitor, engine = RecordingMonitor(Google(), record), MockEngine(logging.Logger("pulumi"))
    pulumi.runtime.configure(
        MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            engine=engine,
            project="federation",
            stack="dev",
            # Without a set of its own a run also awaits what a refused run before it has left.
            outputs=set(),
        )
    )
    asyncio.run(_quietly(program))


async def _quietly(program: Callable[[], None]) -> None:
    """Without asyncio's log of the tasks that a refusal leaves behind: the refusal itself is raised."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    await pulumi.runtime.run_in_stack(program)


def test_a_new_zone_is_public_labelled_and_goes_with_its_records() -> None:
    record = register({})
    assert record.one("ManagedZone", "zone").inputs == {
        "name": "example-com",
        "dnsName": "example.com.",
        "description": "Services of federation fellowship; records are written by external-dns",
        "visibility": "public",
        "dnssecConfig": {"state": "off"},
        "labels": {"federation": "fellowship"},
        "forceDestroy": True,
    }
    assert record.exports == {"zone": "example.com.", "nameServers": SERVERS}
    assert [str(each) for each in record.resources if each.protect] == []


def test_settings_reach_the_zone() -> None:
    zone = register({"dnssec": True, "zoneName": "fellowship", "labels": {"team": "dns"}}).one("ManagedZone", "zone")
    assert (zone.inputs["name"], zone.inputs["dnssecConfig"]) == ("fellowship", {"state": "on"})
    assert zone.inputs["labels"] == {"team": "dns", "federation": "fellowship"}


def test_a_private_zone_is_seen_by_its_networks_and_says_nothing_of_dnssec() -> None:
    zone = register({"visibility": "private", "networks": [NETWORK]}).one("ManagedZone", "zone").inputs
    assert zone["visibility"] == "private"
    assert zone["privateVisibilityConfig"] == {"networks": [{"networkUrl": NETWORK}]}
    assert "dnssecConfig" not in zone


def test_a_protected_zone_keeps_its_records_and_only_the_zone_is_protected() -> None:
    record = register({"parentZone": "top"}, protect=True)
    assert [str(each) for each in record.resources if each.protect] == ["ManagedZone zone"]
    assert record.one("ManagedZone", "zone").inputs["forceDestroy"] is False


def test_an_existing_zone_gets_the_apis_record_and_nothing_else() -> None:
    record = register({"createZone": False, "zoneName": "shire"}, protect=True)
    assert {str(each) for each in record.resources} == {"gcp google", "CloudDnsZone zone", "RecordSet zone-api"}
    assert record.one("RecordSet", "zone-api").inputs["managedZone"] == "shire"
    assert record.exports == {"zone": "example.com.", "nameServers": SERVERS}


@pytest.mark.parametrize(
    ("address", "kind", "data"),
    [
        ("192.0.2.10", "A", "192.0.2.10"),
        ("2001:db8::10", "AAAA", "2001:db8::10"),
        ("balancer.example.net", "CNAME", "balancer.example.net."),
    ],
)
def test_the_api_has_a_record_of_the_kind_of_its_address(address: str, kind: str, data: str) -> None:
    record = register({}, api_address=address, ttl=7)
    assert record.one("RecordSet", "zone-api").inputs == {
        "managedZone": "example-com",
        "name": "api.fellowship.example.com.",
        "type": kind,
        "rrdatas": [data],
        "ttl": 7,
    }


@given(strategies.labels(), strategies.zones(), strategies.labels(), strategies.labels(), strategies.labels())
def test_the_apis_name_is_no_services_name(federation: str, zone: str, service: str, one: str, two: str) -> None:
    zone = syntax.zone_of(zone)
    tree = names.ServiceNames(service, one, federation, zone)
    api = names.api_name(federation, zone)
    assert api.endswith(f".{zone}")
    assert not tree.includes(api)
    assert api not in (tree.at(), tree.at(one), tree.at(two, one))


def test_a_parent_zone_delegates_to_the_zones_servers() -> None:
    record = register({"parentZone": "top"})
    assert record.one("RecordSet", "zone-delegation").inputs == {
        "managedZone": "top",
        "name": "example.com.",
        "type": "NS",
        "rrdatas": SERVERS,
        "ttl": 21600,
    }
    assert record.one("ManagedZone", "zone").urn in record.needs(record.one("RecordSet", "zone-delegation"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parentZone": "mordor"}, "parentZone: managed zone mordor of project my-project is for mordor.example.org.;"),
        ({"parentZone": "almost"}, "parentZone: managed zone almost of project my-project is for ample.com.; it must"),
        ({"parentZone": "shire"}, "is for example.com.; it must be above example.com."),
        ({"createZone": False, "zoneName": "top"}, "zoneName: managed zone top of project my-project is for com.; it"),
    ],
)
def test_a_zone_of_another_domain_is_refused_before_anything_is_put_into_it(
    settings: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(pulumi.RunError, match=re.escape(message)):
        register(settings)


def test_everything_is_in_the_component_and_on_the_explicit_provider() -> None:
    record = register({"parentZone": "top"})
    component = record.one("CloudDnsZone", "zone")
    assert component.type == "federation:index:CloudDnsZone"
    assert {str(each): name_of(each.provider) for each in record.inside(component)} == {
        "ManagedZone zone": "google",
        "RecordSet zone-api": "google",
        "RecordSet zone-delegation": "google",
    }


def test_the_provider_takes_the_credentials_as_a_secret_and_the_endpoint_of_a_mock() -> None:
    endpoint = "http://127.0.0.1:8053/dns/v1/"
    provider = register({"credentials": "{}", "dnsCustomEndpoint": endpoint}).one("gcp", "google").inputs
    assert provider["credentials"] == Secret("{}")
    assert (provider["project"], provider["dnsCustomEndpoint"]) == ("my-project", endpoint)


def test_the_default_is_googles_endpoint_with_application_default_credentials() -> None:
    assert register({}).one("gcp", "google").inputs == {"project": "my-project"}
