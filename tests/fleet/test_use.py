"""In the federation, objects are enough: they reach the members, unless somebody says otherwise."""

from __future__ import annotations

import time

import pytest

from lab.fleet.waiting import wait_until
from tests.documented import Shell, commands
from tests.figures import Figures
from tests.fleet.conftest import ENGINE, EXAMPLE, MEMBERS, Federation

BUILTIN = pytest.mark.skipif(ENGINE != "builtin", reason="the status is the built-in engine's")
OWN_SERVICE = ("service", "kubernetes", "-n", "default")


@BUILTIN
def test_the_first_federation_is_used_as_the_page_says(federation: Federation, shell: Shell, figures: Figures) -> None:
    page, start = "first-federation.md", time.monotonic()
    shell.run(commands(page, "Look at it", __file__))
    printed = shell.run(commands(page, "Create something", __file__))
    assert 'deployment "web" successfully rolled out' in printed
    shell.run(commands(page, "Delete it", __file__))
    figures.add("docs/first-federation.md, from the first look to the last deletion", time.monotonic() - start)
    for context in MEMBERS.values():
        _wait_gone(federation, context, "deployment", "web")


def test_a_deployment_and_a_service_are_enough(federation: Federation, figures: Figures) -> None:
    start = time.monotonic()
    federation.clusters.kubectl("fellowship", "apply", "-f", EXAMPLE)
    for context in MEMBERS.values():
        _wait_running(federation, context)
        assert federation.clusters.exists(context, "service", "web")
    figures.add("Deployment applied, until pods ran in both", time.monotonic() - start)


@BUILTIN
def test_a_rollout_ends_when_every_member_has_it_and_a_job_when_every_member_did_it(federation: Federation) -> None:
    kubectl = federation.clusters.kubectl
    kubectl("fellowship", "set", "env", "deployment/web", "ROUND=2")
    kubectl("fellowship", "create", "job", "once", "--image=busybox:1.36", "--", "true")
    kubectl("fellowship", "rollout", "status", "deployment/web", "--timeout=120s")
    for context in MEMBERS.values():
        deployment = federation.clusters.get(context, "deployment", "web")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert {"name": "ROUND", "value": "2"} in container["env"]
        assert [deployment["status"][key] for key in ("replicas", "updatedReplicas", "availableReplicas")] == [1, 1, 1]
    kubectl("fellowship", "wait", "--for=condition=Complete", "job/once", "--timeout=120s")
    for context in MEMBERS.values():
        assert federation.clusters.get(context, "job", "once")["status"]["succeeded"] == 1

    def addresses() -> list[str]:
        balancer = federation.clusters.get("fellowship", "service", "web")["status"].get("loadBalancer", {})
        return [each["ip"] for each in balancer.get("ingress", [])]

    wait_until("the addresses of both", lambda: len(addresses()) == len(MEMBERS), 30)
    kubectl("fellowship", "delete", "job", "once")


@BUILTIN
def test_a_rollout_is_watched_as_the_page_says(federation: Federation, shell: Shell) -> None:
    printed = shell.run(commands("day-2.md", "Watch a rollout", __file__))
    assert 'deployment "web" successfully rolled out' in printed
    assert "web.deployment.rohan" in printed


@BUILTIN
def test_a_report_says_how_each_member_has_it(federation: Federation) -> None:
    def rows() -> list[list[str]]:
        lines = federation.clusters.kubectl("fellowship", "get", "propagations", "--no-headers").splitlines()
        return sorted(line.split() for line in lines)

    expected = [
        [f"web.{kind.lower()}.{member}", kind, member, "True", "True"]
        for kind in ("Deployment", "Service")
        for member in MEMBERS
    ]
    wait_until("all reports to be good", lambda: [row for row in rows() if row[0].startswith("web.")] == expected, 30)


def test_deleting_it_takes_it_from_every_member(federation: Federation) -> None:
    federation.clusters.kubectl("fellowship", "delete", "-f", EXAMPLE)
    for context in MEMBERS.values():
        _wait_gone(federation, context, "deployment", "web")
        _wait_gone(federation, context, "service", "web")


@BUILTIN
def test_its_reports_went_with_it(federation: Federation) -> None:
    def left() -> str:
        return federation.clusters.kubectl("fellowship", "get", "propagations", "-o", "name")

    wait_until("the reports of web to go", lambda: "/web." not in left(), 60)


