"""The status of a Job out of those of all clusters. Pure.

A kube-apiserver from 1.32 refuses a status that its own Job controller would not write
(pkg/apis/batch/validation): what is finished stays finished, counts of ended pods never fall, `startTime` and
`completionTime` never change, Complete comes with SuccessCriteriaMet and Failed with FailureTarget, and a finished one
has no pod that runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from controllers.engine.standing import Place, is_true
from controllers.runtime.objects import Json

_RUNNING = ("active", "ready", "terminating")
_ENDED = ("succeeded", "failed")


def job_status(old: Json, places: Sequence[Place], now: str) -> Json:
    """Complete when it is so in every cluster; Failed when it is so in one, and active in none."""
    if is_true(old, "Complete") or is_true(old, "Failed"):
        return old
    status: Json = {key: max(old.get(key) or 0, sum(place.count(key) for place in places)) for key in _ENDED}
    starts = [place.says.status["startTime"] for place in places if place.says and "startTime" in place.says.status]
    if start := old.get("startTime") or min(starts, default=""):
        status["startTime"] = start
    complete = all(place.applied and place.has("Complete") for place in places)
    failed = [place for place in places if place.has("Failed")]
    if complete:
        status["startTime"] = start or now
        ends = [place.says.status.get("completionTime", "") for place in places if place.says]
        status["completionTime"] = max([*ends, status["startTime"]])
        told = _told(places, "Complete")
        found = [{"type": "SuccessCriteriaMet", **told}, {"type": "Complete", **told}]
    elif failed and not any(map(_may_be_active, places)):
        status.setdefault("startTime", now)
        told = _told(failed, "Failed")
        found = [{"type": "FailureTarget", **told}, {"type": "Failed", **told}]
    else:
        status |= {key: sum(place.count(key) for place in places) for key in _RUNNING}
        found = _suspended(old, places)
    return status | {"conditions": [_dated(each, old, now) for each in found]}


def _may_be_active(place: Place) -> bool:
    if place.says is None:
        # What it refused does not run there; what is on its way may, and so may what is out of sight.
        return place.away or not place.message
    return not (place.has("Complete") or place.has("Failed"))


def _suspended(old: Json, places: Sequence[Place]) -> list[Json]:
    if not is_true(old, "Suspended") and not any(place.condition("Suspended") for place in places):
        return []
    everywhere = all(place.has("Suspended") for place in places)
    told = {"reason": "JobSuspended", "message": "Job suspended"}
    if not everywhere:
        told = {"reason": "JobResumed", "message": "Job resumed"}
    return [{"type": "Suspended", "status": "True" if everywhere else "False", **told}]


def _told(places: Sequence[Place], kind: str) -> Json:
    """In the words of the clusters, which are named unless all say the same."""
    conditions = {place.cluster: place.condition(kind) or {} for place in places}
    messages = {cluster: str(each.get("message", "")) for cluster, each in conditions.items()}
    same = len(set(messages.values())) == 1
    text = next(iter(messages.values())) if same else "; ".join(f"{name}: {each}" for name, each in messages.items())
    return {"status": "True", "reason": next(iter(conditions.values())).get("reason", ""), "message": text}


def _dated(new: Json, old: Json, now: str) -> Json:
    before: Json | None = next((each for each in old.get("conditions") or () if each["type"] == new["type"]), None)
    if before is not None and before["status"] == new["status"]:
        return before
    return new | {"lastProbeTime": now, "lastTransitionTime": now}
