"""Which claims get a volume, which volumes go."""

from pathlib import Path
from typing import Any

import pytest

from lab.fleet.volumes import PROVISIONER, released, unserved, volume_for

pytestmark = pytest.mark.unit


def claim(provisioner: str = PROVISIONER, **spec: str) -> Any:
    annotations = {"volume.kubernetes.io/storage-provisioner": provisioner}
    metadata = {"namespace": "lorien", "name": "data", "uid": "u1", "annotations": annotations}
    resources = {"requests": {"storage": "5Gi"}}
    wanted = {"resources": resources, "accessModes": ["ReadWriteOnce"], "storageClassName": "standard"}
    return {"metadata": metadata, "spec": wanted | spec}


def volume(phase: str, provisioner: str = PROVISIONER, policy: str = "Delete") -> Any:
    annotations = {"pv.kubernetes.io/provisioned-by": provisioner}
    spec = {"persistentVolumeReclaimPolicy": policy}
    return {"metadata": {"annotations": annotations}, "spec": spec, "status": {"phase": phase}}


def test_only_claims_that_are_ours_and_have_none() -> None:
    ours = claim()
    assert unserved({"a": ours, "b": claim("somebody/else"), "c": claim(volumeName="pvc-1")}) == [ours]


def test_only_volumes_that_are_ours_and_released() -> None:
    volumes = {
        "a": volume("Released"),
        "b": volume("Bound"),
        "c": volume("Released", provisioner="somebody/else"),
        "d": volume("Released", policy="Retain"),
    }
    assert released(volumes) == ["a"]


def test_a_volume_is_bound_to_its_claim_and_its_node() -> None:
    made = volume_for(claim(), Path("/state/volumes"), "gondor")
    assert made["metadata"]["name"] == "pvc-u1"
    assert made["spec"]["local"] == {"path": "/state/volumes/pvc-u1"}
    assert made["spec"]["claimRef"]["uid"] == "u1"
    assert made["spec"]["capacity"] == {"storage": "5Gi"}
    assert "gondor" in str(made["spec"]["nodeAffinity"])
