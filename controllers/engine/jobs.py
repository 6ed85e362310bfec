"""The status of a Job out of those of all clusters. Pure.

A kube-apiserver from 1.32 refuses a status that its own Job controller would not write
(pkg/apis/batch/validation): what is finished stays finished, counts of ended pods never fall, `startTime` and
`completionTime` never change, Complete comes with SuccessCriteriaMet and Failed with FailureTarget, and a finished one
has no pod that runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from controllers.engine.member_status import ClusterStatus, finished_by, is_true
from controllers.runtime.objects import Json

_RUNNING = ("active", "ready", "terminating")
_ENDED = ("succeeded", "failed")


def job_status(old: Json, clusters: Sequence[ClusterStatus], now: str) -> Json:
    """Complete when it is so in every cluster; Failed when it is so in one, and active in none."""
    if finished_by(old):
        return old
    status: Json = {key: max(old.get(key) or 0, sum(cluster.count(key) for cluster in clusters)) for key in _ENDED}
    starts = [
        cluster.reported.status["startTime"]
        for cluster in clusters
        if cluster.reported and "startTime" in cluster.reported.status
    ]
    if start := old.get("startTime") or min(starts, default=""):
        status["startTime"] = start
    complete = all(cluster.applied and cluster.has("Complete") for cluster in clusters)
    failed = [cluster for cluster in clusters if cluster.has("Failed")]
    if complete:
        status["startTime"] = start or now
        ends = [cluster.reported.status.get("completionTime", "") for cluster in clusters if cluster.reported]
        status["completionTime"] = max([*ends, status["startTime"]])
        told = _told(clusters, "Complete")
        found = [{"type": "SuccessCriteriaMet", **told}, {"type": "Complete", **told}]
    elif failed and not any(map(_may_be_active, clusters)):
        status.setdefault("startTime", now)
        told = _told(failed, "Failed")
        found = [{"type": "FailureTarget", **told}, {"type": "Failed", **told}]
    else:
        status |= {key: sum(cluster.count(key) for cluster in clusters) for key in _RUNNING}
        found = _suspended(old, clusters)
    return status | {"conditions": [_dated(each, old, now) for each in found]}


def _may_be_active(cluster: ClusterStatus) -> bool:
    if cluster.reported is None:
        # What it refused does not run there; what is on its way may, and so may what is out of sight.
        return cluster.away or not cluster.message
    return not (cluster.has("Complete") or cluster.has("Failed"))


def _suspended(old: Json, clusters: Sequence[ClusterStatus]) -> list[Json]:
    if not is_true(old, "Suspended") and not any(cluster.condition("Suspended") for cluster in clusters):
        return []
    everywhere = all(cluster.has("Suspended") for cluster in clusters)
    told = {"reason": "JobSuspended", "message": "Job suspended"}
    if not everywhere:
        told = {"reason": "JobResumed", "message": "Job resumed"}
    return [{"type": "Suspended", "status": "True" if everywhere else "False", **told}]


def _told(clusters: Sequence[ClusterStatus], kind: str) -> Json:
    """In the words of the clusters, which are named unless all say the same."""
    conditions = {cluster.name: cluster.condition(kind) or {} for cluster in clusters}
    messages = {cluster: str(each.get("message", "")) for cluster, each in conditions.items()}
    same = len(set(messages.values())) == 1
    text = next(iter(messages.values())) if same else "; ".join(f"{name}: {each}" for name, each in messages.items())
    return {"status": "True", "reason": next(iter(conditions.values())).get("reason", ""), "message": text}


def _dated(new: Json, old: Json, now: str) -> Json:
    before: Json | None = next((each for each in old.get("conditions") or () if each["type"] == new["type"]), None)
    if before is not None and before["status"] == new["status"]:
        return before
    return new | {"lastProbeTime": now, "lastTransitionTime": now}
