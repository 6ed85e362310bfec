"""What an object still awaits in one cluster, by the rules of `kubectl rollout status`, in words. Pure."""

from __future__ import annotations

from controllers.engine.standing import Place
from controllers.runtime.objects import Json


def awaited(kind: str, place: Place) -> str:
    """What the cluster has still to do, or did wrong; empty if nothing. Only for what is observed there."""
    find = _AWAITED.get(kind)
    return "" if find is None else find(place)


def ingress(status: Json) -> list[Json]:
    """The addresses of a Service's load balancer."""
    return (status.get("loadBalancer") or {}).get("ingress") or []


def _deployment(place: Place) -> str:
    updated, total = place.count("updatedReplicas"), place.count("replicas")
    if updated < place.desired:
        return _unless(updated, place.desired, "replicas are updated") + _why(place)
    if total > updated:
        return f"{total - updated} of {total} replicas are old ones"
    return _unless(place.count("availableReplicas"), updated, "replicas are available")


def _why(place: Place) -> str:
    """What the cluster says of replicas that it cannot make."""
    failure = place.condition("ReplicaFailure") if place.has("ReplicaFailure") else None
    return f": {failure['message']}" if failure and failure.get("message") else ""


def _stateful_set(place: Place) -> str:
    updated, to_update = place.count("updatedReplicas"), place.desired - _partition(place)
    return _unless(place.count("readyReplicas"), place.desired, "replicas are ready") or _unless(
        updated, to_update, "replicas are updated"
    )


def _partition(place: Place) -> int:
    """How many replicas are not to be updated."""
    strategy = place.says.spec.get("updateStrategy") if place.says else None
    if not isinstance(strategy, dict):
        return 0
    if strategy.get("type") == "OnDelete":
        return place.desired  # Whoever deletes the pods updates them, some day.
    return int((strategy.get("rollingUpdate") or {}).get("partition") or 0)


def _daemon_set(place: Place) -> str:
    desired = place.count("desiredNumberScheduled")
    return _unless(place.count("updatedNumberScheduled"), desired, "pods are updated") or _unless(
        place.count("numberAvailable"), desired, "pods are available"
    )


def _job(place: Place) -> str:
    """One that runs is well."""
    return str((place.condition("Failed") or {}).get("message") or "it failed") if place.has("Failed") else ""


def _service(place: Place) -> str:
    is_balanced = place.says is not None and place.says.spec.get("type") == "LoadBalancer"
    return "its load balancer has no address" if is_balanced and place.says and not ingress(place.says.status) else ""


def _unless(count: int, wanted: int, what: str) -> str:
    return "" if count >= wanted else f"{count} of {wanted} {what}"


_AWAITED = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Service": _service,
}
