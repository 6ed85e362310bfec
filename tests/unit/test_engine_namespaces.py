"""Namespaces: what is in them waits for them, and one that was made in a member goes only where all in it is ours."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.engine.clusters import COLLECTION as CLUSTERS
from federation.settings.keys import PROPAGATE
from tests.unit.test_engine_controller import MAPS, NAMESPACES, SECRETS, World, world
from tests.unit.test_engine_take_back import ours

__all__ = ["world"]

pytestmark = pytest.mark.unit

DEPLOYMENTS, REPLICA_SETS, PODS = "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets", "/api/v1/pods"
ROLLOUT = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "roll", "uid": "2", "controller": True}
DATABASE = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "db", "uid": "1", "controller": True}


def theirs(name: str, *owners: dict[str, Any]) -> dict[str, Any]:
    """What somebody made in the member, or his operator did."""
    return {"metadata": {"name": name, "namespace": "shire", "ownerReferences": list(owners)}}


def end(world: World) -> None:
    """Deletes the Namespace in the federation API, with what is in it, as its controller does."""
    world.delete(NAMESPACES, "", "shire")
    world.delete(MAPS, "shire", "ring")
    world.federation.wait(lambda: world.federation.get(NAMESPACES, "", "shire") is None, "the Namespace to go here")


def marks(world: World, member: str = "gondor") -> bool | None:
    """Whether the Namespace has our marks in the member; None if it is gone."""
    found = world.members[member].get(NAMESPACES, "", "shire")
    return None if found is None else "federation" in str(found["metadata"])


AROUND = (
    "/api/v1/resourcequotas",
    "/api/v1/limitranges",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/policy/v1/poddisruptionbudgets",
    "/apis/autoscaling/v2/horizontalpodautoscalers",
)
"""What people put around workloads."""


@pytest.mark.parametrize(
    ("collection", "obj"),
    [
        (SECRETS, theirs("default")),
        (MAPS, theirs("default")),
        (DEPLOYMENTS, theirs("kube-root-ca.crt")),
        (SECRETS, theirs("db-app", DATABASE)),
        (PODS, theirs("db-1", DATABASE)),
        (PODS, theirs("roll-5d9-x", {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "roll-5d9", "uid": "3"})),
        *((collection, theirs("around")) for collection in AROUND),
    ],
)
def test_it_stays_where_somebody_else_has_something_in_it(world: World, collection: str, obj: dict[str, Any]) -> None:
    world.start()
    world.wait(["1", "1"])
    world.members["gondor"].put(REPLICA_SETS, theirs("roll-5d9", ROLLOUT))
    world.members["gondor"].put(collection, obj)
    end(world)
    assert (marks(world), marks(world, "rohan")) == (False, None)


def test_it_goes_with_what_each_namespace_has_and_with_what_was_made_of_ours(world: World) -> None:
    gondor = world.members["gondor"]
    world.federation.put(DEPLOYMENTS, {"metadata": {"name": "web", "namespace": "shire"}, "spec": {}})
    world.start(("ConfigMap", "Deployment"))
    world.wait(["1", "1"])
    gondor.wait(lambda: gondor.get(DEPLOYMENTS, "shire", "web"), "the Deployment")
    gondor.put(MAPS, theirs("kube-root-ca.crt"))
    gondor.put("/api/v1/serviceaccounts", theirs("default"))
    of_ours = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d9", "uid": "2", "controller": True}
    world.delete(DEPLOYMENTS, "shire", "web")
    # Its pods end later than the Deployment.
    gondor.put(PODS, theirs("web-5d9-x", of_ours))
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "1"}
    gondor.put(REPLICA_SETS, theirs("web-5d9", web))
    end(world)
    assert marks(world) is None


def test_where_it_may_not_look_at_what_is_around_workloads_it_goes(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    for collection in AROUND:
        group, _, plural = collection.rpartition("/")
        world.members["gondor"].forbidden.add(f"{group}/namespaces/shire/{plural}")
    end(world)
    assert marks(world) is None


def test_an_orphan_does_not_go_with_it(world: World) -> None:
    world.members["gondor"].put(MAPS, ours(world, "lost"))
    world.start()
    world.wait(["1", "1"])
    end(world)
    assert (marks(world), marks(world, "rohan")) == (False, None)
    assert world.value("gondor", "lost") == "orphan"


def test_a_member_that_leaves_keeps_it_until_what_is_to_stay_in_it_has_lost_its_marks(world: World) -> None:
    gondor = world.members["gondor"]
    gondor.put(MAPS, ours(world, "lost"))
    world.start()
    world.wait(["1", "1"])
    gondor.refused_methods.add(("PATCH", MAPS))
    world.delete(CLUSTERS, "", "gondor")
    world.federation.wait(lambda: world.condition("gondor", "Left").get("reason") == "NotTakenBack", "the condition")
    assert marks(world) is True
    gondor.refused_methods.clear()
    world.federation.wait(lambda: world.federation.get(CLUSTERS, "", "gondor") is None, "gondor to go")
    assert (marks(world), world.value("gondor", "lost")) == (False, "orphan")


def test_what_a_member_that_was_away_owes_goes_with_its_namespace(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    world.members["gondor"].stop()
    world.wait_for_ready("gondor", "False")
    end(world)
    world.members["gondor"].start()
    world.wait([None, None])
    world.federation.wait(lambda: marks(world) is None, "the Namespace to go")


def test_what_is_in_default_is_carried_and_default_is_not(world: World) -> None:
    for each in (world.federation, *world.members.values()):
        each.put(NAMESPACES, {"metadata": {"name": "default"}})
    world.federation.put(MAPS, {"metadata": {"name": "gate", "namespace": "default"}, "data": {"value": "1"}})
    world.start()
    members = world.members.values()
    world.federation.wait(lambda: all(each.get(MAPS, "default", "gate") for each in members), "it in both")
    assert not any("federation" in str(each.get(NAMESPACES, "", "default")) for each in members)


def test_what_is_in_one_that_somebody_edits_meanwhile_is_carried(world: World) -> None:
    federation, edits = world.federation, iter("12")
    there = federation.answer

    def edited_first(method: str, path: str, body: Any, content: str = "") -> tuple[int, Any]:
        if (method, path) == ("PATCH", f"{NAMESPACES}/bree") and (edit := next(edits, "")):
            found = federation.get(NAMESPACES, "", "bree")
            assert found is not None
            found["metadata"]["labels"] = {"edit": edit}
            federation.put(NAMESPACES, found)
        return there(method, path, body, content)

    federation.answer = edited_first  # type: ignore[method-assign]
    world.start()
    world.wait(["1", "1"])
    federation.put(NAMESPACES, {"metadata": {"name": "bree"}})
    federation.put(MAPS, {"metadata": {"name": "inn", "namespace": "bree"}, "data": {"value": "1"}})
    federation.wait(lambda: all(each.get(MAPS, "bree", "inn") for each in world.members.values()), "it in both", 10)
    assert next(edits, "") == ""


def test_what_is_in_one_that_stays_at_home_stays_there_and_is_taken_back(world: World) -> None:
    federation, members = world.federation, world.members.values()
    home = {"name": "bree", "labels": {PROPAGATE: "false"}}
    federation.put(NAMESPACES, {"metadata": home})
    federation.put(MAPS, {"metadata": {"name": "inn", "namespace": "bree"}, "data": {"value": "1"}})
    for each in members:
        each.put(NAMESPACES, {"metadata": {"name": "bree"}})
    world.start()
    world.wait(["1", "1"])
    assert not any("/bree" in path for each in members for _, path in each.requests)
    federation.put(NAMESPACES, {"metadata": {**home, "labels": {}}})
    federation.wait(lambda: all(each.get(MAPS, "bree", "inn") for each in members), "it in both")
    federation.wait(lambda: "finalizers" in (federation.get(NAMESPACES, "", "bree") or {})["metadata"], "its hold")
    found = federation.get(NAMESPACES, "", "bree")
    assert found is not None
    federation.put(NAMESPACES, found | {"metadata": found["metadata"] | {"labels": {PROPAGATE: "false"}}})
    federation.wait(lambda: not any(each.get(MAPS, "bree", "inn") for each in members), "it to go from both")
    federation.wait(lambda: not (federation.get(MAPS, "bree", "inn") or {})["metadata"]["finalizers"], "its release")
    assert all(each.get(NAMESPACES, "", "bree") for each in members)


@pytest.mark.parametrize("key", ["federation/clusters", "federation/cluster-selector"])
def test_one_is_wherever_something_in_it_is_and_is_told_that_its_annotations_say_nothing(
    world: World, key: str
) -> None:
    text = f"{key} on a Namespace says nothing: it is wherever something in it is"
    shire = {"name": "shire", "annotations": {key: "rohan"}}
    world.federation.put(NAMESPACES, {"metadata": shire})
    world.start()
    world.wait(["1", "1"])
    world.federation.wait(lambda: text in world.events(), "an Event")
    world.write("ring", "2")
    world.wait(["2", "2"])
    found = world.federation.get(NAMESPACES, "", "shire")
    assert found is not None
    world.federation.put(NAMESPACES, found | {"metadata": found["metadata"] | {"annotations": {key: "gondor"}}})
    world.write("ring", "3", clusters="gondor")
    world.wait(["3", None])
    assert world.events().count(text) == 1
