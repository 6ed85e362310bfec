"""Object of the federation API in, what to apply in a member out. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from controllers.runtime.objects import Json
from federation.settings.keys import API_UID, CARRIED_BY, OBJECT_UID, PROPAGATE
from federation.settings.names import own_namespace
from kube.kinds import API_VERSIONS, NAMESPACE

MANAGER = "federation"
"""Field manager of what is applied in members."""
PREFIX = "federation/"
"""Of labels and annotations that speak to the federation: none of them is carried."""

_NOT_CARRIED = frozenset(
    [
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
        "deprecated.daemonset.template.generation",
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
        "volume.kubernetes.io/selected-node",
        "volume.kubernetes.io/storage-provisioner",
        "volume.beta.kubernetes.io/storage-provisioner",
        "volume.kubernetes.io/storage-resizer",
    ]
)
"""Annotations that kubectl, an API or its controllers write for themselves."""
_NO_USERS = frozenset(["kube-controller-manager", "kube-scheduler", "before-first-apply"])
"""Managers of fields; the last is who held all of them in an object without managers, the allocated ones too."""
_OF_THE_API = frozenset(["apiVersion", "kind", "metadata", "status"])
_ALLOCATED = {
    "Service": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"),
    "PersistentVolumeClaim": ("volumeName",),
}
"""Fields of `spec` that the API fills in by itself, with what is true of that API alone."""
_JOB_LABELS = frozenset(
    ["controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"]
)
_SECRET_TYPES = frozenset(
    ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "helm.sh/release.v1"]
)
_NAMES = frozenset([("Service", "default", "kubernetes"), ("Namespace", "", "default")])
_NAMES_EVERYWHERE = frozenset([("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")])
"""What each API makes for itself in every namespace."""


def is_carried(kind: str, obj: Json, federation: str) -> bool:
    """Whether the object is one to carry at all."""
    metadata = obj["metadata"]
    name, namespace = metadata["name"], metadata.get("namespace", "")
    labels = metadata.get("labels") or {}
    home = name if kind == NAMESPACE else namespace
    return not (
        labels.get(PROPAGATE) == "false"
        or home.startswith(("kube-", "karmada-"))
        or home in ("federation-system", own_namespace(federation))
        or (kind, namespace, name) in _NAMES
        or (kind, name) in _NAMES_EVERYWHERE
        # What a controller made, the controllers of each member make there.
        or any(owner.get("controller") for owner in metadata.get("ownerReferences") or ())
        or (kind == "Secret" and obj.get("type") in _SECRET_TYPES)
        # Helm keeps its releases in either.
        or (kind in ("Secret", "ConfigMap") and labels.get("owner") == "helm")
    )


def held(obj: Json) -> Json:
    """The fields that a user's manager holds, as one tree in the form of managedFields (FieldsV1)."""
    tree: Json = {}
    for entry in obj["metadata"].get("managedFields") or ():
        if not entry.get("subresource") and entry.get("manager") not in _NO_USERS:
            _join(tree, entry.get("fieldsV1") or {})
    return tree


