"""In which clusters a Job has finished, so that it is not made again there. Pure.

It stands on the Job in the federation API, as the Job in the member may be gone, and goes with it.
"""

from __future__ import annotations

from collections.abc import Collection

from controllers.runtime.objects import names_in


def read(text: str, uid: str) -> frozenset[str]:
    """Empty for a text of another Job, such as one that this was copied from."""
    of, _, clusters = text.partition(":")
    return frozenset(names_in(clusters)) if of == uid else frozenset()


def write(clusters: Collection[str], uid: str) -> str:
    return f"{uid}: {', '.join(sorted(clusters))}"
