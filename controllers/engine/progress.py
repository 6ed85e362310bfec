"""What an object still awaits in one cluster, by the rules of `kubectl rollout status`, in words. Pure."""

from __future__ import annotations

from controllers.engine.member_status import ClusterStatus
from controllers.runtime.objects import Json


def awaited(kind: str, cluster: ClusterStatus) -> str:
    """What the cluster has still to do, or did wrong; empty if nothing. Only for what is observed there."""
    find = _AWAITED.get(kind)
    return "" if find is None else find(cluster)


def ingress(status: Json) -> list[Json]:
    """The addresses of a Service's load balancer."""
    return (status.get("loadBalancer") or {}).get("ingress") or []


def _deployment(cluster: ClusterStatus) -> str:
    updated, total = cluster.count("updatedReplicas"), cluster.count("replicas")
    if updated < cluster.desired:
        return _unless(updated, cluster.desired, "replicas are updated") + _why(cluster)
    if total > updated:
        return f"{total - updated} of {total} replicas are old ones"
    return _unless(cluster.count("availableReplicas"), updated, "replicas are available")


def _why(cluster: ClusterStatus) -> str:
    """What the cluster says of replicas that it cannot make."""
    failure = cluster.condition("ReplicaFailure") if cluster.has("ReplicaFailure") else None
    return f": {failure['message']}" if failure and failure.get("message") else ""


def _stateful_set(cluster: ClusterStatus) -> str:
    updated, to_update = cluster.count("updatedReplicas"), cluster.desired - _partition(cluster)
    return _unless(cluster.count("readyReplicas"), cluster.desired, "replicas are ready") or _unless(
        updated, to_update, "replicas are updated"
    )


def _partition(cluster: ClusterStatus) -> int:
    """How many replicas are not to be updated."""
    strategy = cluster.reported.spec.get("updateStrategy") if cluster.reported else None
    if not isinstance(strategy, dict):
        return 0
    if strategy.get("type") == "OnDelete":
        return cluster.desired  # Whoever deletes the pods updates them, some day.
    return int((strategy.get("rollingUpdate") or {}).get("partition") or 0)


def _daemon_set(cluster: ClusterStatus) -> str:
    desired = cluster.count("desiredNumberScheduled")
    return _unless(cluster.count("updatedNumberScheduled"), desired, "pods are updated") or _unless(
        cluster.count("numberAvailable"), desired, "pods are available"
    )


def _job(cluster: ClusterStatus) -> str:
    """One that runs is well."""
    return str((cluster.condition("Failed") or {}).get("message") or "it failed") if cluster.has("Failed") else ""


def _service(cluster: ClusterStatus) -> str:
    reported = cluster.reported
    if reported is None or reported.spec.get("type") != "LoadBalancer" or ingress(reported.status):
        return ""
    return "its load balancer has no address"


def _unless(count: int, wanted: int, what: str) -> str:
    return "" if count >= wanted else f"{count} of {wanted} {what}"


_AWAITED = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Service": _service,
}
