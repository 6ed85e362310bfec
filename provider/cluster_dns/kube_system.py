"""Read and change the ConfigMaps of a member's cluster DNS, without losing what somebody else changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from federation.clusters.connection import find, send
from federation.settings.keys import CLUSTER_DNS
from kube.client import Client
from kube.errors import ApiError
from provider import clusters
from provider.cluster_dns import config_maps
from provider.cluster_dns.config_maps import CUSTOM, KNOWN, KUBE_DNS, ClusterDnsError, ConfigMaps
from provider.cluster_dns.lookup import Lookup
from provider.resource import BegunError

CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/kube-system/deployments"
OURS = {"app.kubernetes.io/managed-by": "federation"}
"""Labels of a ConfigMap that was not there before; it goes when the last federation leaves."""
ATTEMPTS = 5
"""Times to read, plan and write before giving up, if somebody else writes in between each time."""


def found(api: Client, lookups: Collection[Lookup]) -> ConfigMaps:
    """What is there now; raises as `connection.get` does."""
    return _data(_read(api, lookups))


def change(api: Client, lookups: Collection[Lookup], plan: Callable[[ConfigMaps], ConfigMaps]) -> None:
    """Make the ConfigMaps what `plan` makes of those that are there; `lookups` are those that it puts in or takes out.

    It is not awaited: as a rule the kubelet brings the files within a minute, and the plugin reload looks each 30 s.
    Raises as `connection.get` does, and whatever `plan` raises; BegunError once something may have been written.
    """
    written: list[str] = []
    try:
        for _ in range(ATTEMPTS):
            if _changed(api, lookups, plan, written):
                return
        raise ClusterDnsError(f"its ConfigMaps changed {ATTEMPTS} times while they were being written; try again")
    except (*clusters.FAILURES, ClusterDnsError) as error:
        if not written:
            raise
        raise BegunError(f"{clusters.words('its API', error)}; ConfigMap {written[0]} was written before") from None


def _changed(
    api: Client,
    lookups: Collection[Lookup],
    plan: Callable[[ConfigMaps], ConfigMaps],
    written: list[str],
) -> bool:
    """Whether it succeeded; if not, somebody else wrote in between. `written` gets the names of what was."""
    objects = _read(api, lookups)
    before = _data(objects)
    wanted = plan(before)
    changed = config_maps.changed(before, wanted)
    restarts = _restarts(api, lookups, before, wanted)
    for name in changed:
        # Before the answer: where there is none, nobody knows.
        written.append(name)
        try:
            _write(api, name, objects.get(name), wanted[name])
        except ApiError as error:
            written.pop()
            if error.status != HTTPStatus.CONFLICT:
                raise
            return False
    for name, digest in restarts.items():
        _restart(api, name, digest)
    return True


def _restarts(
    api: Client, lookups: Collection[Lookup], before: ConfigMaps, wanted: ConfigMaps
) -> dict[str, str | None]:
    """The Deployments whose CoreDNS is to read its files anew, with the digest of what is ours in them.

    A run may have ended between its write and the restart. So it counts what the pods have read, by their annotation,
    and not only what is written now.
    """
    result = {}
    changed = config_maps.changed(before, wanted)
    # Charts give the Deployment the name of its ConfigMap.
    for name in sorted({name for each in lookups if (name := config_maps.with_corefile(before, each))}):
        is_changed = not {name, CUSTOM}.isdisjoint(changed)
        try:
            if config_maps.reloads(before, name):
                continue
            digest = config_maps.digest(wanted, name)
        except ClusterDnsError:
            if is_changed:
                raise
            # Nothing of ours comes or goes, and on a Corefile that is no good CoreDNS would not start.
            continue
        deployment = find(api, f"{DEPLOYMENTS}/{name}")
        if is_changed and not deployment:
            raise ClusterDnsError(f"its CoreDNS has neither the plugin reload nor a Deployment {name} to be restarted")
        if is_changed or (deployment and _read_by(deployment) != digest):
            result[name] = digest
    return result


def _read_by(deployment: Any) -> str | None:
    """The digest of what the pods of a CoreDNS have read of ours; None where no federation has restarted them."""
    metadata = deployment["spec"]["template"].get("metadata") or {}
    found: str | None = (metadata.get("annotations") or {}).get(CLUSTER_DNS)
    return found


def _read(api: Client, lookups: Collection[Lookup]) -> dict[str, Any]:
    """The ConfigMaps that are there; an empty one for kube-dns if it runs without."""
    objects = {name: find(api, f"{CONFIG_MAPS}/{name}") for name in config_maps.to_read(lookups)}
    if not any(objects[name] for name in (*KNOWN, KUBE_DNS)) and find(api, f"{DEPLOYMENTS}/{KUBE_DNS}"):
        objects[KUBE_DNS] = {}
    return {name: found for name, found in objects.items() if found is not None}


def _data(objects: Mapping[str, Any]) -> ConfigMaps:
    return {name: found.get("data") or {} for name, found in objects.items()}


def _write(api: Client, name: str, old: Any, data: Mapping[str, str]) -> None:
    """Change just the keys that differ, if the ConfigMap is still as it was read."""
    if not old:
        metadata = {"name": name, "namespace": "kube-system", "labels": OURS}
        send(api, "POST", CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        return
    version = {"resourceVersion": old["metadata"]["resourceVersion"]}
    if not data and OURS.items() <= old["metadata"].get("labels", {}).items():
        send(api, "DELETE", f"{CONFIG_MAPS}/{name}", {"preconditions": version})
        return
    known = old.get("data") or {}
    patch = {key: data.get(key) for key in {**known, **data} if known.get(key) != data.get(key)}
    send(api, "PATCH", f"{CONFIG_MAPS}/{name}", {"metadata": version, "data": patch})


def _restart(api: Client, deployment: str, digest: str | None) -> None:
    """As `kubectl rollout restart` does: without the plugin reload, CoreDNS reads its Corefile only when it starts.

    The digest says what it then reads of ours. With the last federation its annotation goes.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now, CLUSTER_DNS: digest}}}
    send(api, "PATCH", f"{DEPLOYMENTS}/{deployment}", {"spec": {"template": template}})
