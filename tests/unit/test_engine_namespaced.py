"""A member that lets us into some of its namespaces alone."""

from __future__ import annotations

import pytest

from controllers.engine.clusters import COLLECTION as CLUSTERS
from federation.settings.keys import NAMESPACES
from tests.kube_api import ApiServer
from tests.unit.test_engine_controller import MAPS, World, world
from tests.unit.test_engine_controller import NAMESPACES as NAMESPACE_OBJECTS
from tests.unit.test_engine_take_back import ours

__all__ = ["world"]

pytestmark = pytest.mark.unit


def within(world: World, *namespaces: str) -> ApiServer:
    """Has gondor take what is in these namespaces alone."""
    for name in namespaces:
        world.members["gondor"].put(NAMESPACE_OBJECTS, {"metadata": {"name": name}})
    cluster = world.federation.get(CLUSTERS, "", "gondor")
    assert cluster is not None
    cluster["metadata"]["annotations"] = {NAMESPACES: ",".join(namespaces)}
    world.federation.put(CLUSTERS, cluster)
    return world.members["gondor"]


def test_a_kind_that_is_refused_in_one_of_two_namespaces_stays_so_whatever_is_seen_in_the_other(world: World) -> None:
    gondor = within(world, "shire", "bree")
    gondor.forbidden.add("/api/v1/namespaces/bree/configmaps")
    world.start()
    world.wait(["1", "1"])
    said = []
    world.federation.wait(lambda: world.condition("gondor", "AccessGranted").get("status") == "False", "the condition")
    for value in ("2", "3", "4"):
        world.write("ring", value)
        world.wait([value, value])
        said.append(world.condition("gondor", "AccessGranted")["status"])
    assert set(said) == {"False"}
    assert sum("does not let us follow" in event for event in world.events()) == 1
    gondor.forbidden.clear()
    world.federation.wait(lambda: world.condition("gondor", "AccessGranted").get("status") == "True", "all well", 30)


def test_orphans_are_told_of_though_a_kind_is_refused_in_all_namespaces(world: World) -> None:
    gondor = within(world, "shire", "bree")
    gondor.put(MAPS, ours(world, "lost"))
    gondor.forbidden |= {f"/api/v1/namespaces/{each}/services" for each in ("shire", "bree")}
    world.start(("ConfigMap", "Service"))
    world.federation.wait(lambda: world.condition("gondor", "Orphans").get("status") == "True", "the condition")


def test_into_a_namespaced_member_goes_what_is_in_its_namespaces_and_nothing_else_is_asked_for(world: World) -> None:
    gondor = within(world, "shire", "bree")
    world.federation.put(NAMESPACE_OBJECTS, {"metadata": {"name": "moria"}})
    world.federation.put(MAPS, {"metadata": {"name": "deep", "namespace": "moria"}, "data": {"value": "1"}})
    gondor.forbidden |= {MAPS, NAMESPACE_OBJECTS}
    world.start()
    world.wait(["1", "1"])
    rohan = world.members["rohan"]
    world.federation.wait(lambda: rohan.get(MAPS, "moria", "deep"), "it in rohan")
    told = 'gondor takes nothing in the namespace "moria": access to it is for shire, bree alone'
    world.federation.wait(lambda: told in world.events(), "an Event")
    found = gondor.get(MAPS, "shire", "ring")
    assert found is not None
    gondor.put(MAPS, found | {"data": {"value": "stolen"}})
    world.wait(["1", "1"])
    for name, namespace in (("deep", "moria"), ("ring", "shire")):
        world.delete(MAPS, namespace, name)
    world.federation.wait(lambda: world.federation.get(MAPS, "moria", "deep") is None, "it to go")
    world.wait([None, None])
    asked = [path for _, path in gondor.requests if path not in ("/readyz", "/version") and "/nodes" not in path]
    assert [path for path in asked if "/namespaces/shire/" not in path and "/namespaces/bree/" not in path] == []
    assert world.condition("gondor", "AccessGranted") == {}


def test_what_is_in_a_namespace_that_is_allowed_now_arrives_and_what_was_before_is_put_back(world: World) -> None:
    gondor = within(world, "shire")
    world.federation.put(NAMESPACE_OBJECTS, {"metadata": {"name": "bree"}})
    world.federation.put(MAPS, {"metadata": {"name": "inn", "namespace": "bree"}, "data": {"value": "1"}})
    world.start()
    world.wait(["1", "1"])
    world.federation.wait(lambda: world.members["rohan"].get(MAPS, "bree", "inn"), "it in rohan")
    assert gondor.get(MAPS, "bree", "inn") is None
    gondor.put(NAMESPACE_OBJECTS, {"metadata": {"name": "bree"}})
    cluster = world.federation.get(CLUSTERS, "", "gondor")
    assert cluster is not None
    cluster["metadata"]["annotations"] = {NAMESPACES: "shire,bree"}
    world.federation.put(CLUSTERS, cluster)
    world.federation.wait(lambda: gondor.get(MAPS, "bree", "inn"), "it in gondor")
    gondor.remove(MAPS, "shire", "ring")
    world.wait(["1", "1"])
