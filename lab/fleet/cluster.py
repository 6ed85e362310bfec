"""What a cluster is: its files, its addresses, and the questions one can ask it."""

import datetime
import subprocess
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from lab.fleet import addresses
from lab.fleet.addresses import DNS_SERVICE
from lab.fleet.api import FAILURES, Api
from lab.fleet.programs import Program, programs
from lab.fleet.record import Member, Record
from lab.fleet.sandbox import Sandbox
from lab.fleet.settings import CONTAINERD_SOCKET
from lab.fleet.waiting import FleetError, wait_until

CONTAINERD_SECONDS = 30


@dataclass(frozen=True)
class Cluster:
    """A cluster of a fleet."""

    fleet: Record
    member: Member

    @property
    def name(self) -> str:
        return self.member.name

    @property
    def folder(self) -> Path:
        return self.fleet.folder / "clusters" / self.name

    @property
    def address(self) -> IPv4Address:
        return addresses.node(self.fleet.slot, self.member.number)

    @property
    def server(self) -> str:
        return f"https://{self.address}:6443"

    @property
    def api(self) -> Api:
        return Api(self.server, self.folder / "keys")

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(self.folder)

    @cached_property
    def programs(self) -> list[Program]:
        return programs(self.member, self.fleet.slot, self.folder)

    @property
    def connected(self) -> Path:
        """The mark of a sandbox that has its network."""
        return self.folder / "pids" / "network"

    def images(self, kind: str) -> Path:
        """The mark of a set of images that was imported to its end."""
        return self.folder / f"images-{kind}"

    @property
    def image_kinds(self) -> list[str]:
        if self.member.api_only:
            return []
        if self.name != self.fleet.host:
            return ["base"]
        return ["base", "control-plane", "own", *self.fleet.published]

    def missing(self) -> list[Program]:
        """The programs that should run and do not."""
        processes = [(program, self.sandbox.program(program.name)) for program in self.programs]
        return [program for program, process in processes if process is None or not process.alive()]

    def up(self) -> bool:
        return (
            self.sandbox.running()
            and self.connected.exists()
            and all(self.images(kind).exists() for kind in self.image_kinds)
            and not self.missing()
            and self.api.has("/readyz")
            and (self.member.api_only or (self.node_ready() and self.dns_answers()))
        )

    def node_ready(self) -> bool:
        """Whether the kubelet that runs now has reported the node Ready: of an earlier one's word nobody knows."""
        try:
            node = self.api.get(f"/api/v1/nodes/{self.name}")
            started = (self.folder / "pids" / "kubelet").stat().st_mtime
        except (*FAILURES, FileNotFoundError):
            return False
        return any(
            condition["type"] == "Ready"
            and condition["status"] == "True"
            and _seconds(condition["lastHeartbeatTime"]) >= int(started)
            for condition in node["status"].get("conditions", [])
        )

    def dns_answers(self) -> bool:
        query = ["busybox", "timeout", "2", "busybox", "nslookup"]
        command = self.sandbox.inside([*query, "kubernetes.default.svc.cluster.local", str(DNS_SERVICE)])
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def pods(self) -> tuple[int, int]:
        """How many pods are ready, of how many that should be."""
        pods: list[Any] = self.api.get("/api/v1/pods?fieldSelector=status.phase!=Succeeded")["items"]
        conditions = [pod["status"].get("conditions", []) for pod in pods]
        ready = [any(c["type"] == "Ready" and c["status"] == "True" for c in each) for each in conditions]
        return sum(ready), len(ready)

    def load(self, archive: Path) -> None:
        """Imports a docker archive into the node."""
        if self.member.api_only:
            raise FleetError(f"cluster {self.name} has no node to load images into")
        socket = Path(f"/proc/{self.sandbox.pid}/root{CONTAINERD_SOCKET}")
        wait_until(f"containerd of {self.name}", socket.exists, CONTAINERD_SECONDS)
        importing = ["ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", "images", "import", "-"]
        with archive.open("rb") as opened:
            command = self.sandbox.inside(importing)
            done = subprocess.run(command, check=False, stdin=opened, capture_output=True, text=True)
        if done.returncode != 0:
            why = f"{self.name}: importing {archive} failed: {done.stderr.strip()}"
            raise FleetError(why, self.sandbox.log("containerd"))


def _seconds(timestamp: str) -> float:
    return datetime.datetime.fromisoformat(timestamp).timestamp()
