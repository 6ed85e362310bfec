"""The address of a Service of type LoadBalancer: how Pulumi awaits it, and how it is read."""

from __future__ import annotations

import pulumi_kubernetes as k8s

WITHIN = "3m"
"""How long a load balancer may take to get an address."""
AWAITED = {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0]}"}
"""Annotation of a Service that is awaited for its address alone and not, as Pulumi would, for pods behind it."""


def addresses(status: k8s.core.v1.outputs.ServiceStatus | None) -> list[str]:
    """The IP addresses and host names in the Service's status; none while it has no load balancer."""
    ingresses = (status and status.load_balancer and status.load_balancer.ingress) or []
    return [address for ingress in ingresses for address in (ingress.ip, ingress.hostname) if address]
