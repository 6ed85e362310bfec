"""A member leaves the names before it leaves the federation: clients that remember its addresses still find them alive.

A dynamic resource, because what counts is its deletion: after everything else of the member is there, so before any
of it goes, it marks the Cluster and waits until no resolver can remember the addresses any more.
"""

from __future__ import annotations

from http import HTTPStatus
from time import sleep
from typing import Any

import urllib3
import yaml
from kubernetes import client
from pulumi import Input, Output, ResourceOptions
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from federation.connection import connect, get, send
from federation.names import LEAVING

PUBLISHED_SECONDS = 5
"""How long the controller and external-dns may take until the zone answers without the member."""


class Withdrawal(Resource, module="federation", name="Withdrawal"):
    """The end of a member's names: deleted before its Cluster, it takes the TTL of the records and a little more."""

    def __init__(
        self, name: str, cluster: str, kubeconfig: Input[str], ttl: int, opts: ResourceOptions | None = None
    ) -> None:
        """`kubeconfig` (secret) leads to the federation API; `ttl` in seconds."""
        inputs = {"cluster": cluster, "kubeconfig": Output.secret(kubeconfig), "ttl": ttl}
        secret = ResourceOptions(additional_secret_outputs=["kubeconfig"])
        super().__init__(Provider(), name, inputs, ResourceOptions.merge(opts, secret))


class Provider(ResourceProvider):
    """What Pulumi calls, in a process of its own."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        # A leave that was given up half-way may have left the mark.
        _mark(props, None)
        return CreateResult(props["cluster"], props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        differ = any(olds.get(key) != news[key] for key in ("cluster", "kubeconfig", "ttl"))
        return DiffResult(changes=differ or bool(olds.get("drift")))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """A mark on a member that stays: somebody's, or that of a leave that was given up half-way."""
        drift = f"Cluster {props['cluster']} is marked as leaving" if _is_marked(props) else ""
        return ReadResult(id_, {**props, "drift": drift})

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        if olds.get("drift"):
            _mark(news, None)
        return UpdateResult(news)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        try:
            _mark(props, "true")
        except client.ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        except urllib3.exceptions.HTTPError:
            # Nobody is there to withdraw it; what comes next will say that the API cannot be reached.
            return
        else:
            sleep(props["ttl"] + PUBLISHED_SECONDS)


def _mark(props: dict[str, Any], value: str | None) -> None:
    with connect(yaml.safe_load(props["kubeconfig"])) as api:
        send(api, "PATCH", _path(props), {"metadata": {"annotations": {LEAVING: value}}})


def _is_marked(props: dict[str, Any]) -> bool:
    """Whether the Cluster has the mark; one that is gone has none, and shows as drift of its own."""
    try:
        with connect(yaml.safe_load(props["kubeconfig"])) as api:
            return LEAVING in get(api, _path(props))["metadata"].get("annotations", {})
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return False


def _path(props: dict[str, Any]) -> str:
    return f"/apis/cluster.karmada.io/v1alpha1/clusters/{props['cluster']}"
