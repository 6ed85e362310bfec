"""The names of a federation: a zone of the configured kind, and what keeps its records up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Output, Resource, ResourceOptions

from federation.control_plane import ControlPlane
from federation.dns.cloud_dns import CloudDnsZone, CloudDnsZoneArgs, google_provider
from federation.dns.core_dns import CoreDnsZone, CoreDnsZoneArgs
from federation.dns.publisher import Publisher, PublisherArgs
from federation.settings import Dns, GoogleCloudDns, Settings


@dataclass
class FederationDnsArgs:
    own: pulumi.ProviderResource
    """The project's own provider."""
    control_plane: ControlPlane
    engine: Resource
    """What serves the kind Cluster, which the controller reads."""
    settings: Settings
    dns: Dns


class FederationDns(pulumi.ComponentResource):
    """Zone and publisher of one federation."""

    federation: str
    ttl: int
    """Seconds for which an answer may be cached."""
    domain: str
    """The domain of the zone, without the final dot."""
    zone: Output[str]
    """The domain, with the final dot."""
    name_servers: Output[Sequence[str]]
    """Who answers for the zone: what the parent zone delegates to."""
    lookup_servers: Output[Sequence[str]]
    """IP addresses that members ask for the zone; none where they find it as they find any other."""
    own: pulumi.ProviderResource
    """The project's own provider, of which members' cluster DNS is."""
    certificate_expiries: Sequence[Output[str]]
    """When the certificates of the zone's store, if it has one, begin to expire (RFC 3339)."""

    def __init__(self, name: str, args: FederationDnsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:FederationDns", name, None, opts)
        child = ResourceOptions(parent=self)
        self.own = args.own
        self.federation, self.domain, self.ttl = args.settings.name, args.dns.zone, args.dns.ttl
        zone = _google_zone(args, google, child) if (google := args.dns.google_clouddns) else _own_zone(args, child)
        self.zone, self.name_servers, self.lookup_servers = zone.zone, zone.name_servers, zone.lookup_servers
        self.certificate_expiries = zone.certificate_expiries
        Publisher(
            "publisher",
            PublisherArgs(
                host=args.control_plane.host.provider,
                api=args.control_plane.api,
                namespace=args.control_plane.namespace,
                system_namespace=args.control_plane.system_namespace,
                kubeconfigs=args.control_plane.user_kubeconfigs,
                federation=args.settings.name,
                settings=args.dns,
                images=args.settings.images,
                publication=zone.publication,
            ),
            # After the zone, and so gone before it: nothing is to write into a zone that is being deleted.
            ResourceOptions(parent=self, depends_on=[args.engine, zone]),
        )
        self.register_outputs({"zone": self.zone, "nameServers": self.name_servers})


def _own_zone(args: FederationDnsArgs, opts: ResourceOptions) -> CoreDnsZone:
    return CoreDnsZone(
        "zone",
        CoreDnsZoneArgs(
            host=args.control_plane.host,
            own=args.own,
            namespace=args.control_plane.namespace,
            namespace_name=args.settings.host.namespace,
            address_within=args.settings.host.address_within,
            zone=args.dns.zone,
            federation=args.settings.name,
            api_addresses=args.control_plane.addresses,
            settings=args.dns.coredns,
            images=args.settings.images,
            certificates=args.settings.certificates,
            protect=args.settings.protect,
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