def test_the_apis_own_service_never_reaches_a_member_not_even_without_its_labels(federation: Federation) -> None:
    before = {context: federation.clusters.get(context, *OWN_SERVICE) for context in MEMBERS.values()}
    federation.clusters.kubectl("fellowship", "label", *OWN_SERVICE, "component-", "provider-", "federation=seen")
    # What comes after it has been seen by the engine after it.
    federation.apply("kind: ConfigMap\napiVersion: v1\nmetadata: {name: after, namespace: default}\n")
    for context in MEMBERS.values():
        _wait_there(federation, context, "configmap", "after")
        assert federation.clusters.get(context, *OWN_SERVICE) == before[context]
    federation.clusters.kubectl("fellowship", "delete", "configmap", "after")


def test_what_is_labelled_so_stays_in_the_federation_api(federation: Federation) -> None:
    federation.apply(
        """
apiVersion: v1
kind: ConfigMap
metadata: {name: stays, namespace: default, labels: {federation/propagate: "false"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: travels, namespace: default}
""",
    )
    for context in MEMBERS.values():
        _wait_there(federation, context, "configmap", "travels")
        # The one that came after it has arrived.
        assert not federation.clusters.exists(context, "configmap", "stays")
    federation.clusters.kubectl("fellowship", "delete", "configmap", "stays", "travels")


@pytest.mark.needs("karmada")
def test_a_policy_of_its_own_has_the_last_word(federation: Federation) -> None:
    federation.apply(
        """
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: only-rohan, namespace: default}
spec:
  resourceSelectors: [{apiVersion: v1, kind: ConfigMap, name: horses}]
  placement: {clusterAffinity: {clusterNames: [rohan]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: horses, namespace: default}
""",
    )
    wait_until("horses in rohan", lambda: federation.clusters.exists(MEMBERS["rohan"], "configmap", "horses"), 30)
    binding = federation.clusters.get("fellowship", "resourcebinding", "horses-configmap", "-n", "default")
    assert [cluster["name"] for cluster in binding["spec"]["clusters"]] == ["rohan"]
    federation.clusters.kubectl("fellowship", "delete", "configmap", "horses")
    federation.clusters.kubectl("fellowship", "delete", "propagationpolicy", "only-rohan")


@pytest.mark.needs("karmada")
def test_a_policy_of_its_own_has_the_last_word_even_when_it_comes_later(federation: Federation) -> None:
    federation.apply("kind: ConfigMap\napiVersion: v1\nmetadata: {name: beacons, namespace: default}\n")
    for context in MEMBERS.values():
        _wait_there(federation, context, "configmap", "beacons")
    federation.apply(
        """
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: only-gondor, namespace: default}
spec:
  resourceSelectors: [{apiVersion: v1, kind: ConfigMap, name: beacons}]
  placement: {clusterAffinity: {clusterNames: [gondor]}}
""",
    )
    _wait_gone(federation, MEMBERS["rohan"], "configmap", "beacons")
    assert federation.clusters.exists(MEMBERS["gondor"], "configmap", "beacons")
    federation.clusters.kubectl("fellowship", "delete", "configmap", "beacons")
    federation.clusters.kubectl("fellowship", "delete", "propagationpolicy", "only-gondor")


@pytest.mark.needs("karmada")
def test_a_policy_that_the_webhooks_refuse_is_refused(federation: Federation) -> None:
    wrong = """
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: wrong, namespace: default}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]
  placement: {spreadConstraints: [{spreadByField: cluster, minGroups: 3, maxGroups: 1}]}
"""
    done = federation.apply(wrong, check=False)
    assert done.returncode != 0
    assert "propagationpolicy.karmada.io" in done.stderr


def _wait_there(federation: Federation, context: str, kind: str, name: str) -> None:
    wait_until(f"{kind} {name} in {context}", lambda: federation.clusters.exists(context, kind, name), 30)


def _wait_gone(federation: Federation, context: str, kind: str, name: str) -> None:
    wait_until(f"{kind} {name} to go from {context}", lambda: not federation.clusters.exists(context, kind, name), 60)


def _wait_running(federation: Federation, context: str) -> None:
    wait_until(f"web to run in {context}", lambda: _ready_pods(federation, context) == 1, 60)


def _ready_pods(federation: Federation, context: str) -> int:
    pods = federation.clusters.get(context, "pods", "-n", "default", "-l", "app=web")["items"]
    return sum(
        condition["status"] == "True"
        for pod in pods
        # One that ends is ready for half a minute more.
        if "deletionTimestamp" not in pod["metadata"]
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready"
    )
