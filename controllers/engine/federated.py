"""What is kept of an object of the federation API. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from controllers.engine.kinds import Ref
from controllers.engine.manifest import digest, held, is_carried, names_in, strip
from controllers.engine.standing import Says, read_says
from controllers.runtime.objects import Json

FINALIZER = "federation/engine"
"""Of what is carried, and of Clusters: none of them goes before its objects are gone from the members."""
CLUSTERS = "federation/clusters"
"""Annotation: the names of the clusters that the object is for, such as `gondor,rohan`. All, if there is none."""
ADOPT = "federation/adopt"
"""Annotation: `true` takes over an object of the same name that a member has already."""


class PlacementError(ValueError):
    """The annotation that says which clusters the object is for cannot be followed."""


@dataclass(frozen=True)
class Federated:
    """One object of the federation API."""

    ref: Ref
    uid: str
    version: str
    finalizers: tuple[str, ...]
    deleting: bool
    body: bytes | None
    """What to apply in members, as JSON and without marks; None is not to be carried."""
    digest: str
    clusters: str | None
    """What the annotation says."""
    adopt: bool
    says: Says | None
    """Its status, for the kinds that have one."""

    @property
    def is_held(self) -> bool:
        """Whether it waits for us before it goes."""
        return FINALIZER in self.finalizers

    def is_older_than(self, other: Federated) -> bool:
        return self.uid == other.uid and int(self.version) < int(other.version)

    def targets(self, known: Collection[str], within: Collection[str]) -> frozenset[str]:
        """The clusters that it is for, of the known ones; `within` limits them unless it is empty.

        Raises PlacementError for a list that is empty or names a cluster that is not known.
        """
        if self.deleting or self.body is None:
            return frozenset()
        allowed = frozenset(within or known) & frozenset(known)
        if self.clusters is None:
            return allowed
        named = frozenset(names_in(self.clusters))
        if not named or not named <= frozenset(known):
            unknown = ", ".join(sorted(named - frozenset(known))) or "nothing"
            raise PlacementError(
                f"annotation {CLUSTERS} names {unknown}; the clusters are {', '.join(sorted(known))}: "
                "until it is right, nothing is changed in any cluster"
            )
        return named & allowed


def reader(kind: str, federation: str) -> Callable[[Json], Federated]:
    """Reads objects of the kind."""
    return partial(_read, kind, federation)


def _read(kind: str, federation: str, obj: Json) -> Federated:
    metadata = obj["metadata"]
    annotations = metadata.get("annotations") or {}
    body = strip(kind, obj, held(obj)) if is_carried(kind, obj, federation) else None
    return Federated(
        Ref(kind, metadata.get("namespace", ""), metadata["name"]),
        metadata["uid"],
        metadata["resourceVersion"],
        tuple(metadata.get("finalizers") or ()),
        "deletionTimestamp" in metadata,
        None if body is None else json.dumps(body, separators=(",", ":")).encode(),
        "" if body is None else digest(body),
        annotations.get(CLUSTERS),
        annotations.get(ADOPT) == "true",
        read_says(kind, obj),
    )
