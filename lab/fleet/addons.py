"""What a cluster with a node holds from the start: a storage class and DNS."""

from pathlib import Path
from typing import Any

import yaml

from lab.fleet.api import Api

MANIFESTS = Path(__file__).parent / "manifests"


def create(api: Api) -> None:
    for file in sorted(MANIFESTS.glob("*.yaml")):
        for manifest in yaml.safe_load_all(file.read_text()):
            api.create(collection(manifest), manifest)


def services_possible(api: Api) -> bool:
    """An API server that says it is ready may still refuse Services for a second: "range is full"."""
    probe = {"metadata": {"generateName": "probe-"}, "spec": {"ports": [{"port": 80}]}}
    return api.would_accept("/api/v1/namespaces/default/services", probe)


def collection(manifest: Any) -> str:
    """The path under which objects of this kind are created."""
    version, kind = manifest["apiVersion"], manifest["kind"].lower()
    namespace = manifest["metadata"].get("namespace")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = kind + ("es" if kind.endswith("s") else "s")
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"
