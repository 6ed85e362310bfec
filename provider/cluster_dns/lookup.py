"""What a member's cluster DNS has to know of a federation. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from federation.settings import names, syntax

UNKNOWN_SERVERS = ("0.0.0.0",)
"""Stands for name servers whose addresses only the update will know."""


@dataclass(frozen=True)
class Lookup:
    """How the pods of one member find the names of one federation."""

    federation: str
    zone: str
    """The domain that holds the names, without the final dot."""
    servers: tuple[str, ...]
    """IP addresses of the federation's own name servers, port 53. Empty where the zone is found from the root."""
    region: str
    zones: tuple[str, ...]
    """Region and zones of the member."""
    config_map: str = ""
    """Name of the ConfigMap with the Corefile. Empty where it is one of those that are known."""

    def nearest(self, service: str, namespace: str) -> str:
        """The name of the tree that leads a pod of the member to the Service where it runs nearest.

        CoreDNS cannot tell in which of several zones a pod is, so the first stands for all. As in controllers/names,
        region and zones have no names of their own if one of them is no label.
        """
        place = (*self.zones[:1], self.region)
        nameable = syntax.can_be_named(self.region, self.zones)
        return names.ServiceNames(service, namespace, self.federation, self.zone).at(*(place if nameable else ()))
