"""The zone answers whatever dies beside it: its writers, its pods one after the other, the federation API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from lab.fleet.waiting import wait_until
from lab.zone import Zone
from tests.figures import Figures
from tests.fleet.asker import Asker
from tests.fleet.conftest import HOST, SYSTEM, Clusters, Federation
from tests.fleet.pods import Pods

NAME = "api.fellowship.example.com"
PROGRAM = "federation-dns"
CRASHING_SECONDS, AWAY_SECONDS = 120, 300
API_SECONDS = 60
"""How long an API server takes to be back at most, once it is wanted again."""
CHANGE_SECONDS = 20
"""How long a change may take then: a stream that met no API tries again within 15 s."""
CHANGE = """
apiVersion: externaldns.k8s.io/v1alpha1
kind: DNSEndpoint
metadata: {name: changed, namespace: default}
spec: {endpoints: [{dnsName: changed.example.com, recordType: A, targets: [192.0.2.1]}]}
"""


@pytest.fixture(scope="module")
def pods(clusters: Clusters) -> Pods:
    return Pods(clusters, SYSTEM)


@pytest.mark.parametrize("how", ["killed", "deleted", "drained"])
def test_a_client_with_three_tries_does_not_notice_that_one_pod_after_the_other_ends(
    zone: Zone, pods: Pods, figures: Figures, how: str
) -> None:
    # Those of before an update may still be on their way out.
    pods.await_ready(PROGRAM, 2)
    with Asker(zone.server, NAME, tries=3, seconds=1) as asker:
        for pod in pods.of(PROGRAM):
            if how == "killed":
                pods.kill(pod)
            else:
                pods.delete(pod["metadata"]["name"], grace=how == "drained")
            pods.await_ready(PROGRAM, 2)
    figures.add(f"both name servers {how} in turn, questions answered", asker.count, "")
    assert asker.failures == []


def test_writers_that_crash_and_an_api_that_is_away_cost_no_answer(
    federation: Federation, clusters: Clusters, zone: Zone, pods: Pods, figures: Figures
) -> None:
    before = _running(pods)
    with Asker(zone.server, NAME, tries=1, seconds=10) as asker:
        began = time.monotonic()
        wait_until("writers that crash with the API there", partial(_crash, pods, began + CRASHING_SECONDS / 4), 600)
        with _away(clusters):
            back = time.monotonic() + AWAY_SECONDS
            wait_until("writers that crash without the API", partial(_crash, pods, began + CRASHING_SECONDS), 600)
            wait_until("the API to be away for long", lambda: time.monotonic() > back, 600)
        wait_until("the API to take a change", lambda: _changes(federation), API_SECONDS)
        seconds = wait_until("the change to be answered", lambda: _is_answered(zone), CHANGE_SECONDS)
    figures.add("the federation API is back after 5 minutes, until a change is answered", seconds)
    figures.add("meanwhile, questions answered", asker.count, "")
    federation.clusters.kubectl("fellowship", "delete", "dnsendpoint", "changed", "-n", "default")
    assert asker.failures == []
    assert _running(pods) == before, "a container has ended"


def _crash(pods: Pods, until: float) -> bool:
    """Kills what the zone's writers run, in every pod; whether it is time to stop."""
    for pod in pods.of(PROGRAM):
        pods.crash_children(pod, "zone-writer")
    return time.monotonic() > until


@contextmanager
def _away(clusters: Clusters) -> Iterator[None]:
    """Without the federation API."""
    scale = ("scale", "deployment/federation-apiserver", "-n", SYSTEM)
    clusters.kubectl(HOST, *scale, "--replicas=0")
    try:
        yield
    finally:
        clusters.kubectl(HOST, *scale, "--replicas=1")


def _changes(federation: Federation) -> bool:
    return federation.apply(CHANGE, check=False).returncode == 0


def _is_answered(zone: Zone) -> bool:
    return zone.agrees(lambda: zone.rcode("changed.example.com") == "NOERROR")


def _running(pods: Pods) -> set[str]:
    """The containers of the name servers' pods."""
    return {
        each["containerID"] for pod in pods.of(PROGRAM) for each in pod["status"]["containerStatuses"] if each["ready"]
    }
