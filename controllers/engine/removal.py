"""Taking one object out of a member, or our marks off it: never what is not ours, or is not as it was seen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from http import HTTPStatus

from controllers.engine import leftovers, scaling
from controllers.engine.manifest import Owner, unmarked
from controllers.engine.refs import Ref
from controllers.runtime.api import Api
from controllers.runtime.objects import Json
from federation.settings.keys import OBJECT_UID
from kube.errors import ApiError
from kube.kinds import NAMESPACE

log = logging.getLogger(__name__)


def look(api: Api, ref: Ref) -> Json | None:
    """The object that is there, with its content only where that may be scaled: of a Secret, nothing that is secret."""
    return _but_absent(api.get if ref.kind in scaling.SCALED else api.metadata, ref.path)


def metadata(api: Api, ref: Ref) -> Json | None:
    """Of the object that is there; None if none is."""
    found = _but_absent(api.metadata, ref.path)
    return None if found is None else found["metadata"]


def take_back(api: Api, ref: Ref, owner: Owner, uids: Collection[str], going: Collection[str] = ()) -> bool:
    """Whether it was told to go: what we made of one of these objects of the federation API (by UID).

    A Namespace in which others have something, or which has an orphan, stays without our marks: of ours in it, only
    what is deleted already goes with it, and what was made of the objects `going` (by UID). Raises what Api's calls
    raise: 409 where somebody changed it since it was looked at.
    """

    def goes(metadata: Json) -> bool:
        return owner.has(metadata) and (
            "deletionTimestamp" in metadata or metadata["annotations"].get(OBJECT_UID) in going
        )

    found = metadata(api, ref)
    if found is None or not owner.has(found) or found["annotations"].get(OBJECT_UID) not in uids:
        return False
    if ref.kind == NAMESPACE and (others := leftovers.foreign(api, ref.name, goes)):
        log.warning(f"Namespace {ref.name} stays, as others have {others} in it", extra={"object": str(ref)})
        unmark(api, ref)
        return False
    if "deletionTimestamp" in found:
        return False
    # Whoever made it his own since it was looked at, or took our marks off, keeps it.
    delete(api, ref, found["uid"], found["resourceVersion"])
    return True


def delete(api: Api, ref: Ref, uid: str, version: str) -> None:
    """Unless it has changed (409), or is gone."""
    lock = {"uid": uid, "resourceVersion": version}
    options = {"preconditions": lock, "propagationPolicy": "Background"}
    _but_absent(api.delete, ref.path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})


def unmark(api: Api, ref: Ref) -> None:
    """Makes it nobody's; it may be gone."""
    _but_absent(api.patch, ref.path, unmarked())


def _but_absent(call: Callable[..., Json], *arguments: object) -> Json | None:
    """The call's answer; None if the object is not there."""
    try:
        return call(*arguments)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None
