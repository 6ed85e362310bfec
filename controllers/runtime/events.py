"""Events: what the federation says of an object to whoever describes it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from uuid import uuid4

from controllers.runtime.api import Api
from controllers.runtime.objects import Json, now
from kube.errors import ApiError

AGAIN_SECONDS = 600.0
"""An API server forgets an Event, after an hour by default. So long it is missing at most: while it is there, another
one is refused as one that exists."""
_OF_THE_CLUSTER = "default"
"""Namespace of Events about what is in none, as Kubernetes has it."""
_NAME_MAX, _TEXT_MAX = 200, 1000
"""Characters; of an object's name an Event's own has room for no more."""


@dataclass(frozen=True)
class Notice:
    """Something to be said of an object."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    reason: str
    text: str

    @property
    def involved(self) -> Json:
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
        }

    @property
    def mark(self) -> str:
        """The same in every pod, so that they say it once."""
        return sha256(f"{self.uid} {self.reason} {self.text}".encode()).hexdigest()[:16]


def tell_once(api: Api, component: str, notice: Notice) -> None:
    """One Event for it, whichever pods tell it. Raises as `warn` does."""
    warn(api, component, notice.involved, reason=notice.reason, text=notice.text, mark=notice.mark)


def warn(api: Api, component: str, involved: Json, *, reason: str, text: str, mark: str = "") -> None:
    """An Event of type Warning on an object: `involved` is its apiVersion, kind, namespace if it has one, name and uid.

    What several pods tell with the same `mark` is one Event; without one each is an Event of its own. Raises what
    Api's calls raise.
    """
    at, namespace = now(), involved.get("namespace", _OF_THE_CLUSTER)
    # A part of a name ends in a letter or digit.
    name = f"{involved['name'][:_NAME_MAX].rstrip('-.')}.{mark or uuid4().hex[:16]}"
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": namespace, "name": name},
        "involvedObject": involved,
        "type": "Warning",
        "reason": reason,
        "message": text[:_TEXT_MAX],
        "source": {"component": component},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
    try:
        api.create(f"/api/v1/namespaces/{namespace}/events", event)
    except ApiError as error:
        if not mark or error.status != HTTPStatus.CONFLICT:
            raise
