"""Writes to the federation API: finalizers, the status of Clusters, Events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from controllers.engine.clusters import CLUSTER_API, COLLECTION
from controllers.engine.refs import Ref
from controllers.runtime import events
from controllers.runtime.api import Api
from controllers.runtime.line import Line
from controllers.runtime.objects import Json, now
from federation.settings.keys import FINALIZER
from kube.kinds import API_VERSIONS

COMPONENT = "federation-controller-manager"


@dataclass(frozen=True)
class Condition:
    """Of a Cluster."""

    type: str
    status: str
    reason: str
    message: str


class ApiWriter:
    """Not for several threads. All calls raise what Api's calls raise: 409 if `version` is not current."""

    def __init__(self, connect: Callable[[], Api]) -> None:
        self._line = Line(connect)

    def api_uid(self) -> str:
        """By which this federation API is known."""
        with self._line.open() as api:
            return uid_of(api)

    def hold(self, path: str, uid: str, version: str, finalizers: Iterable[str], *, held: bool) -> Json:
        """Whether the object is to stay when it is deleted; `finalizers` are those that it has."""
        others = [each for each in finalizers if each != FINALIZER]
        wanted = [*others, FINALIZER] if held else others
        body = {"metadata": {"uid": uid, "resourceVersion": version, "finalizers": wanted}}
        with self._line.open() as api:
            return api.patch(path, body)

    def annotate(self, path: str, uid: str, version: str, annotations: Mapping[str, str]) -> Json:
        body = {"metadata": {"uid": uid, "resourceVersion": version, "annotations": dict(annotations)}}
        with self._line.open() as api:
            return api.patch(path, body)

    def set_status(self, cluster: str, uid: str, status: Json) -> Json:
        """Merges; what `status` does not name stays."""
        with self._line.open() as api:
            return api.patch(f"{COLLECTION}/{cluster}/status", {"metadata": {"uid": uid}, "status": status})

    def warn(self, ref: Ref, uid: str, text: str) -> None:
        """An Event of type Warning on an object."""
        involved = {"apiVersion": API_VERSIONS[ref.kind], "kind": ref.kind, "name": ref.name, "uid": uid}
        if ref.namespace:
            involved["namespace"] = ref.namespace
        self._warn(involved, "NotPropagated", text)

    def warn_of_cluster(self, name: str, uid: str, reason: str, text: str) -> None:
        """An Event of type Warning on a Cluster."""
        self._warn({"apiVersion": CLUSTER_API, "kind": "Cluster", "name": name, "uid": uid}, reason, text)

    def _warn(self, involved: Json, reason: str, text: str) -> None:
        with self._line.open() as api:
            events.warn(api, COMPONENT, involved, reason=reason, text=text)


def uid_of(api: Api) -> str:
    """By which an API is known: the UID of its Namespace kube-system. Raises what Api's calls raise."""
    return str(api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])


def with_condition(conditions: Mapping[str, Json], new: Condition) -> list[Json] | None:
    """All conditions with the new one; None if it says what is there already."""
    old = conditions.get(new.type)
    told = {"type": new.type, "status": new.status, "reason": new.reason, "message": new.message}
    if old is not None and all(old.get(key) == value for key, value in told.items()):
        return None
    since = old["lastTransitionTime"] if old is not None and old.get("status") == new.status else now()
    return [*(each for kind, each in conditions.items() if kind != new.type), told | {"lastTransitionTime": since}]
