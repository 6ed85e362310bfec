"""The status of an object of the federation API, out of what it says in each cluster that it is for. Pure.

Counts are sums. A generation counts as observed when it is so in every cluster, and when from then on the sums tell as
much as the clusters do: `kubectl rollout status` compares some of them with the replicas of one cluster, so that two
clusters could look done while one is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from controllers.engine.conditions import TIMED_OUT, conditions
from controllers.engine.jobs import job_status
from controllers.engine.member_status import ClusterStatus, Reported
from controllers.engine.progress import awaited, ingress
from controllers.runtime.objects import Json

COUNTS = {
    "Deployment": (
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
    ),
    "StatefulSet": ("replicas", "updatedReplicas", "currentReplicas", "readyReplicas", "availableReplicas"),
    "DaemonSet": (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "updatedNumberScheduled",
        "numberReady",
        "numberAvailable",
        "numberUnavailable",
        "numberMisscheduled",
    ),
}
_OF_THIS_CONTENT = frozenset(["updatedReplicas", "updatedNumberScheduled"])
"""Where the content is another one, none of its pods is up to date."""
_REVISIONS = ("currentRevision", "updateRevision")


def aggregate(kind: str, own: Reported, clusters: Sequence[ClusterStatus], now: str) -> Json:
    """What the status is to be, without what is zero or empty; `own` is what the object says of itself by now.

    `clusters` is every cluster that it is for, at least one; `now` is a time as objects have it.
    """
    status: Json
    match kind:
        case "Service":
            status = {"loadBalancer": _balancers(own.status, clusters)}
        case "Job":
            status = job_status(own.status, clusters, now)
        case _:
            status = _rollout(kind, own, clusters)
            if kind == "Deployment":
                status["conditions"] = conditions(clusters, own.status.get("conditions") or (), now)
            if kind == "StatefulSet":
                status |= _revisions(clusters)
    return tidy(status)


def tidy(status: Json) -> Json:
    """Without what is zero or empty: whether an API shows that differs between fields."""
    return {key: value for key, value in status.items() if value}


def change(old: Json, new: Json) -> Json | None:
    """What to merge (RFC 7386) to have the new status; None if it is there already."""
    if tidy(old) == tidy(new):
        return None
    return {**dict.fromkeys(old.keys() - new.keys()), **new}


def _rollout(kind: str, own: Reported, clusters: Sequence[ClusterStatus]) -> Json:
    status: Json = {
        key: sum(cluster.count(key) for cluster in clusters if cluster.observed or key not in _OF_THIS_CONTENT)
        for key in COUNTS[kind]
    }
    observed = int(own.status.get("observedGeneration") or 0)
    settled = all(_is_settled(kind, cluster) for cluster in clusters)
    status["observedGeneration"] = own.generation if settled else min(observed, own.generation - 1)
    return status


def _is_settled(kind: str, cluster: ClusterStatus) -> bool:
    """Whether it is observed, and far enough that from here on sums of such clusters do not hide one that is behind."""
    if not cluster.observed:
        return False
    match kind:
        case "Deployment":
            has_given_up = (cluster.condition("Progressing") or {}).get("reason") == TIMED_OUT
            return has_given_up or cluster.count("updatedReplicas") >= cluster.desired
        case "StatefulSet":
            return not awaited(kind, cluster)
    return True


def _revisions(clusters: Sequence[ClusterStatus]) -> Json:
    """Those that all agree on."""
    found: Json = {}
    for key in _REVISIONS:
        told = {cluster.reported.status.get(key, "") if cluster.reported else "" for cluster in clusters}
        if len(told) == 1:
            found[key] = told.pop()
    # Alone, one of them would be compared with none.
    return found if len(found) == len(_REVISIONS) else {}


def _balancers(old: Json, clusters: Sequence[ClusterStatus]) -> Json:
    """The addresses of all; as long as somebody is not heard, what is known is not taken away."""
    found = [each for cluster in clusters if cluster.reported for each in ingress(cluster.reported.status)]
    if any(cluster.away for cluster in clusters):
        found += ingress(old)
    return {"ingress": [each for index, each in enumerate(found) if each not in found[:index]]} if found else {}
