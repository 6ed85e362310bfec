"""The kinds that can be carried, and the paths of their objects. Pure."""

from __future__ import annotations

from typing import NamedTuple

API_VERSIONS = {
    "Namespace": "v1",
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
NAMESPACE = "Namespace"


class Ref(NamedTuple):
    """Which object: the same in every API."""

    kind: str
    namespace: str
    """Empty for a Namespace."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @classmethod
    def of_text(cls, text: str) -> Ref:
        """What `str` made of it; ValueError for other text."""
        kind, _, rest = text.partition(" ")
        namespace, _, name = rest.rpartition("/")
        if kind not in API_VERSIONS or not name:
            raise ValueError(f"{text!r} is not KIND NAMESPACE/NAME")
        return cls(kind, namespace, name)

    @property
    def path(self) -> str:
        within = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"{_group(self.kind)}{within}/{_plural(self.kind)}/{self.name}"


def collection(kind: str, namespace: str = "") -> str:
    """The path of all objects of the kind, in all namespaces or in one."""
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{_group(kind)}{within}/{_plural(kind)}"


def namespace_ref(namespace: str) -> Ref:
    return Ref(NAMESPACE, "", namespace)


def _group(kind: str) -> str:
    version = API_VERSIONS[kind]
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _plural(kind: str) -> str:
    return "ingresses" if kind == "Ingress" else f"{kind.lower()}s"
