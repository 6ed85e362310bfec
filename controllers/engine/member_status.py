"""How an object stands in a member: what a carrier tells, and what becomes of it for each cluster. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controllers.runtime.objects import Json

STATUS_KINDS = ("Service", "Deployment", "StatefulSet", "DaemonSet", "Job")
"""Those whose status is told in the federation API."""
_SPEC = frozenset(["replicas", "updateStrategy", "type"])
"""What of `spec` it takes to read a status."""
_NOT_KEPT = frozenset(["uncountedTerminatedPods"])
"""Of a Job: the names of its pods, which change all the time and are nobody else's concern."""


@dataclass(frozen=True)
class Reported:
    """What an object says of itself."""

    generation: int
    """0 for a kind that has none."""
    spec: Mapping[str, object]
    status: Json


@dataclass(frozen=True)
class MemberStatus:
    """What the carrier to one member knows of one object."""

    digest: str
    """Of the content that is there; empty until it is, and while somebody else has changed it."""
    problem: str
    """Why not, in the member's words."""
    reported: Reported | None


@dataclass(frozen=True)
class ClusterStatus:
    """One cluster that an object is for, and how it stands there."""

    name: str
    reported: Reported | None = None
    applied: bool = False
    """Whether it has the content that the federation API has."""
    away: bool = False
    """Whether the cluster is not Ready, so that nobody knows."""
    message: str = ""
    """Why it is away or not applied."""

    @property
    def observed(self) -> bool:
        """Whether the cluster's own controller speaks of the content that the federation API has."""
        if self.away or not self.applied or self.reported is None:
            return False
        return int(self.reported.status.get("observedGeneration", 0)) >= self.reported.generation

    @property
    def refused(self) -> bool:
        """Whether the cluster does not take it, rather than that it is on its way."""
        return not self.away and not self.applied and bool(self.message)

    def count(self, key: str) -> int:
        """A number of its status."""
        return 0 if self.reported is None else int(self.reported.status.get(key) or 0)

    @property
    def desired(self) -> int:
        """How many replicas it is to have."""
        replicas = None if self.reported is None else self.reported.spec.get("replicas")
        return 1 if not isinstance(replicas, int) else replicas

    def condition(self, kind: str) -> Json | None:
        found = () if self.reported is None else self.reported.status.get("conditions") or ()
        return next((each for each in found if each["type"] == kind), None)

    def has(self, condition: str) -> bool:
        return self.reported is not None and is_true(self.reported.status, condition)


def is_true(status: Json, condition: str) -> bool:
    """Whether a status says so."""
    return any(each["type"] == condition and each["status"] == "True" for each in status.get("conditions") or ())


def finished_by(status: Json) -> str:
    """The condition by which a Job has finished, Complete or Failed; empty if it has not."""
    return next((each for each in ("Complete", "Failed") if is_true(status, each)), "")


def read_reported(kind: str, obj: Json) -> Reported | None:
    """None for a kind without a status."""
    if kind not in STATUS_KINDS:
        return None
    spec = {key: value for key, value in obj.get("spec", {}).items() if key in _SPEC}
    status = {key: value for key, value in (obj.get("status") or {}).items() if key not in _NOT_KEPT}
    return Reported(obj["metadata"].get("generation", 0), spec, status)
