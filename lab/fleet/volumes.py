"""Makes the volumes that PersistentVolumeClaims ask for: a folder each, in the cluster's state.

kube-controller-manager has such a provisioner too, but its folders are for root alone. These are `local` volumes,
to which kubelet gives a pod's fsGroup, as it does with a cloud's disks. Runs in the cluster's sandbox:
`python -m lab.fleet.volumes SERVER KEYS FOLDER NODE`.
"""

import shutil
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from lab.fleet.api import Api
from lab.fleet.following import Objects, follow

PROVISIONER = "federation-fleet/folder"
CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"


def unserved(claims: Objects) -> list[Any]:
    """The claims that kube-controller-manager has assigned to us and that have no volume yet."""
    return [
        claim
        for _, claim in sorted(claims.items())
        if claim["metadata"].get("annotations", {}).get("volume.kubernetes.io/storage-provisioner") == PROVISIONER
        and not claim["spec"].get("volumeName")
        and "deletionTimestamp" not in claim["metadata"]
    ]


def released(volumes: Objects) -> list[str]:
    """The names of the volumes of ours that nobody claims any more."""
    return [
        name
        for name, volume in sorted(volumes.items())
        if volume["metadata"].get("annotations", {}).get("pv.kubernetes.io/provisioned-by") == PROVISIONER
        and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        and volume["status"].get("phase") == "Released"
    ]


def volume_for(claim: Any, folder: Path, node: str) -> dict[str, Any]:
    metadata, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{metadata['uid']}"
    on_node = {"key": "metadata.name", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec["storageClassName"],
            "local": {"path": str(folder / name)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchFields": [on_node]}]}},
        },
    }


def _make(api: Api, folder: Path, node: str, claims: Objects) -> None:
    for claim in unserved(claims):
        volume = volume_for(claim, folder, node)
        place = Path(volume["spec"]["local"]["path"])
        place.mkdir(exist_ok=True)
        # For pods without an fsGroup; nobody else gets as far as this, the cluster's folder is root's.
        place.chmod(0o777)
        api.create(VOLUMES, volume)


def _remove(api: Api, folder: Path, volumes: Objects) -> None:
    for name in released(volumes):
        shutil.rmtree(folder / name, ignore_errors=True)
        api.delete(f"{VOLUMES}/{name}")


def main(server: str, keys: str, folder: str, node: str) -> None:
    api = Api(server, Path(keys))
    removing = partial(_remove, api, Path(folder))
    threading.Thread(target=follow, args=(api, VOLUMES, removing), daemon=True).start()
    follow(api, CLAIMS, partial(_make, api, Path(folder), node))


if __name__ == "__main__":
    main(*sys.argv[1:])
