"""The control plane is killed, piece by piece and as a whole, and comes back by itself: nobody runs Pulumi here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest
from dns.exception import DNSException

from federation.settings.names import DNS_CONTROLLER, MANAGED_BY, PROGRAM
from lab.fleet.waiting import wait_until
from lab.zone import Zone
from tests.figures import Figures
from tests.fleet.conftest import HOST, MEMBERS, SYSTEM, Clusters, Federation
from tests.fleet.inventory import in_api
from tests.fleet.pods import Pods
from tests.fleet.writer import Writer

PROGRAMS = {
    "etcd": 1,
    "federation-apiserver": 1,
    "kube-controller-manager": 1,
    "federation-controller-manager": 1,
    "federation-dns": 2,
    "dns-controller": 1,
}
"""With their replicas; the last two make the names."""
API_SECONDS, REACHED_SECONDS = 90, 120
"""How long a fault may take from the API, and from a write until it is in both members: leases of controllers that
were killed run 15 s, containers that crash meanwhile wait 10 s and then 20."""
BEFORE = ("configmap", "before", "-n", "default")
RECORD = """
apiVersion: externaldns.k8s.io/v1alpha1
kind: DNSEndpoint
metadata: {{name: {name}, namespace: default, labels: {{{label}: {writer}}}}}
spec: {{endpoints: [{{dnsName: {name}.default.{tree}, recordType: A, recordTTL: 30, targets: [192.0.2.1]}}]}}
"""
API_NAME, TREE = "api.fellowship.example.com", "fellowship.svc.example.com"


@dataclass(frozen=True)
class Watched:
    """The federation with a client that writes to it all along."""

    federation: Federation
    writer: Writer
    pods: Pods
    zone: Zone
    figures: Figures

    def recovers(self, what: str, fault: Callable[[], float]) -> None:
        """All that must hold after a fault; `fault` returns when it happened (time.monotonic)."""
        clusters, before = self.federation.clusters, self.before()
        objects = in_api(clusters, "fellowship")
        at = fault()
        self._await(f"the federation API to answer after {what}", self._api_answers, API_SECONDS)
        self._await(f"a write to be acknowledged after {what}", self._writes(), API_SECONDS)
        self.figures.add(f"{what}, no write acknowledged for", self.writer.gap(at))
        for member in MEMBERS:
            self._await(f"{member} to be Ready after {what}", partial(self._is_ready, member), REACHED_SECONDS)
        name = f"after-{what.replace(' ', '-').replace(',', '')}"
        self._await(f"{name} to be taken", lambda: self._create(name), API_SECONDS)
        self._reaches_members(name, at + REACHED_SECONDS)
        self.figures.add(f"{what}, until a write reached both members", time.monotonic() - at)
        self._await(f"the API's name after {what}", partial(self._says, "NOERROR", API_NAME), REACHED_SECONDS)
        self._publishes(name)
        assert objects - in_api(clusters, "fellowship") == set(), "objects are lost, or were made anew"
        assert self.before() == before
        assert self.writer.lost() == []
        for program, replicas in PROGRAMS.items():
            self.pods.await_ready(program, replicas)

    def before(self) -> tuple[str, str]:
        """UID and resource version of an object that nobody touches."""
        metadata = self.federation.clusters.get("fellowship", *BEFORE)["metadata"]
        return metadata["uid"], metadata["resourceVersion"]

    def _await(self, what: str, condition: Callable[[], bool], seconds: float) -> None:
        wait_until(f"{what} (the writer's last failure: {self.writer.last_failure})", condition, seconds)

    def _api_answers(self) -> bool:
        ask = ("--request-timeout=3s", "get", "--raw", "/readyz")
        return self.federation.clusters.kubectl("fellowship", *ask, check=False) == "ok"

    def _writes(self) -> Callable[[], bool]:
        so_far = self.writer.count
        return lambda: self.writer.count > so_far

    def _is_ready(self, member: str) -> bool:
        ready = ("-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
        return self.federation.clusters.kubectl("fellowship", "get", "cluster", member, *ready, check=False) == "True"

    def _create(self, name: str) -> bool:
        return self._apply(f"kind: ConfigMap\napiVersion: v1\nmetadata: {{name: {name}, namespace: default}}\n")

    def _reaches_members(self, name: str, deadline: float) -> None:
        for member, context in MEMBERS.items():
            there = partial(self.federation.clusters.exists, context, "configmap", name)
            self._await(f"{name} in {member}", there, deadline - time.monotonic())

    def _publishes(self, name: str) -> None:
        """A record comes into the zone, and goes when it is marked as the controller's, for want of a Service."""
        for writer, rcode in ((PROGRAM, "NOERROR"), (DNS_CONTROLLER, "NXDOMAIN")):
            record = RECORD.format(name=name, label=MANAGED_BY, writer=writer, tree=TREE)
            self._await(f"{name} of {writer} to be taken", partial(self._apply, record), API_SECONDS)
            self._await(f"{rcode} for {name}", partial(self._says, rcode, f"{name}.default.{TREE}"), REACHED_SECONDS)

    def _apply(self, manifest: str) -> bool:
        return self.federation.apply(manifest, check=False).returncode == 0

    def _says(self, rcode: str, name: str) -> bool:
        with suppress(DNSException):
            return self.zone.rcode(name) == rcode
        return False


