"""An object in a member that is deleted and made anew, because it cannot be changed."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from controllers.engine import removal
from controllers.engine.informer import Seen
from controllers.engine.refs import Ref
from controllers.runtime.api import Api
from kube.errors import ApiError

_NEVER = ("Namespace", "PersistentVolumeClaim", "StatefulSet")
"""With these, what they hold would go."""
_IMMUTABLE = re.compile(r"is immutable|may not (be )?changed?\b|cannot be changed", re.IGNORECASE)


class Recreations:
    """Each once for what is wanted."""

    def __init__(self) -> None:
        self._done: dict[Ref, str] = {}
        """For which digest an object was last deleted."""

    def begin(self, api: Api, ref: Ref, digest: str, seen: Seen, error: ApiError) -> bool:
        """Whether it was deleted, as the member refused it with this error. Raises what Api's calls raise."""
        if ref.kind in _NEVER or self._done.get(ref) == digest or not is_immutable(error):
            return False
        removal.delete(api, ref, seen.uid, seen.version)
        self._done[ref] = digest
        return True

    def forget(self, ref: Ref) -> None:
        self._done.pop(ref, None)


def is_immutable(error: ApiError) -> bool:
    """Whether the member refuses the change for fields that cannot change, and for nothing else.

    What it would refuse to make, too, must not be deleted.
    """
    if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        return False
    try:
        causes = json.loads(error.body or "")["details"]["causes"]
        return bool(causes) and all(_IMMUTABLE.search(cause["message"]) for cause in causes)
    except (ValueError, KeyError, TypeError):
        return False
