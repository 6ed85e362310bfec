"""Whose word the replicas in a member are: the federation's, or that of who scales there."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.engine import scaling
from tests.kube_api import ApiServer
from tests.unit.test_engine_controller import DEPLOYMENTS, World, world
from tests.unit.test_engine_give_way import AUTOSCALERS

__all__ = ["world"]

pytestmark = pytest.mark.unit

Json = dict[str, Any]
BY_HAND = {
    "manager": "kubectl",
    "operation": "Update",
    "subresource": "scale",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}

BY_AUTOSCALER = BY_HAND | {"manager": "kube-controller-manager"}


def web(replicas: int, *managers: Json, paused: bool = False, **annotations: str) -> Json:
    metadata = {"name": "web", "namespace": "shire", "managedFields": list(managers)}
    told = {f"federation/{key}": text for key, text in annotations.items()}
    return {"metadata": metadata | {"annotations": told}, "spec": {"replicas": replicas, "paused": paused}}


def spec(server: ApiServer) -> Json | None:
    found = server.get(DEPLOYMENTS, "shire", "web")
    return found and found["spec"]


def change(server: ApiServer, spec: Json, *managers: Json) -> None:
    """As somebody in that cluster does: what else is on the object stays."""
    old = server.get(DEPLOYMENTS, "shire", "web")
    assert old is not None
    server.put(DEPLOYMENTS, old | {"metadata": old["metadata"] | {"managedFields": list(managers)}, "spec": spec})


def autoscale(server: ApiServer) -> None:
    aim = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    server.put(AUTOSCALERS, {"metadata": {"name": "web", "namespace": "shire"}, "spec": {"scaleTargetRef": aim}})


@pytest.mark.parametrize("managers", [[], [BY_AUTOSCALER]])
def test_replicas_are_the_federations_again_when_the_autoscaler_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch, managers: list[Json]
) -> None:
    monkeypatch.setattr(scaling, "LONGEST_PAUSE", 0.5)
    gondor = world.members["gondor"]

    world.federation.put(DEPLOYMENTS, web(2))
    world.start(["Deployment"])
    gondor.wait(lambda: spec(gondor) == {"replicas": 2, "paused": False}, "the Deployment")
    autoscale(gondor)
    change(gondor, {"replicas": 5, "paused": False}, *managers)
    change(world.federation, {"replicas": 2, "paused": True})
    gondor.wait(lambda: spec(gondor) == {"replicas": 5, "paused": True}, "what is not the autoscaler's")
    asked = len(gondor.requests)
    gondor.wait(lambda: sum("autoscalers" in path for _, path in gondor.requests[asked:]) > 1, "two more looks")
    assert not [path for method, path in gondor.requests[asked:] if method == "PATCH"]
    gondor.remove(AUTOSCALERS, "shire", "web")
    gondor.wait(lambda: spec(gondor) == {"replicas": 2, "paused": True}, "the federation's number")


@pytest.mark.parametrize(("managers", "autoscaled", "expected"), [([BY_HAND], False, 5), ([], True, 5), ([], False, 2)])
def test_what_is_taken_over_keeps_the_replicas_of_who_scales_it(
    world: World, managers: list[Json], autoscaled: bool, expected: int
) -> None:
    gondor = world.members["gondor"]
    gondor.put(DEPLOYMENTS, web(5, *managers))
    if autoscaled:
        autoscale(gondor)
    world.federation.put(DEPLOYMENTS, web(2, paused=True, adopt="true"))
    world.start(["Deployment"])
    gondor.wait(lambda: spec(gondor) == {"replicas": expected, "paused": True}, "it to be taken over")


def test_what_was_scaled_unseen_keeps_its_replicas(world: World) -> None:
    gondor = world.members["gondor"]
    world.federation.put(DEPLOYMENTS, web(2))
    world.start(["Deployment"])
    gondor.wait(lambda: spec(gondor), "the Deployment")
    seen = sum(method == "PATCH" for method, _ in gondor.requests)
    gondor.silent = True
    change(gondor, {"replicas": 5, "paused": False}, BY_HAND)
    change(world.federation, {"replicas": 2, "paused": True})
    gondor.wait(lambda: spec(gondor) == {"replicas": 5, "paused": True}, "all but the replicas")
    assert sum(method == "PATCH" for method, _ in gondor.requests) == seen + 2  # The first was refused.


def test_what_an_autoscaler_wrote_is_left_where_we_may_not_ask_for_autoscalers(world: World) -> None:
    gondor = world.members["gondor"]
    gondor.forbidden.add("/apis/autoscaling/v2/namespaces/shire/horizontalpodautoscalers")
    gondor.put(DEPLOYMENTS, web(5, BY_AUTOSCALER))
    world.federation.put(DEPLOYMENTS, web(2, paused=True, adopt="true"))
    world.start(["Deployment"])
    gondor.wait(lambda: spec(gondor) == {"replicas": 5, "paused": True}, "all but the replicas")
