"""What an object of ours in a member tells of what happened to it there: it was scaled, or it is finished. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from controllers.engine.member_status import is_true
from controllers.runtime.objects import Json


@dataclass(frozen=True)
class Traces:
    """Two are the same when there is nothing to put back between them."""

    is_scaled: bool
    """Whether `spec.replicas` was last written through the scale subresource: `kubectl scale`, an autoscaler."""
    replicas: int | None = field(compare=False)
    is_finished: bool = field(compare=False)
    """Whether it is a Job that has completed or failed."""


def traces(kind: str, obj: Json) -> Traces:
    status = obj.get("status") or {}
    return Traces(
        any(
            entry.get("subresource") == "scale" and "f:replicas" in (entry.get("fieldsV1") or {}).get("f:spec", {})
            for entry in obj["metadata"].get("managedFields") or ()
        ),
        (obj.get("spec") or {}).get("replicas"),
        kind == "Job" and any(is_true(status, condition) for condition in ("Complete", "Failed")),
    )
