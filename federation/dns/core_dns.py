"""A zone of our own, answered from the host cluster: its address, and the records that name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceHookBinding, ResourceOptions

from federation.clusters.providers import Cluster
from federation.dns.name_servers import DNS_PORT, NAME, POD_PORT, name_server
from federation.parts import load_balancer
from federation.settings import names, syntax
from federation.settings.config import Refusal

INSTEAD = "without load balancers, set federation:dns.provider: google-clouddns"


@dataclass
class CoreDnsZoneArgs:
    host: Cluster
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes the zone along."""
    namespace_name: str
    address_within: str
    """How long the load balancer may take to get its address, such as 3m."""
    zone: str
    """The domain, without the final dot."""
    keeps_addresses: bool
    """Whether the name servers are to see who asks, instead of a node's address: transfers are for some alone."""
    federation: str
    api_addresses: Output[Sequence[str]]
    """Where the federation API is reached, for its own name."""


class CoreDnsZone(pulumi.ComponentResource):
    """The address of the zone. Whoever answers there (`NameServers`) comes later, as the address is in the zone."""

    zone: Output[str]
    """The domain, with the final dot."""
    name_servers: Output[Sequence[str]]
    """Addresses of the load balancer; a delegation from the parent zone leads there."""
    lookup_servers: Output[Sequence[str]]
    """The same: members ask there, as nobody has delegated the zone yet."""
    own_records: Mapping[str, Output[Sequence[str]]]
    """Addresses by name: of the name server, and of the federation API."""
    refuse_name: ResourceHookBinding
    """What is bound to all that is made of these addresses: refused where the load balancer has none."""

    def __init__(self, name: str, args: CoreDnsZoneArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:CoreDnsZone", name, None, opts)
        service = k8s.core.v1.Service(
            NAME,
            metadata={
                "name": NAME,
                "namespace": args.namespace.metadata.name,
                "labels": {"app": NAME},
                "annotations": load_balancer.AWAITED,
            },
            spec={
                "type": "LoadBalancer",
                **({"external_traffic_policy": "Local"} if args.keeps_addresses else {}),
                "selector": {"app": NAME},
                "ports": [
                    {"name": protocol.lower(), "protocol": protocol, "port": DNS_PORT, "target_port": POD_PORT}
                    for protocol in ("UDP", "TCP")
                ],
            },
            opts=ResourceOptions.merge(
                ResourceOptions(parent=self, provider=args.host.provider, deleted_with=args.namespace),
                load_balancer.awaited(NAME, args.namespace_name, args.address_within, INSTEAD, args.host.kubeconfig),
            ),
        )
        balancer = service.status.apply(load_balancer.addresses)
        self.refuse_name = _refuse_name(balancer)
        addresses = balancer.apply(lambda found: [each for each in found if syntax.is_ip(each)])
        self.zone = Output.from_input(syntax.absolute(args.zone))
        self.name_servers = self.lookup_servers = addresses
        self.own_records = {
            name_server(args.zone): addresses,
            names.api_name(args.federation, args.zone): args.api_addresses,
        }
        self.register_outputs({"zone": self.zone, "nameServers": self.name_servers})


def _refuse_name(balancer: Output[Sequence[str]]) -> ResourceHookBinding:
    """Not an error of the program: that would end a `destroy --run-program`, too, before it has deleted anything."""

    async def refuse(_: pulumi.ResourceHookArgs) -> None:
        if problem := _problem(await balancer.future() or ()):
            raise Refusal(problem)

    hook = pulumi.ResourceHook(f"address-of-{NAME}", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    return ResourceHookBinding(before_create=[hook], before_update=[hook])


def _problem(addresses: Sequence[str]) -> str | None:
    """Of a load balancer that has a name alone. One that has nothing yet is awaited elsewhere, or being deleted."""
    if not addresses or any(map(syntax.is_ip, addresses)):
        return None
    return (
        f"the load balancer of Service {NAME} has no IP address but the name {addresses[0]}, and name servers are "
        "asked by address; use federation:dns.provider google-clouddns, or load balancers with addresses"
    )
