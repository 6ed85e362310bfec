"""What an object of ours in a member tells of what happened to it there: it was scaled, or it is finished. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from controllers.engine.member_status import finished_by
from controllers.runtime.objects import Json

_AUTOSCALER = "kube-controller-manager"
"""Manager of what HorizontalPodAutoscalers write."""


@dataclass(frozen=True)
class Traces:
    """Two are the same when there is nothing to put back between them."""

    is_scaled: bool
    """Whether `spec.replicas` was last written through the scale subresource: `kubectl scale`, an autoscaler."""
    by_autoscaler: bool
    """Whether that was an autoscaler. What it wrote stays marked so when it is gone."""
    replicas: int | None = field(compare=False)
    is_finished: bool = field(compare=False)
    """Whether it is a Job that has completed or failed."""


def traces(kind: str, obj: Json) -> Traces:
    status = obj.get("status") or {}
    scalers = {
        entry.get("manager")
        for entry in obj["metadata"].get("managedFields") or ()
        if entry.get("subresource") == "scale" and "f:replicas" in (entry.get("fieldsV1") or {}).get("f:spec", {})
    }
    return Traces(
        bool(scalers),
        scalers == {_AUTOSCALER},
        (obj.get("spec") or {}).get("replicas"),
        kind == "Job" and bool(finished_by(status)),
    )
