"""What is said of a Cluster whose creation, update or deletion failed."""

from __future__ import annotations

import json

import pytest

from federation.readiness import report
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


def test_an_api_that_does_not_answer_is_told_too() -> None:
    with api(lambda _: (404, "{}")) as url:
        said = report("gondor", "delete", context(url))
    assert said.startswith("Cluster gondor is not gone, and the federation API does not say why: (404)")
    assert report("gondor", "create", context(url)).startswith("Cluster gondor is not Ready, and the federation API")
