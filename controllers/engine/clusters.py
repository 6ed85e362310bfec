"""What is kept of a Cluster, and its credentials."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from controllers.engine.placement import Traits, traits
from controllers.engine.reach import Reach
from controllers.engine.refs import Ref
from controllers.runtime import member
from controllers.runtime.api import Api
from controllers.runtime.member import MemberCredentialsError
from controllers.runtime.objects import Json, Key, names_in
from federation.settings.keys import FINALIZER, KEEP_WORKLOADS, NAMESPACES, UNREACHABLE
from kube.errors import ApiError

log = logging.getLogger(__name__)

CLUSTER_API = "cluster.karmada.io/v1alpha1"
COLLECTION = f"/apis/{CLUSTER_API}/clusters"
READY = "Ready"
LEFT = "Left"
"""Condition of a Cluster that is being deleted: False while it cannot go, and why."""


@dataclass(frozen=True)
class Endpoint(member.Endpoint):
    """What leads to a member's API, besides, and how far."""

    secret: Key
    """Namespace and name, in the federation API."""
    reach: Reach


@dataclass(frozen=True)
class Cluster:
    """One member."""

    name: str
    uid: str
    version: str
    endpoint: Endpoint
    finalizers: tuple[str, ...]
    deleting: bool
    traits: Traits
    keeps_workloads: bool
    unreachable: bool
    conditions: Mapping[str, Json]
    """By type."""
    owed: Mapping[str, str]
    kubernetes: str
    nodes: tuple[int, int] | None
    """All, and those that are Ready."""

    @property
    def is_ready(self) -> bool:
        return self.status_of(READY) == "True"

    def is_older_than(self, other: Cluster) -> bool:
        return self.uid == other.uid and int(self.version) < int(other.version)

    @property
    def why_not_ready(self) -> str:
        return str(self.conditions.get(READY, {}).get("message", "it was never asked"))

    @property
    def is_held(self) -> bool:
        return FINALIZER in self.finalizers

    def status_of(self, condition: str) -> str | None:
        return self.conditions.get(condition, {}).get("status")


def read_cluster(obj: Json) -> Cluster:
    metadata, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
    annotations = metadata.get("annotations") or {}
    secret, nodes = spec.get("secretRef") or {}, status.get("nodeSummary")
    return Cluster(
        metadata["name"],
        metadata["uid"],
        metadata["resourceVersion"],
        Endpoint(
            spec["apiEndpoint"],
            bool(spec.get("insecureSkipTLSVerification")),
            spec.get("proxyURL", ""),
            (secret.get("namespace", ""), secret.get("name", "")),
            Reach(tuple(names_in(annotations.get(NAMESPACES, "")))),
        ),
        tuple(metadata.get("finalizers") or ()),
        "deletionTimestamp" in metadata,
        traits(obj),
        annotations.get(KEEP_WORKLOADS) == "true",
        annotations.get(UNREACHABLE) == "true",
        {each["type"]: each for each in status.get("conditions") or ()},
        status.get("owed") or {},
        status.get("kubernetesVersion", ""),
        (nodes.get("totalNum", 0), nodes.get("readyNum", 0)) if nodes else None,
    )


def debts(cluster: Cluster) -> Iterator[tuple[str, Ref]]:
    """UID and object of what it owes; a note that cannot be read is reported and left out."""
    for uid, text in cluster.owed.items():
        try:
            yield uid, Ref.of_text(text)
        except ValueError as error:
            log.error(f"{cluster.name} owes something that cannot be read: {error}", extra={"cluster": cluster.name})


def connect(federation: Callable[[], Api], endpoint: Endpoint) -> Api:
    """A line to a member, with the credentials that the federation API has now, and with the fence of the line to that.

    Raises what Api's calls raise for the federation API, and MemberCredentialsError for what is not there.
    """
    namespace, name = endpoint.secret
    if not name:
        raise MemberCredentialsError("the Cluster has no spec.secretRef")
    try:
        return member.connect(federation, endpoint.secret, endpoint)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise MemberCredentialsError(f"Secret {namespace}/{name} in the federation API is not there") from None
