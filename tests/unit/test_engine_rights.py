"""The engine asks for no more than its rights allow, and its rights allow no more than it asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import pytest

from controllers.engine import reports
from controllers.engine.clusters import COLLECTION as CLUSTERS
from federation.engine.builtin import rules
from federation.settings import access
from federation.settings.access import Rule
from tests.kube_api import ApiServer
from tests.unit.test_engine_controller import MAPS, NAMESPACES, OWN, World, world

__all__ = ["world"]

pytestmark = pytest.mark.unit

Right = tuple[str, str, str]
"""Verb, API group, and resource with its subresource; of what is no resource, the verb and its path."""

OBJECT = re.compile(
    r"/apis?(/(?P<group>[^/]+\.[^/]+|apps|batch|policy|autoscaling))?/v[0-9a-z]+(/namespaces/(?P<namespace>[^/]+))?/(?P<kind>[a-z]+)"
    r"(/(?P<name>[^/]+))?(/(?P<sub>status))?"
)
VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}


def used(server: ApiServer) -> set[Right]:
    found = set()
    for method, path in server.requests:
        url = urlsplit(path)
        match = OBJECT.fullmatch(url.path)
        if match is None:
            found.add((method.lower(), "", url.path))
            continue
        verb = "get" if match["name"] else "watch" if "watch" in parse_qs(url.query) else "list"
        resource = f"{match['kind']}{'/' + match['sub'] if match['sub'] else ''}"
        found.add((VERBS.get(method, verb), match["group"] or "", resource))
    return found


def given(*granted: Sequence[Rule]) -> set[Right]:
    found = set()
    for rule in (each for several in granted for each in several):
        for verb in rule["verbs"]:
            found |= {(verb, group, each) for group in rule.get("api_groups", ()) for each in rule.get("resources", ())}
            found |= {(verb, "", path) for path in rule.get("non_resource_urls", ())}
    return found


def of_other_kinds(rights: set[Right]) -> set[Right]:
    """Rights on the kinds that this world has none of: what it does with one it does with each."""
    others = {*access.RESOURCES.values()} - {access.RESOURCES["ConfigMap"], access.RESOURCES["Secret"]}
    return {right for right in rights if right[1:] in others}


def test_its_rights_are_what_it_uses(world: World) -> None:
    world.members["rohan"].put(NAMESPACES, {"metadata": {"name": "bree"}})
    world.members["rohan"].put(MAPS, {"metadata": {"name": "pony", "namespace": "bree"}})
    world.federation.put(NAMESPACES, {"metadata": {"name": "bree"}})
    world.federation.put(MAPS, {"metadata": {"name": "pony", "namespace": "bree"}})
    # A pod that ends later than its Deployment, which the federation had brought.
    of_replica_set = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d9", "uid": "1"}
    pod = {"name": "web-5d9-x", "namespace": "shire", "ownerReferences": [of_replica_set]}
    world.members["gondor"].put("/api/v1/pods", {"metadata": pod})
    world.start()
    world.wait(["1", "1"])
    world.federation.wait(world.events, "an Event")
    # It is written a moment later, and goes with its object.
    world.federation.wait(lambda: world.federation.list(reports.COLLECTION, {})["items"], "a report")
    world.delete(MAPS, "shire", "ring")
    world.wait([None, None])
    for member in world.members:
        cluster = world.federation.get(CLUSTERS, "", member)
        assert cluster is not None
        cluster["metadata"]["annotations"] = {"federation/keep-workloads": str(member == "rohan").lower()}
        world.federation.put(CLUSTERS, cluster)
        world.delete(CLUSTERS, "", member)
    world.federation.wait(lambda: not world.federation.list(CLUSTERS, {})["items"], "both to leave")

    here = given(rules.everywhere(["ConfigMap"]), rules.CREDENTIALS)
    assert used(world.federation) <= here
    unused = here - used(world.federation) - of_other_kinds(here)
    # A Secret is not carried in this world; that one is listed shows that it was looked for as a dropped kind.
    # Of an apply where nothing is there, the API asks for both.
    apply = {("create", "engine.federation", "propagations")}
    assert unused == {("watch", "", "secrets"), ("patch", "", "secrets"), *apply}
    assert OWN in str(world.federation.requests)

    there = given(access.BUILTIN.full)
    asked = set().union(*map(used, world.members.values()))
    assert asked <= there
    unused = {each for each in there - asked - of_other_kinds(there) if each[2] != "secrets"}
    assert unused == {("create", "", "namespaces"), ("create", "", "configmaps")}
