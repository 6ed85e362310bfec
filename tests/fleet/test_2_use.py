"""What users do with a federation."""

from __future__ import annotations

import os
import subprocess
import time

from embedded.stack import CHECKOUT
from fleet.waiting import wait_until
from tests.figures import Figures
from tests.fleet.conftest import MEMBERS, Federation

EXAMPLE = str(CHECKOUT / "examples" / "web.yaml")


def test_a_deployment_with_a_policy_runs_in_every_member(federation: Federation, figures: Figures) -> None:
    start = time.monotonic()
    federation.clusters.kubectl("fellowship", "apply", "-f", EXAMPLE)
    for context in MEMBERS.values():
        wait_until(f"web to run in {context}", lambda context=context: _ready_pods(federation, context) == 1, 60)  # type: ignore[misc]
    figures.add("Deployment and policy, until pods ran", time.monotonic() - start)


def test_deleting_it_takes_it_from_every_member(federation: Federation) -> None:
    federation.clusters.kubectl("fellowship", "delete", "-f", EXAMPLE)
    for context in MEMBERS.values():
        wait_until(
            f"web to go from {context}",
            lambda context=context: not federation.clusters.exists(context, "deployment", "web"),  # type: ignore[misc]
            60,
        )


def test_a_policy_that_the_webhooks_refuse_is_refused(federation: Federation) -> None:
    wrong = """
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: wrong, namespace: default}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]
  placement: {spreadConstraints: [{spreadByField: cluster, minGroups: 3, maxGroups: 1}]}
"""
    command = ["kubectl", "--kubeconfig", str(federation.clusters.kubeconfig), "--context", "fellowship", "apply"]
    environment = os.environ | federation.stack.environment()
    done = subprocess.run(
        [*command, "-f", "-"], input=wrong, env=environment, text=True, capture_output=True, check=False
    )
    assert done.returncode != 0
    assert "propagationpolicy.karmada.io" in done.stderr


def _ready_pods(federation: Federation, context: str) -> int:
    pods = federation.clusters.get(context, "pods", "-n", "default", "-l", "app=web")["items"]
    return sum(
        condition["status"] == "True"
        for pod in pods
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready"
    )
