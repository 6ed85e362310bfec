"""What `kubectl get ... -o json` says, asked in this process: kubectl takes a tenth of a second of a processor."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from federation.clusters.connection import TIMEOUT, connect, find
from federation.settings.kubeconfig import Kubeconfig, load, pick, server
from kube.client import Client

Json = dict[str, Any]
DISCOVERY = "application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList"
"""Asks for all resources of all groups at once (k8s.io/api/apidiscovery/v2)."""

_arguments = argparse.ArgumentParser("get", add_help=False, exit_on_error=False)
_arguments.add_argument("kinds")
_arguments.add_argument("name", nargs="?")
_arguments.add_argument("-n", dest="namespace", default="default")
_arguments.add_argument("-A", "--all-namespaces", action="store_true")
_arguments.add_argument("-l", dest="labelSelector")
_arguments.add_argument("--field-selector", dest="fieldSelector")


@dataclass(frozen=True)
class Resource:
    """Where an API server has the objects of a kind."""

    version: str
    """Path of the group's version."""
    plural: str
    namespaced: bool

    def path(self, namespace: str | None) -> str:
        """Of all objects in a namespace, or in all of them."""
        within = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.version}{within}/{self.plural}"


def look(kubeconfig: Path, context: str, *what: str) -> Json | None:
    """The object of this kind and name, None where there is none; without a name a list, of one kind or of several.

    `what` are arguments of `kubectl get`. Raises ApiError for what is refused, ValueError for a kind that the API has
    not, urllib3's HTTPError where there is no answer.
    """
    asked = _arguments.parse_args(what)
    namespace = None if asked.all_namespaces else asked.namespace
    known = _known(kubeconfig, kubeconfig.stat().st_mtime_ns, context)
    with connect(known) as api:
        resources = [_resource(api, server(known), kind) for kind in asked.kinds.split(",")]
        if asked.name:
            (resource,) = resources
            found = find(api, f"{resource.path(namespace)}/{asked.name}")
            return found and _shown(found)
        chosen = {key: text for key in ("labelSelector", "fieldSelector") if (text := getattr(asked, key))}
        return {"items": [each for one in resources for each in _listed(api, one.path(namespace), chosen)]}


@functools.cache
def _known(kubeconfig: Path, _written: int, context: str) -> Kubeconfig:
    return pick(load([kubeconfig]), context)


def _listed(api: Client, path: str, chosen: Mapping[str, str]) -> list[Json]:
    found = api.ask("GET", path, query=chosen, seconds=TIMEOUT)
    of_all = {"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List")}
    return [_shown(of_all | each) for each in found["items"]]


def _shown(item: Json) -> Json:
    item["metadata"].pop("managedFields", None)
    return item


_resources: dict[str, dict[str, Resource]] = {}
"""By server, and by each name that kubectl knows a kind by."""


def _resource(api: Client, url: str, kind: str) -> Resource:
    kind = kind.lower()  # As kubectl does.
    # An API may have got the kind since, or be another one at the same address.
    if kind not in _resources.get(url, {}):
        _resources[url] = _discovered(api)
    if kind not in _resources[url]:
        raise ValueError(f"{url} has no {kind}")
    return _resources[url][kind]


def _discovered(api: Client) -> dict[str, Resource]:
    """A kind is asked for in the first version of its group that has it, which is the one that the API prefers."""
    found: dict[str, Resource] = {}
    for root in ("/api", "/apis"):
        for group in api.ask("GET", root, accept=DISCOVERY, seconds=TIMEOUT)["items"]:
            name = group["metadata"].get("name", "")
            for version in group["versions"]:
                path = "/".join(filter(None, (root, name, version["version"])))
                for each in version.get("resources", ()):
                    where = Resource(path, each["resource"], each["scope"] == "Namespaced")
                    for alias in (each["resource"], each["singularResource"], *each.get("shortNames", ())):
                        found.setdefault(alias, where)
                        found.setdefault(f"{alias}.{name}", where)
    return found
