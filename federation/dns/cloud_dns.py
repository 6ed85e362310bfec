"""The federation's zone in Google Cloud DNS, with the name of the federation API in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_gcp as gcp
from pulumi import Input, InvokeOutputOptions, Output, ResourceOptions

from federation.dns.publication import Publication
from federation.parts.workload import FILES_FOLDER
from federation.settings import names, syntax
from federation.settings.schema import GoogleCloudDns

RECHECK = "30s"
"""How often external-dns compares the whole zone; what changes in the federation API it publishes within 5 s."""
DELEGATION_TTL = 21600
"""Seconds; as long as Google lets the zone's own NS records be cached."""


@dataclass
class CloudDnsZoneArgs:
    provider: gcp.Provider
    """Provider of the Google Cloud project (`google_provider`)."""
    settings: GoogleCloudDns
    zone: str
    """Domain of the zone, without the final dot."""
    federation: str
    """Name of the federation: a label of the API's name, and the value of the zone's label `federation`."""
    api_address: Output[str]
    """IP address or DNS name behind the federation API; not the name that it gets here (`names.api_name`)."""
    ttl: int
    """Seconds for which the API's address may be cached."""
    protect: bool = False
    """Whether Pulumi refuses to delete a zone that was created here."""


class CloudDnsZone(pulumi.ComponentResource):
    """A managed zone, new or existing, with a record for the federation API and, if asked, its delegation.

    external-dns fills the zone while nobody runs Pulumi, and Google deletes no zone that has records. A zone created
    here holds nothing but the federation's records, which mean nothing without it, so it is deleted with them
    (`force_destroy`), unless it is protected. An existing zone stays as it is: only the API's record is put into it.

    A record of the same name and type that is there already is replaced (the provider calls itself authoritative).
    """

    zone: Output[str]
    """Domain of the zone, with the final dot."""
    name_servers: Output[Sequence[str]]
    """Names of the servers that answer for the zone, with the final dot."""
    lookup_servers: Output[Sequence[str]]
    """None: members find the zone as they find any other."""
    own_records: Mapping[str, Output[Sequence[str]]]
    """None: Pulumi makes the record of the federation API itself."""
    publication: Publication
    """How external-dns writes into it."""

    def __init__(self, name: str, args: CloudDnsZoneArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:CloudDnsZone", name, None, opts)
        child = ResourceOptions(parent=self, provider=args.provider)
        look_up = InvokeOutputOptions(parent=self, provider=args.provider)
        settings, domain = args.settings, syntax.absolute(args.zone)

        def for_zone(other: str) -> bool:
            return other == domain

        def above_zone(other: str) -> bool:
            return domain.endswith(f".{other}")

        managed_zone = (
            _create(name, args, child)
            if settings.create_zone
            else _find("zoneName", managed_zone_name(settings, args.zone), for_zone, f"for {domain}", look_up)
        )
        self.zone = managed_zone.dns_name
        self.name_servers = managed_zone.name_servers

        self.lookup_servers, self.own_records = Output.from_input([]), {}
        self.publication = _publication(settings, managed_zone.managed_zone_id)
        gcp.dns.RecordSet(
            f"{name}-api",
            managed_zone=managed_zone.name,
            name=syntax.absolute(names.api_name(args.federation, args.zone)),
            type=args.api_address.apply(lambda address: _record(address)[0]),
            rrdatas=[args.api_address.apply(lambda address: _record(address)[1])],
            ttl=args.ttl,
            opts=child,
        )
        if settings.parent_zone:
            parent = _find("parentZone", settings.parent_zone, above_zone, f"above {domain}", look_up)
            gcp.dns.RecordSet(
                f"{name}-delegation",
                managed_zone=parent.name,
                name=domain,
                type="NS",
                rrdatas=self.name_servers,
                ttl=DELEGATION_TTL,
                opts=child,
            )
        self.register_outputs({"zone": self.zone, "nameServers": self.name_servers})


def google_provider(settings: GoogleCloudDns) -> gcp.Provider:
    """The provider of the project that holds the zone."""
    return gcp.Provider(
        "google",
        project=settings.project,
        credentials=_key(settings),
        dns_custom_endpoint=settings.dns_custom_endpoint,
    )


def managed_zone_name(settings: GoogleCloudDns, zone: str) -> str:
    """The name of the managed zone for this domain."""
    return settings.zone_name or names.managed_zone_of(zone)


def _publication(settings: GoogleCloudDns, zone: Output[str]) -> Publication:
    files: dict[str, Input[str]] = {}
    environment: dict[str, str] = {}
    if key := _key(settings):
        files["key.json"], environment["GOOGLE_APPLICATION_CREDENTIALS"] = key, f"{FILES_FOLDER}/key.json"
    if settings.proxy:
        environment |= {"HTTPS_PROXY": settings.proxy.url, "NO_PROXY": ".svc"}
        if settings.proxy.ca_bundle:
            files["ca.pem"], environment["SSL_CERT_FILE"] = settings.proxy.ca_bundle, f"{FILES_FOLDER}/ca.pem"
    arguments: list[Input[str]] = [
        "--provider=google",
        f"--google-project={settings.project}",
        # By its number: else it writes into every zone of the project that is for the domain, or whose name ends so.
        Output.concat("--zone-id-filter=", zone),
        "--google-batch-change-interval=0s",
        "--registry=txt",
        # In labels of their own, as the name of a Service may fill its label.
        "--txt-prefix=_owner.%{record_type}.",
        f"--interval={RECHECK}",
    ]
    return Publication(arguments, environment, files)


def _key(settings: GoogleCloudDns) -> Output[str] | None:
    """The key of the service account; an error if its file cannot be read."""
    given = settings.credentials
    if given is None or given.lstrip().startswith("{"):
        return Output.secret(given) if given else None
    try:
        return Output.secret(Path(given).expanduser().read_text())
    except OSError as error:
        key = "federation:dns.googleClouddns.credentials"
        raise pulumi.RunError(
            f"{key}: {given}: {error.strerror}; allowed: a key as JSON, or the path of one"
        ) from error


def _create(name: str, args: CloudDnsZoneArgs, opts: ResourceOptions) -> gcp.dns.ManagedZone:
    settings = args.settings
    # Google refuses DNSSEC in private zones; and where it can be on, only an explicit `off` turns it off again.
    dnssec: gcp.dns.ManagedZoneDnssecConfigArgsDict = {"state": "on" if settings.dnssec else "off"}
    seen_by: gcp.dns.ManagedZonePrivateVisibilityConfigArgsDict = {
        "networks": [{"network_url": network} for network in settings.networks]
    }
    public = settings.visibility == "public"
    return gcp.dns.ManagedZone(
        name,
        name=managed_zone_name(settings, args.zone),
        dns_name=syntax.absolute(args.zone),
        description=f"Services of federation {args.federation}; records are written by external-dns",
        visibility=settings.visibility,
        private_visibility_config=None if public else seen_by,
        dnssec_config=dnssec if public else None,
        labels={**settings.labels, "federation": args.federation},
        force_destroy=not args.protect,
        opts=ResourceOptions.merge(opts, ResourceOptions(protect=args.protect)),
    )


def _record(address: str) -> tuple[str, str]:
    """Type and data of the record that leads to an IP address or a DNS name."""
    if not syntax.is_ip(address):
        return "CNAME", syntax.absolute(address)
    return ("A" if ipaddress.ip_address(address).version == 4 else "AAAA"), address


def _find(
    key: str, name: str, fits: Callable[[str], bool], wanted: str, opts: InvokeOutputOptions
) -> Output[gcp.dns.GetManagedZoneResult]:
    """The existing managed zone that a key of the configuration names; an error unless its domain fits."""

    def check(found: gcp.dns.GetManagedZoneResult) -> gcp.dns.GetManagedZoneResult:
        if not fits(found.dns_name):
            where = f"federation:dns.googleClouddns.{key}: managed zone {found.name} of project {found.project}"
            raise pulumi.RunError(f"{where} is for {found.dns_name}; it must be {wanted}")
        return found

    zone: Output[gcp.dns.GetManagedZoneResult] = gcp.dns.get_managed_zone_output(name, opts=opts).apply(check)
    return zone
