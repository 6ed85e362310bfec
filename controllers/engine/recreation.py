"""When an object in a member may be deleted and made anew, because it cannot be changed. Pure."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from kubernetes.client import ApiException

RECREATE = "federation/recreate"
"""Annotation: `true` lets the object be made anew in a member where a change is refused, as a field is immutable."""
_NEVER = ("Namespace", "PersistentVolumeClaim", "StatefulSet")
"""With these, what they hold would go."""
_IMMUTABLE = re.compile(r"is immutable|may not (be )?changed?\b|cannot be changed", re.IGNORECASE)


def is_allowed(kind: str) -> bool:
    return kind not in _NEVER


def is_immutable(error: ApiException) -> bool:
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
