"""What a member has of ours that the federation API does not know. It is told of, and never deleted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from controllers.engine.api_writer import Condition
from controllers.engine.refs import Ref

CONDITION = "Orphans"
"""Of a Cluster: True while it has some."""
NAMED = 5
"""So many of them are told by name."""


@dataclass(frozen=True)
class Known:
    """What the federation API has."""

    uids: Mapping[Ref, str]
    kinds: frozenset[str]
    """Of which all objects were seen; of others nothing is known."""


def find(seen: Mapping[Ref, str], known: Known, expected: Collection[Ref]) -> frozenset[Ref]:
    """Of what is seen in a member (with the UID it was made of), what is neither in the API nor expected there."""
    return frozenset(
        ref
        for ref, uid in seen.items()
        if ref.kind in known.kinds and known.uids.get(ref) != uid and ref not in expected
    )


def condition(found: Sequence[Ref]) -> Condition:
    if not found:
        return Condition(
            CONDITION, "False", "NothingLeft", "all that it has of this federation is in the federation API"
        )
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return Condition(
        CONDITION,
        "True",
        "NotInTheFederation",
        f"it has what the federation API does not: {', '.join(map(str, found[:NAMED]))}{more}; none of it is changed. "
        "Delete it there, or make it here with annotation federation/adopt: 'true'",
    )
