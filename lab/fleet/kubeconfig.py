"""The administrator's kubeconfig of a whole fleet: one context for each cluster, keys included."""

import base64
from collections.abc import Iterable
from pathlib import Path

import yaml

from lab.fleet.cluster import Cluster
from lab.fleet.private import write_private


def merged(clusters: Iterable[Cluster]) -> str:
    chosen = list(clusters)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster.member.context,
                "cluster": {"server": cluster.server, "certificate-authority-data": _data(cluster, "ca.crt")},
            }
            for cluster in chosen
        ],
        "users": [
            {
                "name": cluster.member.context,
                "user": {
                    "client-certificate-data": _data(cluster, "admin.crt"),
                    "client-key-data": _data(cluster, "admin.key"),
                },
            }
            for cluster in chosen
        ],
        "contexts": [
            {"name": context, "context": {"cluster": context, "user": context}}
            for context in (cluster.member.context for cluster in chosen)
        ],
        "current-context": chosen[0].member.context,
    }
    return yaml.safe_dump(config, sort_keys=False)


def write(clusters: Iterable[Cluster], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, merged(clusters).encode())


def _data(cluster: Cluster, file: str) -> str:
    return base64.b64encode((cluster.folder / "keys" / file).read_bytes()).decode()
