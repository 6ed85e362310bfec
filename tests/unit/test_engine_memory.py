"""What the engine remembers of an object ends with it, and what is made anew under its name is told of anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from controllers.engine import reports
from controllers.engine.clusters import COLLECTION as CLUSTERS
from tests.unit.test_engine_controller import MAPS, NAMESPACES, World, world

__all__ = ["world"]

pytestmark = pytest.mark.unit

JOBS = "/apis/batch/v1/jobs"
NAME = "passing"
"""Of all that comes and goes, and of nothing else."""


def memories(thing: Any, path: str, seen: set[int]) -> Iterator[str]:
    """Where NAME stands in the state of the engine, as a path of attributes."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, dict):
        for key, value in list(thing.items()):
            if NAME in repr(key):
                yield f"{path} of {key}"
            yield from memories(value, path, seen)
    elif isinstance(thing, set | frozenset | list | tuple | deque):
        for each in list(thing):
            if isinstance(each, str | tuple) and NAME in repr(each):
                yield f"{path} of {each}"
            yield from memories(each, path, seen)
    elif type(thing).__module__.startswith("controllers.engine"):
        for name, value in vars(thing).items():
            yield from memories(value, f"{path}.{name}", seen)


def of_passing(kind: str = "", **annotations: str) -> dict[str, Any]:
    metadata = {"name": f"{NAME}{kind}", "namespace": NAME, "generation": 1, "annotations": annotations}
    return {"metadata": metadata, "spec": {}}


def test_nothing_of_what_came_and_went_is_kept(world: World) -> None:
    federation, members = world.federation, world.members.values()
    federation.put(NAMESPACES, {"metadata": {"name": NAME}})
    federation.put(JOBS, of_passing())
    federation.put(MAPS, of_passing("-nowhere", **{"federation/clusters": "mordor"}))
    controller = world.start(("ConfigMap", "Job"))
    federation.wait(lambda: all(each.get(JOBS, NAME, NAME) for each in members), "the Job in both")
    for each in members:
        found = each.get(JOBS, NAME, NAME)
        assert found is not None
        each.put(JOBS, found | {"status": {"conditions": [{"type": "Complete", "status": "True"}]}})
    federation.wait(
        lambda: "gondor=Complete, rohan=Complete" in str(federation.get(JOBS, NAME, NAME)),
        "it to have finished in both",
    )
    federation.wait(lambda: len(federation.list(reports.COLLECTION, {})["items"]) == 2, "its reports")
    assert list(memories(controller, "controller", set())) != []
    for collection, name in ((JOBS, NAME), (MAPS, f"{NAME}-nowhere"), (NAMESPACES, NAME)):
        world.delete(collection, "" if collection == NAMESPACES else NAME, name)
    federation.wait(lambda: not federation.get(NAMESPACES, "", NAME), "the Namespace to go")
    for report in federation.list(reports.COLLECTION, {})["items"]:
        federation.remove(reports.COLLECTION, NAME, report["metadata"]["name"])
    federation.wait(lambda: not list(memories(controller, "controller", set())), "it to be forgotten")


def test_one_that_is_made_anew_with_the_same_fault_is_told_of_again(world: World) -> None:
    federation = world.federation

    def told() -> int:
        return sum("mordor" in each for each in world.events())

    world.start()
    world.wait(["1", "1"])
    federation.put(MAPS, of_passing(**{"federation/clusters": "mordor"}))
    federation.wait(lambda: told() == 1, "an Event")
    federation.remove(MAPS, NAME, NAME)
    federation.put(MAPS, of_passing(**{"federation/clusters": "mordor"}))
    federation.wait(lambda: told() == 2, "another one")


def test_nothing_of_a_cluster_that_has_left_is_kept(world: World) -> None:
    federation = world.federation
    federation.put(NAMESPACES, {"metadata": {"name": NAME}})
    federation.put(JOBS, of_passing())
    world.members[NAME] = world.members.pop("gondor")
    federation.remove(CLUSTERS, "", "gondor")
    world.secret(NAME)
    world.reach(NAME, apiEndpoint=world.members[NAME].url)
    controller = world.start(("ConfigMap", "Job"))
    federation.wait(lambda: len(federation.list(reports.COLLECTION, {})["items"]) == 2, "reports of both")
    world.delete(JOBS, NAME, NAME)
    world.delete(NAMESPACES, "", NAME)
    federation.wait(lambda: federation.get(NAMESPACES, "", NAME) is None, "the Namespace to go")
    world.delete(CLUSTERS, "", NAME)
    federation.wait(lambda: federation.get(CLUSTERS, "", NAME) is None, "it to go")
    for report in federation.list(reports.COLLECTION, {})["items"]:
        federation.remove(reports.COLLECTION, NAME, report["metadata"]["name"])
    federation.wait(lambda: not list(memories(controller, "controller", set())), "it to be forgotten")
