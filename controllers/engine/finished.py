"""In which clusters a Job has finished, and how, so that it is not made again there and counts. Pure.

It stands on the Job in the federation API, as the Job in the member may be gone, and goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from controllers.engine.member_status import Reported, finished_by
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
    return "" if reported is None else finished_by(reported.status)


def remembered(condition: str) -> Reported:
    """What a Job that has finished and is gone would say of itself."""
    text = {"reason": "Finished", "message": "it has finished, and is gone"}
    return Reported(0, {}, {"conditions": [{"type": condition, "status": "True", **text}]})
