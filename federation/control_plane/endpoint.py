"""How clients outside the host cluster reach the federation API: the Service of its Deployment, and the address."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from federation.clusters.providers import Cluster
from federation.control_plane.programs import API_PORT, APISERVER
from federation.parts import load_balancer, network_policies
from federation.parts.workload import NO_AWAIT
from federation.settings import schema, syntax

INSTEAD = "without load balancers, set federation:host.apiServer.serviceType: NodePort and advertiseAddress"


@dataclass
class EndpointArgs:
    host: Cluster
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along."""
    settings: schema.Host


class Endpoint(pulumi.ComponentResource):
    """The Service, and what it leads to.

    It is awaited for its address alone and not, as Pulumi would, for pods behind it: the address stands in the
    certificate that these pods start with.
    """

    url: Output[str]
    """https URL of the federation API."""
    addresses: Output[list[str]]
    """Every IP address and DNS name that a client may call it by."""

    def __init__(self, name: str, args: EndpointArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Endpoint", name, None, opts)
        exposure = args.settings.api_server
        balanced = exposure.service_type == "LoadBalancer"
        port: k8s.core.v1.ServicePortArgsDict = {"name": "https", "port": API_PORT, "target_port": API_PORT}
        service = k8s.core.v1.Service(
            APISERVER,
            metadata={
                "name": APISERVER,
                "namespace": args.namespace.metadata.name,
                "labels": {"app": APISERVER},
                "annotations": load_balancer.AWAITED if balanced else NO_AWAIT,
            },
            spec={
                "type": exposure.service_type,
                "selector": {"app": APISERVER},
                "ports": [port if balanced else {**port, "node_port": exposure.node_port}],
            },
            opts=ResourceOptions.merge(
                ResourceOptions(parent=self, provider=args.host.provider, deleted_with=args.namespace),
                load_balancer.awaited(
                    APISERVER, args.settings.namespace, args.settings.address_within, INSTEAD, args.host.kubeconfig
                )
                if balanced
                else None,
            ),
        )
        network_policies.network_policy(
            APISERVER,
            args.namespace.metadata.name,
            [network_policies.from_anywhere(API_PORT)],
            ResourceOptions(parent=self, provider=args.host.provider, deleted_with=args.namespace),
        )
        advertised = [exposure.advertise_address] if exposure.advertise_address else []
        self.addresses = (
            service.status.apply(lambda status: advertised + load_balancer.addresses(status))
            if balanced
            else Output.from_input(advertised)
        )
        external_port = API_PORT if balanced else exposure.node_port
        # Of a Service that never got an address there is none; destroying it runs the program all the same.
        self.url = self.addresses.apply(
            lambda addresses: f"https://{syntax.in_url(addresses[0])}:{external_port}" if addresses else ""
        )
        self.register_outputs({"url": self.url, "addresses": self.addresses})
