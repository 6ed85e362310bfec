"""In which clusters a Job has finished, and how, so that it is not made again there and counts. Pure.

It stands on the Job in the federation API, as the Job in the member may be gone, and goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from controllers.engine.member_status import Reported, is_true
from controllers.runtime.objects import names_in


def read(text: str, uid: str) -> Mapping[str, str]:
    """Condition by cluster; empty for a text of another Job, such as one that this was copied from."""
    of, _, clusters = text.partition(":")
    parts = (each.partition("=") for each in names_in(clusters))
    return {cluster: condition for cluster, _, condition in parts} if of == uid else {}


def write(clusters: Mapping[str, str], uid: str) -> str:
    return f"{uid}: {', '.join(f'{name}={condition}' for name, condition in sorted(clusters.items()))}"


def condition(reported: Reported | None) -> str:
    """By which it has finished, Complete or Failed; empty if it has not."""
    status = {} if reported is None else reported.status
    return next((each for each in ("Complete", "Failed") if is_true(status, each)), "")


def remembered(condition: str) -> Reported:
    """What a Job that has finished and is gone would say of itself."""
    text = {"reason": "Finished", "message": "it has finished, and is gone"}
    return Reported(0, {}, {"conditions": [{"type": condition, "status": "True", **text}]})
