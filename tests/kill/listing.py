"""What is in a cluster, by name, without what comes and goes by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from lab.fleet.waiting import FleetError, wait_until
from tests.fleet.conftest import Clusters

Listing = Counter[str]

PASSING = {
    "bindings",
    "componentstatuses",
    "controllerrevisions.apps",
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "events",
    "events.events.k8s.io",
    "ipaddresses.networking.k8s.io",
    "leases.coordination.k8s.io",
    "replicasets.apps",
}
"""Kinds whose objects are named at random, or are notes that are left to expire."""
CANARY = "canary"
SETTLED_WITHIN = 120
"""Seconds that controllers may take to follow what Pulumi did."""


def listing(clusters: Clusters, context: str) -> Listing:
    """How many objects there are of each kind, namespace and name; pods by their label `app`, volumes by kind alone."""
    kinds = set(clusters.kubectl(context, "api-resources", "--verbs=list", "-o", "name").split()) - PASSING
    # Asked for by kinds one knows of, and not all of them at once, as one that cannot be served would hide the others.
    objects = clusters.get(context, ",".join(sorted(kinds)), "--all-namespaces")["items"]
    return Counter(name for name in map(_name, objects) if name)


def settles_as(wanted: dict[str, Listing], found: Callable[[], dict[str, Listing]]) -> None:
    """Return once each cluster holds what is wanted there; else say what is missing and what is too much."""
    now: dict[str, Listing] = {}

    def same() -> bool:
        now.update(found())
        return now == wanted

    try:
        wait_until("the clusters to hold what they should", same, SETTLED_WITHIN)
    except FleetError as late:
        lines = [
            f"  {context}: {sign} {name}"
            for context in wanted
            for sign, names in (
                ("missing", wanted[context] - now[context]),
                ("too much", now[context] - wanted[context]),
            )
            for name in names.elements()
        ]
        raise AssertionError("\n".join([str(late), *lines])) from None


def _name(item: dict[str, Any]) -> str | None:
    metadata = item["metadata"]
    name = metadata["name"]
    if name.startswith(CANARY):
        return None
    if item["kind"] == "Pod":
        gone = metadata.get("deletionTimestamp") or item["status"].get("phase") in ("Succeeded", "Failed")
        name = None if gone else metadata.get("labels", {}).get("app", name)
    if item["kind"] == "PersistentVolume":
        name = "(any)"
    return name and f"{item['kind']} {metadata.get('namespace', '')}/{name}"