@pytest.fixture(scope="module")
def watched(federation: Federation, clusters: Clusters, zone: Zone, figures: Figures) -> Iterator[Watched]:
    federation.apply("kind: ConfigMap\napiVersion: v1\nmetadata: {name: before, namespace: default}\n")
    for context in MEMBERS.values():
        wait_until(f"it in {context}", partial(federation.clusters.exists, context, "configmap", "before"), 60)
    with Writer("faults", federation.clusters.kubeconfig) as writer:
        yield Watched(federation, writer, Pods(clusters, SYSTEM), zone, figures)
    made = federation.clusters.kubectl("fellowship", "get", "configmaps", "-n", "default", "-o", "name").split()
    ours = [name for name in made if name.startswith(("configmap/before", "configmap/after-"))]
    federation.clusters.kubectl("fellowship", "delete", "-n", "default", *ours)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_process_that_is_killed_comes_back(watched: Watched, program: str) -> None:
    pods = watched.pods.of(program)
    watched.recovers(f"{program} killed", lambda: watched.pods.kill(pods[0]))
    same = watched.pods.of(program)
    assert [each["metadata"]["uid"] for each in same] == [each["metadata"]["uid"] for each in pods]


def test_etcds_pod_is_deleted_and_the_next_one_has_its_volume(watched: Watched, clusters: Clusters) -> None:
    claim = ("persistentvolumeclaim", "data-etcd-0", "-n", SYSTEM)
    before = clusters.get(HOST, *claim)
    watched.recovers("pod of etcd deleted", lambda: watched.pods.delete("etcd-0"))
    after = clusters.get(HOST, *claim)
    for of in (before, after):
        assert of["status"]["phase"] == "Bound"
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])


def test_all_pods_are_deleted_at_once(watched: Watched) -> None:
    watched.recovers("all pods deleted", lambda: watched.pods.delete("--all"))


def test_the_kubelet_is_killed_and_what_dies_meanwhile_is_started_when_it_is_back(
    watched: Watched, clusters: Clusters
) -> None:
    def fault() -> float:
        at = time.monotonic()
        clusters.fleet("stop", HOST, "--only", "kubelet")
        # Without a kubelet the control plane goes on: nothing is lost but the repair of what dies.
        assert watched.federation.clusters.kubectl("fellowship", "get", "--raw", "/readyz") == "ok"
        (pod,) = watched.pods.of("kube-controller-manager")
        watched.pods.crash(pod)
        clusters.fleet("start", HOST)
        return at

    watched.recovers("the kubelet killed", fault)


def test_the_host_loses_its_power(watched: Watched, clusters: Clusters) -> None:
    def fault() -> float:
        at = time.monotonic()
        clusters.fleet("stop", HOST)
        clusters.fleet("start", HOST)
        watched.figures.add("host without power, until its node was Ready", time.monotonic() - at)
        return at

    watched.recovers("host without power", fault)


def test_nothing_is_left_for_pulumi_to_mend(watched: Watched) -> None:
    code, log, _ = watched.federation.pulumi("preview", "--refresh", "--expect-no-changes")
    assert code == 0, log[-4000:]
