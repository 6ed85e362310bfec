"""One serial for one content: given out once for all pods, in a ConfigMap of the federation API.

The ConfigMap says the last serial, the digest of the content that has it, and the version of the DNSEndpoints (the
API's resourceVersion) at which a pod saw that content. A pod that sees another content replaces all three, if nobody
did so before it (by the ConfigMap's own version). A pod that lags behind, whose version is older, waits until it sees
what the others see: otherwise it would give a past content a serial of the future.

The ConfigMap goes back with an etcd that is restored from a snapshot, and secondaries take no lesser serial than they
have. So a pod that has served a greater one than the ConfigMap says gives out the one after that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from controllers.runtime.api import FAILURES, Api
from controllers.runtime.objects import Json
from federation.settings.names import ZONE_SERIAL
from kube.errors import ApiError

LAG_SECONDS = 5.0
"""So long a pod waits to see what others saw. An API that was restored from a copy counts from an earlier version."""
ATTEMPTS = 10
_CEILING = 2**32


@dataclass(frozen=True)
class Seen:
    """A content as a pod asks for its serial."""

    digest: str
    version: int
    """Of the DNSEndpoints, by the API."""
    is_new: bool
    """Whether the pod has not yet written it."""
    is_late: bool
    """Whether it has been waiting for LAG_SECONDS to see what others saw."""
    served: tuple[str, int] | None = None
    """Digest and serial of what the pod answers with now; None if there is nothing yet."""


@dataclass(frozen=True)
class Given:
    """What the ConfigMap says."""

    serial: int
    digest: str
    version: int


def following(serial: int) -> int:
    """The next one (RFC 1982); 0 is left out, as to some secondaries it says that there is no zone."""
    return (serial + 1) % _CEILING or 1


def is_after(serial: int, other: int) -> bool:
    """As secondaries compare them (RFC 1982)."""
    return 0 < (serial - other) % _CEILING < _CEILING // 2


def is_due(seen: Seen, given: Given) -> bool:
    """Whether the pod is to give its content a serial. Pure."""
    if seen.version > given.version:
        return True
    # Of one version there are two contents while pods of two releases or settings are there: each has its say once.
    return seen.is_new and (seen.version == given.version or seen.is_late)


def went_back(seen: Seen, given: Given) -> bool:
    """Whether the pod has served a greater serial, or this one with another content. Pure."""
    if seen.served is None:
        return False
    digest, serial = seen.served
    return is_after(serial, given.serial) or (serial == given.serial and digest != given.digest)


class Serials:
    """Not for several threads. `connect` makes a new line to the federation API."""

    def __init__(self, connect: Callable[[], Api], namespace: str) -> None:
        self._connect = connect
        self._api: Api | None = None
        self._namespace = namespace
        self._collection = f"/api/v1/namespaces/{namespace}/configmaps"
        self.uid = ""
        """Of the ConfigMap; empty before it was seen."""

    def ask(self, seen: Seen) -> int | None:
        """The content's serial; None while others are ahead. Raises what Api's calls raise."""
        self._api = self._api or self._connect()
        try:
            return self._ask(self._api, seen)
        except FAILURES:
            # The next line is new, with what the kubeconfig says then.
            self._api = None
            raise

    def _ask(self, api: Api, seen: Seen) -> int | None:
        for attempt in range(ATTEMPTS):
            found = self._found(api)
            given, self.uid = _given(found), found["metadata"]["uid"]
            version = seen.version
            if given is not None and given.digest == seen.digest:
                if not went_back(seen, given):
                    return given.serial
                version = max(version, given.version)
            elif given is not None and not is_due(seen, given):
                return None
            # By the API's clock, not by a pod's: a ConfigMap that was lost begins above where it ended.
            serial = following(given.serial) if given is not None else _created(found)
            if seen.served is not None and not is_after(serial, seen.served[1]):
                serial = following(seen.served[1])
            data = {"serial": str(serial), "digest": seen.digest, "version": str(version)}
            body: Json = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "data": data}
            try:
                api.patch(f"{self._collection}/{ZONE_SERIAL}", body)
            except ApiError as error:
                if error.status != HTTPStatus.CONFLICT or attempt == ATTEMPTS - 1:
                    raise
            else:
                return serial
        raise AssertionError("the last attempt returns or raises")

    def _found(self, api: Api) -> Json:
        try:
            return api.get(f"{self._collection}/{ZONE_SERIAL}")
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        try:
            metadata = {"namespace": self._namespace, "name": ZONE_SERIAL}
            empty: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
            return api.create(self._collection, empty)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return api.get(f"{self._collection}/{ZONE_SERIAL}")


def _given(found: Json) -> Given | None:
    """None of a ConfigMap that says nothing, or something that a person wrote."""
    data = found.get("data") or {}
    try:
        given = Given(int(data["serial"]), data["digest"], int(data["version"]))
    except (KeyError, ValueError):
        return None
    return given if 0 < given.serial < _CEILING else None


def _created(found: Json) -> int:
    return int(datetime.fromisoformat(found["metadata"]["creationTimestamp"]).timestamp()) % _CEILING
