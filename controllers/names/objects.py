"""What the controller takes from the objects of the APIs, and the DNSEndpoint objects that it writes. Pure.

Each `read_...` returns None for an object that does not count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controllers.names.plan import Addresses, RecordSet
from controllers.runtime.member import Endpoint
from controllers.runtime.objects import Json, Key, key_of, names_in
from federation.settings.keys import CARRIED_BY, LEAVING, NAMESPACES, SEEN
from federation.settings.names import DNS_CONTROLLER, DNS_ENDPOINT_API, MANAGED_BY, ServiceNames
from federation.settings.syntax import is_domain, is_ip, zone_of

OF_SERVICE = "kubernetes.io/service-name"
"""Label of EndpointSlices: the Service that they belong to."""
MANAGED_BY_KARMADA = "karmada.io/managed"
"""Label of what Karmada brings into a member: `true`."""


@dataclass(frozen=True)
class FederatedService:
    """A Service of type LoadBalancer that stays."""

    service: Key
    uid: str


@dataclass(frozen=True)
class LoadBalancer:
    """What one cluster's load balancer offers."""

    addresses: Addresses
    hosts: frozenset[str]


NO_BALANCER = LoadBalancer(frozenset(), frozenset())


@dataclass(frozen=True)
class MemberService:
    """A Service of type LoadBalancer in a member that the federation brought there, and that stays."""

    service: Key
    balancer: LoadBalancer


@dataclass(frozen=True)
class Slice:
    """An EndpointSlice in a member."""

    service: Key
    ready: bool
    """Whether any of its endpoints is."""


@dataclass(frozen=True)
class Cluster:
    """A member whose Cluster is not being deleted."""

    uid: str
    endpoint: Endpoint
    namespaces: tuple[str, ...]
    """The only ones there that we may look into; empty: all."""
    region: str
    zones: tuple[str, ...]
    not_ready_since: float | None
    """Seconds since the epoch; None while it is Ready."""
    leaves: bool
    """Whether it is to serve no more. Until its Cluster is deleted, its own pods ask for the names of its zones."""


@dataclass(frozen=True)
class Written:
    """A DNSEndpoint of ours as it is in the API."""

    service: Key
    uid: str
    version: str
    owned: Json
    """The parts that the controller decides on."""


@dataclass(frozen=True)
class LastSeen:
    """What is known of a Service's clusters. Kept with its records, so that a restart forgets nothing."""

    ready: Mapping[str, bool] = field(default_factory=dict)
    """By cluster: whether the Service has a ready endpoint there."""
    balancers: Mapping[str, LoadBalancer] = field(default_factory=dict)
    """By cluster, of those where the Service has a load balancer."""
    resolved: Mapping[str, Addresses] = field(default_factory=dict)
    """By host name of a load balancer: its addresses."""


def read_service(obj: Json) -> FederatedService | None:
    if obj["spec"].get("type") != "LoadBalancer" or "deletionTimestamp" in obj["metadata"]:
        return None
    return FederatedService(key_of(obj), obj["metadata"]["uid"])


def read_member_service(obj: Json, federation: str) -> MemberService | None:
    """Of a member's Services, those that either engine brought there: one of the same name may be somebody else's."""
    labels = obj["metadata"].get("labels") or {}
    if labels.get(CARRIED_BY) != federation and labels.get(MANAGED_BY_KARMADA) != "true":
        return None
    service = read_service(obj)
    if service is None:
        return None
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    addresses = frozenset(each["ip"] for each in ingress if is_ip(each.get("ip", "")))
    hosts = (zone_of(each.get("hostname", "")) for each in ingress)
    return MemberService(service.service, LoadBalancer(addresses, frozenset(filter(is_domain, hosts))))


def read_slice(obj: Json) -> Slice | None:
    name = obj["metadata"].get("labels", {}).get(OF_SERVICE)
    if name is None:
        return None
    # Not said is ready: discovery.k8s.io/v1, EndpointConditions.
    ready = any(each.get("conditions", {}).get("ready") is not False for each in obj.get("endpoints") or ())
    return Slice((obj["metadata"]["namespace"], name), ready)


