"""The names of a federation: a zone of the configured kind, and what keeps its records up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions

from federation.control_plane import ControlPlane
from federation.dns import external_dns, name_servers
from federation.dns.cloud_dns import CloudDnsZone, CloudDnsZoneArgs, google_provider
from federation.dns.core_dns import CoreDnsZone, CoreDnsZoneArgs
from federation.dns.external_dns import ExternalDns, ExternalDnsArgs
from federation.dns.name_servers import NameServers, NameServersArgs
from federation.dns.records import CONTROLLER_USER, Records, RecordsArgs
from federation.dns.transfers import TransferKey
from federation.engine import ForMembers
from federation.settings.schema import Dns, GoogleCloudDns, Settings


@dataclass
class FederationDnsArgs:
    our_provider: pulumi.ProviderResource
    """The project's own provider."""
    control_plane: ControlPlane
    engine: ForMembers
    """The names come up beside it."""
    system_namespace: str
    """Namespace inside the federation API for records that are of no Service."""
    settings: Settings
    dns: Dns


PUBLISHED_BY_GOOGLE = 60
"""external-dns waits 5 s after an event and lists the zone before it writes; Google's name servers hear of it then."""


class FederationDns(pulumi.ComponentResource):
    """The zone of one federation, its records, and what publishes them there."""

    federation: str
    ttl: int
    """Seconds for which an answer may be cached."""
    published_within: int | None = None
    """Seconds until the zone answers by records that were written; None where it is next to at once."""
    domain: str
    """The domain of the zone, without the final dot."""
    zone: Output[str]
    """The domain, with the final dot."""
    name_servers: Output[Sequence[str]]
    """Who answers for the zone: what the parent zone delegates to."""
    lookup_servers: Output[Sequence[str]]
    """IP addresses that members ask for the zone; none where they find it as they find any other."""
    our_provider: pulumi.ProviderResource
    """The project's own provider, of which members' cluster DNS is."""
    refuse_servers: pulumi.ResourceHookBinding | None = None
    """What is bound to all that is told `lookup_servers`, and may refuse them."""
    ds: Output[str] | None = None
    """The record by which the parent zone vouches for this one; None where CoreDNS does not sign it."""
    transfer_key: TransferKey | None = None
    """What secondaries take the zone with; None where there are none."""

    def __init__(self, name: str, args: FederationDnsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:FederationDns", name, None, opts)
        child = ResourceOptions(parent=self)
        self.our_provider = args.our_provider
        self.federation, self.domain, self.ttl = args.settings.name, args.dns.zone, args.dns.ttl
        google = args.dns.google_clouddns
        self.published_within = PUBLISHED_BY_GOOGLE if google else None
        zone = _google_zone(args, google, child) if google else _own_zone(args, child)
        self.zone, self.name_servers, self.lookup_servers = zone.zone, zone.name_servers, zone.lookup_servers
        if isinstance(zone, CoreDnsZone):
            self.refuse_servers = zone.refuse_name
        plane, settings = args.control_plane, args.settings
        records = Records(
            "records",
            RecordsArgs(
                host=plane.host.provider,
                api=plane.api,
                namespace=plane.namespace,
                system_namespace=args.system_namespace,
                kubeconfig=plane.user_kubeconfigs[CONTROLLER_USER],
                federation=settings.name,
                settings=args.dns,
                images=settings.images,
                cluster_kind=args.engine.cluster_kind,
                addresses_by_name=zone.own_records,
                refuse=self.refuse_servers,
            ),
            ResourceOptions(parent=self, depends_on=args.engine.admits),
        )
        # After the zone, and so gone before it: nothing is to write into a zone that is being deleted.
        after = ResourceOptions(parent=self, depends_on=[zone])
        if isinstance(zone, CloudDnsZone):
            ExternalDns(
                "external-dns",
                ExternalDnsArgs(
                    host=plane.host.provider,
                    api=plane.api,
                    namespace=plane.namespace,
                    kubeconfig=plane.user_kubeconfigs[external_dns.USER],
                    federation=settings.name,
                    settings=args.dns,
                    images=settings.images,
                    records=records,
                    publication=zone.publication,
                ),
                after,
            )
        else:
            servers = NameServers(
                "name-servers",
                NameServersArgs(
                    host=plane.host.provider,
                    api=plane.api,
                    our_provider=args.our_provider,
                    namespace=plane.namespace,
                    system_namespace=args.system_namespace,
                    kubeconfig=plane.user_kubeconfigs[name_servers.USER],
                    settings=args.dns,
                    images=settings.images,
                    records=records,
                    protect=settings.protect,
                ),
                after,
            )
            self.ds, self.transfer_key = servers.ds, servers.transfer_key
        self.register_outputs({"zone": self.zone, "nameServers": self.name_servers})


def users(dns: Dns) -> Sequence[str]:
    """The users of the federation API that the names need (`ControlPlaneArgs.users`)."""
    return CONTROLLER_USER, name_servers.USER if dns.provider == "coredns" else external_dns.USER


def _own_zone(args: FederationDnsArgs, opts: ResourceOptions) -> CoreDnsZone:
    return CoreDnsZone(
        "zone",
        CoreDnsZoneArgs(
            host=args.control_plane.host,
            namespace=args.control_plane.namespace,
            namespace_name=args.settings.host.namespace,
            address_within=args.settings.host.address_within,
            zone=args.dns.zone,
            keeps_addresses=bool(args.dns.coredns.transfer_to),
            federation=args.settings.name,
            api_addresses=args.control_plane.addresses,
        ),
        opts,
    )


def _google_zone(args: FederationDnsArgs, google: GoogleCloudDns, opts: ResourceOptions) -> CloudDnsZone:
    return CloudDnsZone(
        "zone",
        CloudDnsZoneArgs(
            provider=google_provider(google),
            settings=google,
            zone=args.dns.zone,
            federation=args.settings.name,
            # The last is the load balancer's; an advertised name before it may be the one that this record makes.
            api_address=args.control_plane.addresses.apply(lambda addresses: addresses[-1] if addresses else ""),
            ttl=args.dns.ttl,
            protect=args.settings.protect,
        ),
        opts,
    )
