"""Writes DNSEndpoint objects: only ours, and only over the version that was looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from controllers.names.metrics import Metrics
from controllers.names.objects import FederatedService, Written, owned, read_written
from controllers.runtime.api import FAILURES, Api
from controllers.runtime.events import Notice, tell_once
from controllers.runtime.objects import Json, Key, key_of
from federation.settings.names import DNS_CONTROLLER, DNS_ENDPOINT_API, MANAGED_BY
from kube.errors import ApiError

GROUP = f"/apis/{DNS_ENDPOINT_API}"
COLLECTION = f"{GROUP}/dnsendpoints"
WRITTEN_OVER = (
    "somebody wrote over the DNSEndpoint with the records of the Service of this name, which is as it was again; "
    "give one of your own a name that no Service of type LoadBalancer has"
)


class ForeignError(Exception):
    """There is a DNSEndpoint of the Service's name that is not ours."""

    def __init__(self, service: Key, uid: str) -> None:
        """`uid` is the DNSEndpoint's."""
        self.uid = uid
        name = "/".join(service)
        super().__init__(
            f"DNSEndpoint {name} is somebody else's (it has no label {MANAGED_BY}={DNS_CONTROLLER}) and is left alone; "
            f"Service {name} has no records until that object has another name"
        )


class Writer:
    """Not for several threads. All calls raise what Api's calls raise: 404 and 409 if `current` is not current."""

    def __init__(self, connect: Callable[[], Api], metrics: Metrics) -> None:
        """`connect` makes a new line to the federation API."""
        self._connect, self._metrics = connect, metrics
        self._api: Api | None = None

    def create(self, wanted: Json) -> Json:
        """Raises ForeignError too."""
        namespace, _ = key = key_of(wanted)
        with self._line("create") as api:
            try:
                return api.create(f"{GROUP}/namespaces/{namespace}/dnsendpoints", wanted)
            except ApiError as error:
                if error.status != HTTPStatus.CONFLICT or read_written(there := api.get(_path(key))) is not None:
                    raise
                raise ForeignError(key, there["metadata"]["uid"]) from error

    def change(self, current: Written, wanted: Json) -> Json:
        """What others added to the object's metadata stays."""
        body = owned(wanted)
        body["metadata"] |= {"uid": current.uid, "resourceVersion": current.version}
        with self._line("patch") as api:
            return api.patch(_path(current.service), body)

    def delete(self, current: Written) -> None:
        lock = {"uid": current.uid, "resourceVersion": current.version}
        with self._line("delete") as api:
            api.delete(_path(current.service), {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": lock})

    def warn(self, service: FederatedService, uid: str, text: str) -> None:
        """Events on the Service and on the DNSEndpoint of its name, which has this uid. Each is there once."""
        with self._connect() as api:
            for version, kind, each in (("v1", "Service", service.uid), (DNS_ENDPOINT_API, "DNSEndpoint", uid)):
                tell_once(api, DNS_CONTROLLER, Notice(version, kind, *service.service, each, "NotPublished", text))

    @contextmanager
    def _line(self, verb: str) -> Iterator[Api]:
        """The line to the federation API; after a failure the next one is new, with what the kubeconfig says then."""
        self._api = self._api or self._connect()
        try:
            yield self._api
        except FAILURES:
            self._metrics.write_failures.inc()
            self._api = None
            raise
        self._metrics.writes.labels(verb).inc()


def _path(key: Key) -> str:
    namespace, name = key
    return f"{GROUP}/namespaces/{namespace}/dnsendpoints/{name}"
