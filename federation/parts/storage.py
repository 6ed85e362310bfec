"""Whether the host cluster can give etcd a volume: without, its pod would wait for a claim that nobody serves."""

from __future__ import annotations

from typing import Any

import pulumi
import urllib3

from federation.clusters.connection import aside, connect, get
from federation.settings.config import Refusal
from federation.settings.kubeconfig import Kubeconfig
from kube.errors import ApiError, CredentialsError

CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
VOLUMES = "/api/v1/persistentvolumes"
DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
"""Annotations of a default class; Kubernetes honours the old one too."""


def served(etcd: str, key: str, storage_class: str, host: Kubeconfig) -> pulumi.ResourceHook:
    """A hook for the creation of an etcd's StatefulSet, in preview too, that refuses a class that is not there.

    `key` is where the configuration names the class; `storage_class` is empty for the host's default.
    A host that does not answer, or does not let us look, is left to say so itself.
    """

    def look() -> str | None:
        try:
            with connect(host) as api:
                return missing(key, storage_class, get(api, CLASSES)["items"], get(api, VOLUMES)["items"])
        except (ApiError, urllib3.exceptions.HTTPError, CredentialsError, OSError):
            return None

    async def refuse(_: pulumi.ResourceHookArgs) -> None:
        if problem := await aside(look):
            raise Refusal(problem)

    return pulumi.ResourceHook(f"storage-{etcd}", refuse, pulumi.ResourceHookOptions(on_dry_run=True))


def missing(key: str, storage_class: str, classes: list[Any], volumes: list[Any]) -> str | None:
    """What is wrong with the class, if it is; `classes` and `volumes` are the host's, as JSON has them."""
    known = {each["metadata"]["name"]: _is_default(each) for each in classes}
    # Volumes made by hand may be of a class that has no object, and of none.
    if any(volume["spec"].get("storageClassName", "") == storage_class for volume in volumes):
        return None
    allowed = f"it has: {', '.join(known) or 'none'}"
    if not storage_class:
        return (
            None if any(known.values()) else f"{key}: is not set, and the host has no default StorageClass; {allowed}"
        )
    return None if storage_class in known else f"{key}: the host has no StorageClass {storage_class!r}; {allowed}"


def _is_default(storage_class: Any) -> bool:
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(name) == "true" for name in DEFAULT)
