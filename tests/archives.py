"""Archives of Karmada's kinds for tests, laid out as the release's: the kinds by name, with schemas of our own."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from federation.engine.karmada import crds

CHANGED, ADDED = "works.work.karmada.io", "palantirs.work.karmada.io"
CLUSTER_WIDE = {
    "clusteroverridepolicies.policy.karmada.io": "ClusterOverridePolicy",
    "clusterpropagationpolicies.policy.karmada.io": "ClusterPropagationPolicy",
    "clusterresourcebindings.work.karmada.io": "ClusterResourceBinding",
    "clustertaintpolicies.policy.karmada.io": "ClusterTaintPolicy",
    "remedies.remedy.karmada.io": "Remedy",
    "resourceinterpretercustomizations.config.karmada.io": "ResourceInterpreterCustomization",
    "resourceinterpreterwebhookconfigurations.config.karmada.io": "ResourceInterpreterWebhookConfiguration",
    "workloadrebalancers.apps.karmada.io": "WorkloadRebalancer",
}
NAMESPACED = {
    "cronfederatedhpas.autoscaling.karmada.io": "CronFederatedHPA",
    "federatedhpas.autoscaling.karmada.io": "FederatedHPA",
    "federatedresourcequotas.policy.karmada.io": "FederatedResourceQuota",
    "multiclusteringresses.networking.karmada.io": "MultiClusterIngress",
    "multiclusterservices.networking.karmada.io": "MultiClusterService",
    "overridepolicies.policy.karmada.io": "OverridePolicy",
    "propagationpolicies.policy.karmada.io": "PropagationPolicy",
    "resourcebindings.work.karmada.io": "ResourceBinding",
    "serviceexports.multicluster.x-k8s.io": "ServiceExport",
    "serviceimports.multicluster.x-k8s.io": "ServiceImport",
    "works.work.karmada.io": "Work",
}


def kinds() -> list[dict[str, Any]]:
    """A CustomResourceDefinition for each of Karmada's kinds."""
    both = [("Cluster", CLUSTER_WIDE), ("Namespaced", NAMESPACED)]
    return [_kind(name, kind, scope) for scope, names in both for name, kind in names.items()]


def small(file: Path) -> dict[str, str]:
    """Write an archive of `kinds()`; returns `federation:crds`, by which it is used."""
    return write(file, kinds())


def newer(file: Path) -> dict[str, str]:
    """The same of another release: with one kind changed, and one more."""
    return write(file, newer_than(kinds()))


def newer_than(released: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The kinds of a release with a field more in one of them, and one more kind."""
    changed = [_with_a_field(each) if each["metadata"]["name"] == CHANGED else each for each in released]
    return [*changed, _kind(ADDED, "Palantir", "Namespaced")]


def write(file: Path, manifests: list[dict[str, Any]]) -> dict[str, str]:
    """Write an archive of these kinds; returns `federation:crds`, by which it is used."""
    named = {f"crds/bases/{each['metadata']['name']}.yaml": yaml.safe_dump(each).encode() for each in manifests}
    file.write_bytes(packed({**named, "crds/kustomization.yaml": b"resources: []\n"}))
    return {"source": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def packed(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of these files, packed with gzip; the same files make the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0)


def _kind(name: str, kind: str, scope: str) -> dict[str, Any]:
    plural, _, group = name.partition(".")
    versions = ["v1alpha1", "v1alpha2"] if name in crds.CONVERTED else ["v1alpha1"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [_version(version, storage=version == versions[-1]) for version in versions],
        },
    }


def _version(name: str, *, storage: bool) -> dict[str, Any]:
    spec = {"type": "object", "properties": {"paused": {"type": "boolean", "description": "Prose."}}}
    schema = {"type": "object", "description": "Prose.", "properties": {"spec": spec}}
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}}


def _with_a_field(manifest: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = yaml.safe_load(yaml.safe_dump(manifest))
    schema = copy["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["seenFrom"] = {"type": "string"}
    return copy
