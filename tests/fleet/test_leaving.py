"""A member leaves, as if it had never been there; joins again; leaves with its workloads running on; joins again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event

import pytest
from dns.exception import DNSException

from federation.settings.keys import CARRIED_BY
from lab.federation import UNATTENDED
from lab.fleet.waiting import wait_until
from lab.stack import CHECKOUT
from lab.zone import Zone
from tests.figures import Figures
from tests.fleet.conftest import MEMBERS, Clusters, Federation
from tests.fleet.settings import TTL, Member, converge, set_members

EXAMPLE = str(CHECKOUT / "examples" / "web.yaml")
ROHAN = MEMBERS["rohan"]
ACCESS = ("namespaces,serviceaccounts,clusterroles,clusterrolebindings", "-A")
ADOPT = "federation/adopt=true"
SHIRE = """
apiVersion: v1
kind: Namespace
metadata: {name: shire}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hobbits, namespace: shire}
data: {frodo: baggins}
"""
FOREIGN_BLOCK = "\nforeign.test:53 {\n    errors\n    forward . 192.0.2.1\n}\n"


@pytest.fixture(scope="module")
def workloads(federation: Federation, figures: Figures) -> Iterator[None]:
    """The example and a namespace of its own in both members; in the end the configuration is as it was."""
    good = federation.stack.settings.read_text()
    set_members(federation, lambda members: members)
    figures.add("up, ttl 5", converge(federation)[1])
    federation.clusters.kubectl("fellowship", "apply", "-f", EXAMPLE)
    federation.apply(SHIRE)
    _await_workloads(federation)
    yield
    federation.clusters.kubectl("fellowship", "delete", "-f", EXAMPLE)
    federation.clusters.kubectl("fellowship", "delete", "namespace", "shire")
    for what in (("deployment", "web"), ("namespace", "shire")):
        wait_until(f"{what} to go", lambda w=what: not federation.clusters.exists(ROHAN, *w), 60)  # type: ignore[misc]
    federation.stack.settings.write_text(good)
    converge(federation)


@pytest.fixture(scope="module")
def foreign(federation: Federation, workloads: None) -> Iterator[str]:
    """Things in rohan that are nobody's business; yields what its Corefile is to be without the federation."""
    before = federation.corefiles[ROHAN]
    kubectl = federation.clusters.kubectl
    kubectl(ROHAN, "create", "configmap", "foreign", "--from-literal=a=b")
    kubectl(ROHAN, "create", "clusterrole", "foreign", "--verb=get", "--resource=pods")
    _set_corefile(federation, federation.clusters.corefile(ROHAN) + FOREIGN_BLOCK)
    yield before + FOREIGN_BLOCK
    _set_corefile(federation, federation.clusters.corefile(ROHAN).replace(FOREIGN_BLOCK, ""))
    kubectl(ROHAN, "delete", "configmap", "foreign")
    kubectl(ROHAN, "delete", "clusterrole", "foreign")


def test_a_member_leaves_the_names_first_and_then_everything(
    federation: Federation, foreign: str, zone: Zone, figures: Figures
) -> None:
    wait_until("an address from each member", lambda: zone.agrees(lambda: len(zone.addresses()) == len(MEMBERS)), 60)
    set_members(federation, _without_rohan)

    def no_name() -> bool:
        return zone.agrees(lambda: len(zone.addresses()) == 1)

    def no_cluster() -> bool:
        return not federation.clusters.exists("fellowship", "cluster", "rohan")

    def no_account() -> bool:
        if federation.clusters.exists(ROHAN, "serviceaccount", "-A", "-l", "federation/name=fellowship"):
            return False
        assert no_cluster(), "its account went before its Cluster"
        return True

    with _watched({"name": no_name, "Cluster": no_cluster, "account": no_account}) as turns:
        _, seconds = converge(federation)
    figures.add("a member leaves, ttl 5", seconds)
    figures.add("  from its last name to its Cluster", turns["Cluster"].after - turns["name"].after)
    assert turns.keys() == {"name", "Cluster", "account"}
    assert turns["name"].before + TTL <= turns["Cluster"].after
    assert federation.clusters.traces(ROHAN) == []
    assert federation.clusters.corefile(ROHAN) == foreign
    for what in (("configmap", "foreign"), ("clusterrole", "foreign")):
        assert federation.clusters.exists(ROHAN, *what)
    for what in (("deployment", "web"), ("service", "web"), ("namespace", "shire")):
        assert not federation.clusters.exists(ROHAN, *what)


def test_a_join_that_fails_says_why(federation: Federation, clusters: Clusters, foreign: str, figures: Figures) -> None:
    nowhere = {"apiEndpoint": clusters.of_nobody, "readyWithin": "20s"}
    set_members(federation, lambda members: [each | nowhere if each["name"] == "rohan" else each for each in members])
    code, log, seconds = federation.pulumi("up", *UNATTENDED)
    figures.add("a join that fails after 20 s", seconds)
    assert code != 0
    assert "Cluster rohan is not Ready: Ready=False (ClusterNotReachable: " in log
    assert "KeyboardInterrupt" not in log


