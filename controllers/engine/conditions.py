"""One condition of a Deployment out of those of all clusters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from controllers.engine.member_status import ClusterStatus
from controllers.runtime.objects import Json

TIMED_OUT = "ProgressDeadlineExceeded"
_LAST = frozenset(["NewReplicaSetAvailable", "MinimumReplicasAvailable"])
"""Reasons that say least: that all is well."""


def conditions(clusters: Sequence[ClusterStatus], old: Iterable[Json], now: str) -> list[Json]:
    """Available and Progressing are True where they are so in every cluster; ReplicaFailure where it is in any."""
    before = {each["type"]: each for each in old}
    found = [
        _everywhere("Available", clusters),
        _everywhere("Progressing", clusters),
        _anywhere("ReplicaFailure", clusters),
    ]
    return [_dated(each, before.get(each["type"]), now) for each in found if each is not None]


def _everywhere(kind: str, clusters: Sequence[ClusterStatus]) -> Json | None:
    told = {cluster.name: _told(kind, cluster) for cluster in clusters}
    present = {cluster: condition for cluster, condition in told.items() if condition is not None}
    if not present:
        return None
    absent = {
        "type": kind,
        "status": "Unknown",
        "reason": "NotReported",
        "message": f"it does not say whether it is {kind}",
    }
    all_told = {cluster: condition or absent for cluster, condition in told.items()}
    bad = {cluster: condition for cluster, condition in all_told.items() if condition["status"] != "True"}
    statuses = {condition["status"] for condition in bad.values()}
    status = "True" if not bad else "False" if "False" in statuses else "Unknown"
    return _joined(kind, status, bad or all_told, alone=len(clusters) == 1)


def _anywhere(kind: str, clusters: Sequence[ClusterStatus]) -> Json | None:
    bad = {cluster.name: cluster.condition(kind) or {} for cluster in clusters if cluster.has(kind)}
    return _joined(kind, "True", bad, alone=len(clusters) == 1) if bad else None


def _told(kind: str, cluster: ClusterStatus) -> Json | None:
    """What the cluster says; in its place, if that is not of the content of now, that it does not."""
    if cluster.observed:
        return cluster.condition(kind)
    status = "False" if kind == "Available" or cluster.refused else "Unknown"
    reason = "ClusterNotReady" if cluster.away else "NotObserved" if cluster.applied else "NotApplied"
    message = cluster.message or ("it is not observed yet" if cluster.applied else "it is not applied yet")
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _joined(kind: str, status: str, deciding: dict[str, Json], *, alone: bool) -> Json:
    reasons = [str(each.get("reason", "")) for each in deciding.values()]
    reason = min(reasons, key=lambda each: 0 if each == TIMED_OUT else 2 if each in _LAST else 1)
    messages = {cluster: str(each.get("message", "")) for cluster, each in deciding.items()}
    if alone:
        (message,) = messages.values()
    else:
        message = "; ".join(f"{cluster}: {text}" for cluster, text in messages.items())
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _dated(new: Json, old: Json | None, now: str) -> Json:
    """With the old times where nothing changed."""
    if old is None:
        return new | {"lastUpdateTime": now, "lastTransitionTime": now}
    if all(old.get(key) == value for key, value in new.items()):
        return old
    since = old.get("lastTransitionTime") if old["status"] == new["status"] else None
    return new | {"lastUpdateTime": now, "lastTransitionTime": since or now}