def read_cluster(obj: Json) -> Cluster | None:
    metadata, spec = obj["metadata"], obj["spec"]
    if "deletionTimestamp" in metadata:
        return None
    annotations = metadata.get("annotations", {})
    conditions = {each["type"]: each for each in obj.get("status", {}).get("conditions", ())}
    ready = conditions.get("Ready", {"status": "Unknown", "lastTransitionTime": metadata["creationTimestamp"]})
    since = None if ready["status"] == "True" else datetime.fromisoformat(ready["lastTransitionTime"]).timestamp()
    zones = tuple(spec.get("zones", ()))
    namespaces = tuple(names_in(annotations.get(NAMESPACES, "")))
    insecure, proxy = bool(spec.get("insecureSkipTLSVerification")), spec.get("proxyURL", "")
    endpoint = Endpoint(spec.get("apiEndpoint", ""), insecure, proxy)
    leaves = annotations.get(LEAVING) == "true"
    return Cluster(metadata["uid"], endpoint, namespaces, spec.get("region", ""), zones, since, leaves)


def read_written(obj: Json) -> Written | None:
    metadata = obj["metadata"]
    if metadata.get("labels", {}).get(MANAGED_BY) != DNS_CONTROLLER:
        return None
    return Written(key_of(obj), metadata["uid"], metadata["resourceVersion"], owned(obj))


def has_other_names(written: Written, names: ServiceNames) -> bool:
    """Whether somebody wrote a record of a name into it that is none of the Service's."""
    endpoints = (written.owned["spec"] or {}).get("endpoints") or ()
    return any(not names.includes(str(each.get("dnsName"))) for each in endpoints)


def owned(obj: Json) -> Json:
    """The parts of a DNSEndpoint that the controller decides on."""
    return {
        "metadata": {
            "annotations": {SEEN: obj["metadata"].get("annotations", {}).get(SEEN)},
            "ownerReferences": obj["metadata"].get("ownerReferences"),
        },
        "spec": obj.get("spec"),
    }


def dns_endpoint(service: FederatedService, records: tuple[RecordSet, ...], ttl: int, last_seen: LastSeen) -> Json:
    """The DNSEndpoint of a Service. Names and targets are without a final dot, as external-dns has them."""
    namespace, name = service.service
    return {
        "apiVersion": DNS_ENDPOINT_API,
        "kind": "DNSEndpoint",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": {MANAGED_BY: DNS_CONTROLLER},
            "annotations": {SEEN: _text(last_seen)},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": name, "uid": service.uid}],
        },
        "spec": {
            "endpoints": [
                {"dnsName": record.name, "recordType": record.type, "recordTTL": ttl, "targets": list(record.targets)}
                for record in records
            ]
        },
    }


def _text(last_seen: LastSeen) -> str:
    balancers = {
        cluster: {"addresses": sorted(balancer.addresses), "hosts": sorted(balancer.hosts)}
        for cluster, balancer in last_seen.balancers.items()
    }
    resolved = {host: sorted(addresses) for host, addresses in last_seen.resolved.items()}
    return json.dumps({"ready": last_seen.ready, "shares": balancers, "resolved": resolved}, sort_keys=True)


def read_last_seen(written: Written | None) -> LastSeen:
    """What was seen when the records were written; what cannot be read was not seen."""
    text = written.owned["metadata"]["annotations"][SEEN] if written else None
    try:
        seen = json.loads(text or "{}")
        ready = {cluster: is_ready is True for cluster, is_ready in seen.get("ready", {}).items()}
        balancers = {cluster: _balancer_of(balancer) for cluster, balancer in seen.get("shares", {}).items()}
        resolved = {host: frozenset(filter(is_ip, map(str, some))) for host, some in seen.get("resolved", {}).items()}
    except (ValueError, TypeError, AttributeError):  # edited by hand
        return LastSeen()
    return LastSeen(
        ready,
        {cluster: balancer for cluster, balancer in balancers.items() if balancer != NO_BALANCER},
        {host: addresses for host, addresses in resolved.items() if addresses},
    )


def _balancer_of(seen: Json) -> LoadBalancer:
    addresses, hosts = (map(str, seen.get(key, ())) for key in ("addresses", "hosts"))
    return LoadBalancer(frozenset(filter(is_ip, addresses)), frozenset(filter(is_domain, hosts)))
