"""What is kept of an object of the federation API. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from controllers.engine import finished
from controllers.engine.manifest import digest, held, is_carried, strip
from controllers.engine.member_status import Reported, read_reported
from controllers.engine.placement import Placement, Traits, placement
from controllers.engine.refs import Ref
from controllers.runtime.objects import Json
from federation.settings.keys import ADOPT, FINALIZER, FINISHED, RECREATE


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
    placement: Placement
    adopt: bool
    recreate: bool
    finished: Mapping[str, str]
    """The clusters in which it has finished, if it is a Job, and by which condition."""
    reported: Reported | None
    """Its status, for the kinds that have one."""

    @property
    def is_held(self) -> bool:
        """Whether it waits for us before it goes."""
        return FINALIZER in self.finalizers

    def is_older_than(self, other: Federated) -> bool:
        return self.uid == other.uid and int(self.version) < int(other.version)

    def targets(self, known: Mapping[str, Traits], within: Collection[str]) -> frozenset[str]:
        """The clusters that it is for, of the known ones; `within` limits them unless it is empty.

        Raises PlacementError.
        """
        if self.deleting or self.body is None:
            return frozenset()
        return self.placement.targets(known) & frozenset(within or known)


def stays(obj: Federated) -> Federated:
    """The same as one that is not to be carried: it is taken back where it was."""
    return replace(obj, body=None, digest="")


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
        placement(annotations),
        annotations.get(ADOPT) == "true",
        annotations.get(RECREATE) == "true",
        finished.read(annotations.get(FINISHED, ""), metadata["uid"]),
        read_reported(kind, obj),
    )