def test_the_next_up_completes_it_and_its_workloads_come_back(
    federation: Federation, foreign: str, figures: Figures
) -> None:
    set_members(federation, lambda members: [each | {"keepWorkloads": each["name"] == "rohan"} for each in members])
    figures.add("the same join, mended, with keepWorkloads: true", converge(federation)[1])
    _await_workloads(federation)


def test_with_keep_workloads_its_pods_run_on_when_it_leaves(
    federation: Federation, foreign: str, figures: Figures
) -> None:
    before = _pods(federation)
    set_members(federation, _without_rohan)
    figures.add("it leaves and keeps its workloads, ttl 5", converge(federation)[1])
    assert _pods(federation) == before
    assert len(before) == 1
    for what in (("service", "web"), ("configmap", "hobbits", "-n", "shire")):
        assert federation.clusters.exists(ROHAN, *what)
    assert not federation.clusters.exists("fellowship", "cluster", "rohan")
    # What the engine knows its own by is off them.
    assert not _managed(federation, "deployment", "web")
    kept = ("Deployment", "ReplicaSet", "Pod", "Service", "Endpoints", "EndpointSlice", "ConfigMap", "Namespace")
    assert [trace for trace in federation.clusters.traces(ROHAN) if not trace.startswith(kept)] == []
    assert not federation.clusters.exists(ROHAN, *ACCESS, "-l", "federation/name=fellowship")
    assert federation.clusters.corefile(ROHAN) == foreign


def test_it_can_join_again_and_the_engine_takes_over_what_it_is_told_to(
    federation: Federation, foreign: str, figures: Figures
) -> None:
    before = _pods(federation)
    set_members(federation, lambda members: members)
    figures.add("it joins again beside its workloads", converge(federation)[1])
    assert _pods(federation) == before
    kubectl = federation.clusters.kubectl
    kubectl("fellowship", "annotate", "namespace", "shire", ADOPT)
    kubectl("fellowship", "annotate", "configmap", "hobbits", "-n", "shire", ADOPT)
    kubectl("fellowship", "annotate", "deployment/web", "service/web", ADOPT)
    for what in (("deployment", "web"), ("service", "web"), ("namespace", "shire")):
        wait_until(f"the engine to take over {what}", lambda w=what: _managed(federation, *w), 90)  # type: ignore[misc]
    assert _pods(federation) == before


def _without_rohan(members: Sequence[Member]) -> Sequence[Member]:
    return [each for each in members if each["name"] != "rohan"]


def _await_workloads(federation: Federation) -> None:
    wait_until("web to run in rohan", lambda: len(_pods(federation)) == 1, 90)
    hobbits = ("configmap", "hobbits", "-n", "shire")
    wait_until("hobbits in rohan", lambda: federation.clusters.exists(ROHAN, *hobbits), 60)


def _pods(federation: Federation) -> dict[str, int]:
    """UID of each ready pod of the example in rohan, and how often it was restarted."""
    pods = federation.clusters.get(ROHAN, "pods", "-n", "default", "-l", "app=web")["items"]
    return {
        pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["restartCount"]
        for pod in pods
        if any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
    }


def _managed(federation: Federation, *what: str) -> bool:
    labels: dict[str, str] = federation.clusters.get(ROHAN, *what)["metadata"].get("labels", {})
    return labels.get(CARRIED_BY) == "fellowship"


def _set_corefile(federation: Federation, text: str) -> None:
    patch = json.dumps({"data": {"Corefile": text}})
    federation.clusters.kubectl(ROHAN, "patch", "configmap", "coredns", "-n", "kube-system", f"--patch={patch}")


@dataclass(frozen=True)
class Turn:
    """When a condition began to hold: between these two, however long the looks took (time.monotonic)."""

    before: float
    after: float


@contextmanager
def _watched(conditions: dict[str, Callable[[], bool]]) -> Iterator[dict[str, Turn]]:
    """While it is entered, when each of the conditions began to hold; all are looked at twice a second."""
    turns: dict[str, Turn] = {}
    done = Event()

    def watch(name: str) -> None:
        before = time.monotonic()
        while not done.wait(0.5):
            began = time.monotonic()
            with suppress(DNSException):  # Of the name server there is no hurry; it is asked again.
                if conditions[name]():
                    turns[name] = Turn(before, time.monotonic())
                    return
                before = began

    with ThreadPoolExecutor(len(conditions)) as threads:
        watching = [threads.submit(watch, name) for name in conditions]
        try:
            yield turns
            wait(watching, 30)  # The last of them may have come to hold since the last look.
        finally:
            done.set()
    for each in watching:
        each.result()
