"""Jobs that have finished in a member, and are gone there before they have in the others."""

from __future__ import annotations

import pytest

from controllers.engine import aggregator
from tests.kube_api import Json
from tests.unit.test_engine_controller import World, world

__all__ = ["world"]

pytestmark = pytest.mark.unit

JOBS = "/apis/batch/v1/jobs"


def finish(world: World, member: str, condition: str) -> None:
    found = world.members[member].get(JOBS, "shire", "errand")
    assert found is not None
    status = {"startTime": "2026-01-01T00:00:00Z", "conditions": [{"type": condition, "status": "True"}]}
    world.members[member].put(JOBS, found | {"status": status})


@pytest.mark.parametrize("condition", ["Complete", "Failed"])
def test_one_that_is_gone_where_it_has_finished_counts_when_the_engine_is_another_one(
    world: World, monkeypatch: pytest.MonkeyPatch, condition: str
) -> None:
    monkeypatch.setattr(aggregator, "PATIENCE_SECONDS", 0.5)
    federation, gondor, rohan = world.federation, world.members["gondor"], world.members["rohan"]

    def job() -> Json:
        return federation.get(JOBS, "shire", "errand") or {}

    federation.put(JOBS, {"metadata": {"name": "errand", "namespace": "shire", "generation": 1}, "spec": {}})
    world.start(("ConfigMap", "Job"))
    federation.wait(lambda: all(each.get(JOBS, "shire", "errand") for each in (gondor, rohan)), "it in both")
    finish(world, "gondor", condition)
    federation.wait(lambda: f"gondor={condition}" in str(job()["metadata"].get("annotations")), "the note")
    gondor.remove(JOBS, "shire", "errand")
    world.restart("ConfigMap", "Job")
    world.wait(["1", "1"])
    finish(world, "rohan", "Complete")

    def true() -> set[str]:
        conditions = job().get("status", {}).get("conditions", [])
        return {each["type"] for each in conditions if each["status"] == "True"}

    federation.wait(lambda: condition in true(), "the condition")
    assert not {"Complete", "Failed"} <= true()
    assert gondor.get(JOBS, "shire", "errand") is None


def test_one_that_has_finished_while_no_engine_looked_is_noted_though_the_member_tells_it_first(world: World) -> None:
    federation, gondor = world.federation, world.members["gondor"]
    federation.put(JOBS, {"metadata": {"name": "errand", "namespace": "shire", "generation": 1}, "spec": {}})
    world.start(("ConfigMap", "Job"))
    federation.wait(lambda: all(each.get(JOBS, "shire", "errand") for each in world.members.values()), "it in both")
    world.end()
    finish(world, "gondor", "Complete")
    federation.broken.add(JOBS)
    gondor.requests.clear()
    world.restart("ConfigMap", "Job")
    gondor.wait(lambda: any("jobs?" in path and "watch" in path for _, path in gondor.requests), "it to be followed")
    federation.wait(lambda: world.controller._finished, "word of it")
    federation.broken.clear()
    federation.wait(lambda: "gondor=Complete" in str(federation.get(JOBS, "shire", "errand")), "the note")
    federation.wait(lambda: not world.controller._finished, "nothing to be left to write")
