"""The kind Propagation: how one object stands in one cluster, as people read it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from controllers.engine.member_status import STATUS_KINDS, ClusterStatus
from controllers.engine.progress import awaited
from controllers.engine.refs import Ref
from controllers.runtime.objects import Json
from kube.kinds import API_VERSIONS

API_VERSION = "engine.federation/v1alpha1"
KIND = "Propagation"
COLLECTION = f"/apis/{API_VERSION}/propagations"
NAME_MAX = 253
MESSAGE_MAX = 1000


@dataclass(frozen=True)
class Report:
    """One object in one cluster."""

    ref: Ref
    uid: str
    """Of the object in the federation API."""
    cluster: str
    applied: str
    """True, False or Unknown; so is `healthy`."""
    healthy: str
    message: str

    @property
    def path(self) -> str:
        group, _, plural = COLLECTION.rpartition("/")
        return f"{group}/namespaces/{self.ref.namespace}/{plural}/{self.name}"

    @property
    def name(self) -> str:
        """Such as `web.deployment.gondor`."""
        end = f".{self.ref.kind.lower()}.{self.cluster}"
        if len(self.ref.name) + len(end) <= NAME_MAX:
            return self.ref.name + end
        short = hashlib.sha256(self.ref.name.encode()).hexdigest()[:10]
        return f"{self.ref.name[: NAME_MAX - len(end) - len(short) - 1].rstrip('.-')}-{short}{end}"

    def body(self) -> Json:
        """Goes with its object, and with no other of that name."""
        owner = {"apiVersion": API_VERSIONS[self.ref.kind], "kind": self.ref.kind, "name": self.ref.name}
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {
                "namespace": self.ref.namespace,
                "name": self.name,
                "ownerReferences": [owner | {"uid": self.uid}],
            },
            "spec": {"kind": self.ref.kind, "name": self.ref.name, "cluster": self.cluster},
            "status": {"applied": self.applied, "healthy": self.healthy, "message": self.message},
        }


def is_reported(kind: str, cluster: ClusterStatus) -> bool:
    """Whether there is to be a report at all.

    Of what has no status there is nothing to tell but that it is refused: a report of each would double the writes.
    """
    return kind in STATUS_KINDS or cluster.refused


def report(ref: Ref, uid: str, cluster: ClusterStatus) -> Report:
    """What is to be told of the object in a cluster."""
    if cluster.away:
        applied, healthy, message = "Unknown", "Unknown", cluster.message
    elif not cluster.applied:
        applied, healthy, message = "False", "Unknown", cluster.message or "it is not applied yet"
    elif cluster.reported is not None and cluster.reported.generation and ref.kind != "Job" and not cluster.observed:
        applied, healthy, message = "True", "Unknown", "it is not observed yet"
    else:
        message = awaited(ref.kind, cluster)
        applied, healthy = "True", "False" if message else "True"
    return Report(ref, uid, cluster.name, applied, healthy, message[:MESSAGE_MAX])


def read_report(obj: Json) -> Report:
    metadata, spec, status = obj["metadata"], obj["spec"], obj.get("status") or {}
    owners = metadata.get("ownerReferences") or [{"uid": ""}]
    return Report(
        Ref(spec["kind"], metadata["namespace"], spec["name"]),
        owners[0]["uid"],
        spec["cluster"],
        status.get("applied", ""),
        status.get("healthy", ""),
        status.get("message", ""),
    )
