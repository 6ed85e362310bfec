"""The address of a Service of type LoadBalancer: how Pulumi awaits it, how it is read, what to do where none comes."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import urllib3
from pulumi import CustomTimeouts, ResourceHookBinding, ResourceOptions

from federation.clusters.connection import connect, get
from federation.settings.kubeconfig import Kubeconfig
from kube.errors import ApiError

AWAITED = {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0]}"}
"""Annotation of a Service that is awaited for its address alone and not, as Pulumi would, for pods behind it."""


def awaited(service: str, namespace: str, within: str, instead: str, host: Kubeconfig) -> ResourceOptions:
    """Options of such a Service: how long its address may take, and what is logged when that was not enough.

    `instead` says what to set in a cluster without load balancers; `host` leads to the cluster.
    """

    async def explain(_: pulumi.ErrorHookArgs) -> bool:
        try:
            reason = _unserved(service, namespace, host)
        except (ApiError, urllib3.exceptions.HTTPError, OSError):
            return False  # Pulumi's own message says what it met.
        if reason is not None:
            pulumi.log.error(
                f"Service {namespace}/{service} of type LoadBalancer got no address within {within}: {reason}; "
                f"{instead}, or give it longer with federation:host.addressWithin"
            )
        return False

    return ResourceOptions(
        custom_timeouts=CustomTimeouts(create=within, update=within),
        hooks=ResourceHookBinding(on_error=[pulumi.ErrorHook(f"explain-{service}", explain)]),
    )


def addresses(status: k8s.core.v1.outputs.ServiceStatus | None) -> list[str]:
    """The IP addresses and host names in the Service's status; none while it has no load balancer."""
    ingresses = (status and status.load_balancer and status.load_balancer.ingress) or []
    return [address for ingress in ingresses for address in (ingress.ip, ingress.hostname) if address]


def _unserved(service: str, namespace: str, host: Kubeconfig) -> str | None:
    """Why the Service has no address, as far as its events tell; None if it has one."""
    core = f"/api/v1/namespaces/{namespace}"
    with connect(host) as api:
        if get(api, f"{core}/services/{service}")["status"].get("loadBalancer", {}).get("ingress"):
            return None
        return said(get(api, f"{core}/events")["items"], service)


def said(events: list[Any], service: str) -> str:
    """The last warning about the Service."""
    about = [
        each
        for each in events
        if (each["involvedObject"]["kind"], each["involvedObject"]["name"]) == ("Service", service)
    ]
    warnings = [f"{each['reason']}: {each['message']}" for each in about if each["type"] == "Warning"]
    return warnings[-1] if warnings else "nothing in the cluster gives it one"
