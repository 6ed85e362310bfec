"""A member's cluster DNS, led to the federation's names: put in when the member joins, taken out when it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi import Input, Output, ResourceOptions

from federation.parts.our_provider import OwnResource


@dataclass
class ClusterDnsArgs:
    member: str
    """Name of the member, for messages."""
    kubeconfig: Input[str]
    """Kubeconfig (secret) of the member. Another one is an update, which touches nothing if the DNS is in order."""
    federation: str
    zone: str
    """The domain, without the final dot."""
    servers: Input[Sequence[str]]
    """IP addresses that answer for the zone, port 53; none where the member finds it as it finds any other."""
    region: str
    zones: Sequence[str]
    """Region and zones of the member."""
    config_map: str | None = None
    """Name of the ConfigMap with the Corefile; None where it is one of those that are known."""


class ClusterDns(OwnResource):
    """The federation's part of a member's cluster DNS."""

    drift: Output[str]
    """What of it was found missing or changed by the last refresh; empty when it is in order."""
    layout: Output[str]
    """Changes when the federation's part is written in a new way."""

    def __init__(self, name: str, args: ClusterDnsArgs, opts: ResourceOptions | None = None) -> None:
        inputs = {**vars(args), "kubeconfig": Output.secret(args.kubeconfig), "zones": list(args.zones)}
        super().__init__(name, inputs, opts)
