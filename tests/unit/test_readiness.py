"""What is said of a Cluster whose creation, update or deletion failed."""

from __future__ import annotations

import json

import pytest

from federation.parts.readiness import report
from tests.unit.test_identity import Answer, api, context

pytestmark = pytest.mark.unit

GONDOR = "/apis/cluster.karmada.io/v1alpha1/clusters/gondor"
SILENT = {"type": "Ready", "status": "False", "reason": "ClusterNotReachable", "message": "no answer"}


@pytest.mark.parametrize(("failed", "said"), [("create", "not Ready"), ("update", "not Ready"), ("delete", "not gone")])
def test_its_conditions_are_told_with_what_did_not_come_of_it(failed: str, said: str) -> None:
    def answer(path: str) -> Answer:
        return (200, json.dumps({"status": {"conditions": [SILENT]}})) if path == GONDOR else (404, "{}")

    with api(answer) as url:
        assert (
            report("gondor", failed, context(url))
            == f"Cluster gondor is {said}: Ready=False (ClusterNotReachable: no answer)"
        )


def test_without_conditions_it_is_the_engine_that_has_not_looked() -> None:
    with api(lambda _: (200, "{}")) as url:
        assert "the engine has not looked at it" in report("gondor", "create", context(url))


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        ("update", "Cluster gondor is Ready; the error of its update says why that failed: Ready=True (A: yes)"),
        ("delete", "Cluster gondor is not gone: Ready=True (A: yes)"),
    ],
)
def test_what_is_refused_of_a_cluster_that_is_ready_does_not_make_it_not_ready(failed: str, said: str) -> None:
    ready = {"type": "Ready", "status": "True", "reason": "A", "message": "yes"}
    with api(lambda _: (200, json.dumps({"status": {"conditions": [ready]}}))) as url:
        assert report("gondor", failed, context(url)) == said


@pytest.mark.parametrize("failed", ["create", "delete"])
def test_one_that_is_not_there_is_neither_not_ready_nor_not_gone(failed: str) -> None:
    with api(lambda _: (404, "{}")) as url:
        said = report("gondor", failed, context(url))
    assert said == f"Cluster gondor is not in the federation API; the error of its {failed} says why that failed"


@pytest.mark.parametrize("failed", ["create", "delete"])
def test_an_api_that_does_not_answer_is_told_and_nothing_is_said_of_the_cluster(failed: str) -> None:
    with api(lambda _: (503, "{}")) as url:
        said = [report("gondor", failed, context(url))]
    said.append(report("gondor", failed, context(url)))
    beginning = f"Cluster gondor: its {failed} failed, and the federation API does not say how it stands: "
    assert [each.startswith(beginning) for each in said] == [True, True]
    assert "503 Service Unavailable" in said[0]
