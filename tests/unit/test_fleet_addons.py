"""Manifests and the paths they are created under."""

from typing import Any

import pytest
import yaml

from lab.fleet.addons import MANIFESTS, collection

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("version", "kind", "namespace", "path"),
    [
        ("v1", "Service", "kube-system", "/api/v1/namespaces/kube-system/services"),
        ("apps/v1", "Deployment", "kube-system", "/apis/apps/v1/namespaces/kube-system/deployments"),
        ("storage.k8s.io/v1", "StorageClass", None, "/apis/storage.k8s.io/v1/storageclasses"),
    ],
)
def test_collection(version: str, kind: str, namespace: str | None, path: str) -> None:
    metadata = {"namespace": namespace} if namespace else {}
    assert collection({"apiVersion": version, "kind": kind, "metadata": metadata}) == path


def test_the_dns_service_has_the_address_that_pods_are_told() -> None:
    manifests: list[Any] = list(yaml.safe_load_all((MANIFESTS / "dns.yaml").read_text()))
    service = next(manifest for manifest in manifests if manifest["kind"] == "Service")
    assert service["spec"]["clusterIP"] == "10.96.0.10"
