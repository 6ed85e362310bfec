"""How clients outside the host cluster reach the federation API: the Service of karmada-apiserver and its address."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import CustomTimeouts, Output, ResourceOptions

from federation import balancer, names, network, settings
from federation.control_plane.programs import API_PORT
from federation.workload import NO_AWAIT

NAME = "karmada-apiserver"


@dataclass
class EndpointArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along."""
    exposure: settings.ApiServer


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
        balanced = args.exposure.service_type == "LoadBalancer"
        port: k8s.core.v1.ServicePortArgsDict = {"name": "https", "port": API_PORT, "target_port": API_PORT}
        service = k8s.core.v1.Service(
            NAME,
            metadata={
                "name": NAME,
                "namespace": args.namespace.metadata.name,
                "labels": {"app": NAME},
                "annotations": balancer.AWAITED if balanced else NO_AWAIT,
            },
            spec={
                "type": args.exposure.service_type,
                "selector": {"app": NAME},
                "ports": [port if balanced else {**port, "node_port": args.exposure.node_port}],
            },
            opts=ResourceOptions(
                parent=self,
                provider=args.host,
                deleted_with=args.namespace,
                custom_timeouts=CustomTimeouts(create=balancer.WITHIN),
            ),
        )
        network.only(
            NAME,
            args.namespace.metadata.name,
            [network.from_anywhere(API_PORT)],
            ResourceOptions(parent=self, provider=args.host, deleted_with=args.namespace),
        )
        advertised = [args.exposure.advertise_address] if args.exposure.advertise_address else []
        self.addresses = (
            service.status.apply(lambda status: advertised + balancer.addresses(status))
            if balanced
            else Output.from_input(advertised)
        )
        external_port = API_PORT if balanced else args.exposure.node_port
        self.url = self.addresses.apply(lambda addresses: f"https://{names.in_url(addresses[0])}:{external_port}")
        self.register_outputs({"url": self.url, "addresses": self.addresses})