def strip(kind: str, obj: Json, fields: Json) -> Json:
    """A copy of what a user wrote; `fields` are those of `held`."""
    metadata = obj["metadata"]
    kept: Json = {"name": metadata["name"]}
    if kind != NAMESPACE:
        kept["namespace"] = metadata["namespace"]
    for key in ("labels", "annotations"):
        texts = metadata.get(key) or {}
        # The API labels the Job as its pods, where the user gave it no labels.
        if found := _ours_to_carry(_without_job_labels(texts) if kind == "Job" else texts):
            kept[key] = found
    result = {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": kept}
    if kind != NAMESPACE:
        result |= deepcopy({key: value for key, value in obj.items() if key not in _OF_THE_API})
    if kind == "ServiceAccount":
        result.pop("secrets", None)
    spec = result.get("spec")
    if isinstance(spec, dict):
        _strip_spec(kind, spec, fields.get("f:spec") or {})
    without: Json = _without_nulls(result)
    return without


def marked(body: Json, federation: str, api_uid: str, object_uid: str) -> Json:
    """The same with the marks by which it is known in a member."""
    metadata = dict(body["metadata"])
    metadata["labels"] = {**metadata.get("labels", {}), CARRIED_BY: federation}
    metadata["annotations"] = {**metadata.get("annotations", {}), API_UID: api_uid, OBJECT_UID: object_uid}
    return {**body, "metadata": metadata}


@dataclass(frozen=True)
class Owner:
    """By which marks an object in a member is known as ours."""

    federation: str
    api_uid: str

    def has(self, metadata: Json) -> bool:
        return self._marks(metadata) == (self.federation, self.api_uid)

    def may_have_had(self, metadata: Json) -> bool:
        """Whether it has no marks of another federation, or of another federation API of our name."""
        label, api_uid = self._marks(metadata)
        return label in (None, self.federation) and api_uid in (None, self.api_uid)

    @staticmethod
    def _marks(metadata: Json) -> tuple[str | None, str | None]:
        return (metadata.get("labels") or {}).get(CARRIED_BY), (metadata.get("annotations") or {}).get(API_UID)


def unmarked() -> Json:
    """The change (RFC 7386) that makes an object in a member nobody's."""
    return {"metadata": {"labels": {CARRIED_BY: None}, "annotations": {API_UID: None, OBJECT_UID: None}}}


def shape(obj: Json) -> str:
    """A digest of what we hold of an object in a member, which changes when somebody writes or takes a field of ours.

    What others hold does not count. If the object tells of nothing that we hold, it is one of all that was written.
    """
    metadata = obj["metadata"]
    for entry in metadata.get("managedFields") or ():
        if (entry.get("manager"), entry.get("operation")) == (MANAGER, "Apply") and not entry.get("subresource"):
            return digest(entry.get("fieldsV1") or {})
    written = {key: value for key, value in obj.items() if key not in _OF_THE_API}
    return digest({**written, "labels": metadata.get("labels"), "annotations": metadata.get("annotations")})


def digest(content: Json) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _strip_spec(kind: str, spec: Json, fields: Json) -> None:
    for field in _ALLOCATED.get(kind, ()):
        # A headless Service has no address because its user said so, whoever holds the field.
        if f"f:{field}" not in fields and not (field == "clusterIP" and spec.get(field) == "None"):
            spec.pop(field, None)
    if kind == "Service":
        for port in spec.get("ports") or ():
            if not _port_is_held(port, fields.get("f:ports") or {}):
                port.pop("nodePort", None)
    if kind == "Job":
        _strip_job(spec)


def _strip_job(spec: Json) -> None:
    """What a CronJob says of its Jobs is the user's, and these are made and deleted in the member alone."""
    spec.pop("ttlSecondsAfterFinished", None)
    if spec.get("manualSelector"):
        return
    spec.pop("selector", None)
    metadata = (spec.get("template") or {}).get("metadata") or {}
    if labels := metadata.get("labels"):
        metadata["labels"] = _without_job_labels(labels)


def _without_job_labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key not in _JOB_LABELS}


def _port_is_held(port: Json, fields: Json) -> bool:
    """Whether a user's manager holds the port's `nodePort`."""
    for key, inner in fields.items():
        if key.startswith("k:") and "f:nodePort" in (inner or {}):
            chosen = json.loads(key[2:])
            if all(port.get(name, "TCP" if name == "protocol" else None) == value for name, value in chosen.items()):
                return True
    return False


def _ours_to_carry(texts: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in texts.items() if key not in _NOT_CARRIED and not key.startswith(PREFIX)}


def _join(tree: Json, other: Json) -> None:
    for key, inner in other.items():
        _join(tree.setdefault(key, {}), inner or {})


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
