"""The kinds that a federation carries, and where an API server has them. Pure."""

from __future__ import annotations

NAMESPACE = "Namespace"
API_VERSIONS = {
    NAMESPACE: "v1",
    "Service": "v1",
    "ConfigMap": "v1",
    "Secret": "v1",
    "ServiceAccount": "v1",
    "PersistentVolumeClaim": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Ingress": "networking.k8s.io/v1",
}
"""By kind; they stand nowhere else. All but Namespace are in a namespace."""


def api_group(kind: str) -> str:
    """The API group; empty for that of the core."""
    return API_VERSIONS[kind].rpartition("/")[0]


def resource_name(kind: str) -> str:
    """The name of the kind in paths and in rules of RBAC."""
    return "ingresses" if kind == "Ingress" else f"{kind.lower()}s"


def collection(kind: str, namespace: str = "") -> str:
    """The path of all objects of the kind, in all namespaces or in one."""
    version = API_VERSIONS[kind]
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"/api{'s' if '/' in version else ''}/{version}{within}/{resource_name(kind)}"
