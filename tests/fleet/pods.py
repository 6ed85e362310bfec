"""The pods of a control plane in the fleet's host: looked at, and killed as a crash does it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lab.fleet.cluster import Cluster
from lab.fleet.ownership import existing
from lab.fleet.settings import CONTAINERD_SOCKET
from lab.fleet.waiting import wait_until
from tests.fleet.conftest import FLEET, HOST, Clusters

CTR = ("ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io")
KILL_CHILDREN = """
import os, pathlib
for child in pathlib.Path("/proc/1/task/1/children").read_text().split():
    os.kill(int(child), 9)
"""
BACK_SECONDS = 90
"""A container that crashed twice waits 10 s, then 20, before the kubelet starts it again."""


@dataclass(frozen=True)
class Pods:
    """The pods in one namespace of the host."""

    clusters: Clusters
    namespace: str

    def of(self, program: str) -> list[dict[str, Any]]:
        """The pods of one program, in the order of their names."""
        found: list[dict[str, Any]] = self.clusters.get(HOST, "pods", *self._here, "-l", f"app={program}")["items"]
        return found

    def kill(self, pod: dict[str, Any]) -> float:
        """Kill its processes and await that the kubelet has started others; returns when they were killed."""
        start, name = time.monotonic(), pod["metadata"]["name"]
        killed = self.crash(pod)
        wait_until(
            f"{len(killed)} other containers of {name}",
            lambda: len(self._containers(name) - killed) == len(killed),
            BACK_SECONDS,
        )
        return start

    def crash(self, pod: dict[str, Any]) -> set[str]:
        """Kill the processes of its containers; returns the containers' ids.

        By the id that containerd knows each by: nothing in the pod or the API gets a chance to say goodbye.
        """
        identities = _identities(pod)
        for each in identities:
            self._run(*CTR, "tasks", "kill", "--signal", "SIGKILL", each)
        return identities

    def crash_children(self, pod: dict[str, Any], container: str) -> None:
        """Kill what the first process of a container has started, if there is anything."""
        statuses = {each["name"]: each for each in pod["status"].get("containerStatuses", [])}
        identity = statuses[container]["containerID"].removeprefix("containerd://")
        self._run(*CTR, "tasks", "exec", "--exec-id", uuid4().hex, identity, "python3", "-c", KILL_CHILDREN)

    def delete(self, *which: str, grace: bool = False) -> float:
        """Delete pods (arguments of kubectl), with grace or without; returns when."""
        start = time.monotonic()
        without = () if grace else ("--grace-period=0", "--force")
        self.clusters.kubectl(HOST, "delete", "pods", *self._here, *which, *without)
        return start

    def await_ready(self, program: str, count: int = 1) -> None:
        wait_until(f"{count} ready pods of {program}", lambda: self.ready(program) == count, BACK_SECONDS)

    def ready(self, program: str) -> int:
        """How many pods are ready."""
        conditions = [each["status"].get("conditions", []) for each in self.of(program)]
        return sum(any(c["type"] == "Ready" and c["status"] == "True" for c in each) for each in conditions)

    @property
    def _here(self) -> tuple[str, str]:
        return ("-n", self.namespace)

    def _run(self, *command: str) -> None:
        """In the host cluster's sandbox."""
        fleet = existing(FLEET)
        Cluster(fleet, fleet.member(HOST)).sandbox.run(command)

    def _containers(self, pod: str) -> set[str]:
        return _identities(self.clusters.get(HOST, "pod", pod, *self._here))


def _identities(pod: dict[str, Any]) -> set[str]:
    """The ids of its running containers."""
    statuses = pod["status"].get("containerStatuses", [])
    return {each["containerID"].removeprefix("containerd://") for each in statuses if "running" in each["state"]}
