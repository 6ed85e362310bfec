"""The pods of a control plane in the fleet's host: looked at, and killed as a crash does it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from fleet.cluster import Cluster
from fleet.ownership import existing
from fleet.settings import CONTAINERD_SOCKET
from fleet.waiting import wait_until
from tests.fleet.conftest import FLEET, HOST, Clusters

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
        """Kill its process and await that the kubelet has started another; returns when it was killed."""
        start, name = time.monotonic(), pod["metadata"]["name"]
        killed = self.crash(pod)
        wait_until(f"another container of {name}", lambda: self._container(name) not in (killed, ""), BACK_SECONDS)
        return start

    def crash(self, pod: dict[str, Any]) -> str:
        """Kill the process of its only container; returns the container's id.

        By the id that containerd knows it by: nothing in the pod or the API gets a chance to say goodbye.
        """
        (container,) = pod["status"]["containerStatuses"]
        identity = str(container["containerID"].removeprefix("containerd://"))
        fleet = existing(FLEET)
        ctr = ["ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io"]
        Cluster(fleet, fleet.member(HOST)).sandbox.run([*ctr, "tasks", "kill", "--signal", "SIGKILL", identity])
        return identity

    def delete(self, *which: str) -> float:
        """Delete pods (arguments of kubectl) without grace; returns when."""
        start = time.monotonic()
        self.clusters.kubectl(HOST, "delete", "pods", *self._here, *which, "--grace-period=0", "--force")
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

    def _container(self, pod: str) -> str:
        statuses = self.clusters.get(HOST, "pod", pod, *self._here)["status"].get("containerStatuses", [])
        running = [each for each in statuses if "running" in each["state"]]
        return str(running[0]["containerID"].removeprefix("containerd://")) if running else ""
