"""A fleet of the tests' own, `test`, beside whatever `make up` runs; and the federation on it, brought up once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedded.federation import write_private
from embedded.stack import CHECKOUT, Stack
from fleet.record import fleets
from fleet.waiting import wait_until
from tests.figures import Figures
from toolbox import archive, tool

FLEET = "test"
MEMBERS = {"gondor": "gondor_needs-no_king", "rohan": "rohan"}
CONFIGURATION = (CHECKOUT / "Pulumi.dev.yaml").read_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.fleet)


@dataclass(frozen=True)
class Clusters:
    """The running clusters and how to reach them."""

    kubeconfig: Path

    def fleet(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of the fleet."""
        command = [sys.executable, "-m", "fleet", "--fleet", FLEET, *arguments]
        return subprocess.run(command, cwd=CHECKOUT, check=check, text=True, capture_output=True)

    def kubectl(self, context: str, *arguments: str, check: bool = True) -> str:
        """What kubectl prints."""
        command = [str(tool("kubectl")), "--kubeconfig", str(self.kubeconfig), "--context", context, *arguments]
        return subprocess.run(command, check=check, text=True, capture_output=True).stdout

    def get(self, context: str, *what: str) -> dict[str, Any]:
        """One object, or a list of them, as JSON has it."""
        found: dict[str, Any] = json.loads(self.kubectl(context, "get", *what, "-o", "json"))
        return found

    def exists(self, context: str, *what: str) -> bool:
        return bool(self.kubectl(context, "get", *what, "--ignore-not-found", "-o", "name").strip())


@dataclass(frozen=True)
class Federation:
    """The federation on these clusters."""

    clusters: Clusters
    stack: Stack
    log: str
    """What `pulumi up` printed."""
    seconds: float
    """How long it took, from nothing to Ready."""

    def pulumi(self, verb: str, *arguments: str) -> tuple[int, str, float]:
        """Exit code, all output, and seconds of one command on the stack."""
        return timed_pulumi(self.stack, verb, *arguments)


def timed_pulumi(stack: Stack, verb: str, *arguments: str) -> tuple[int, str, float]:
    start = time.monotonic()
    done = stack.pulumi(verb, *stack.options, *arguments, "--color", "never", check=False, capture=True)
    return done.returncode, done.stdout + done.stderr, time.monotonic() - start


def configuration(kubeconfig: Path) -> str:
    """The configuration of stack dev, on the clusters of this kubeconfig."""
    return CONFIGURATION.replace("./.fleet/kubeconfig", str(kubeconfig))


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory, figures: Figures) -> Iterator[Clusters]:
    found = Clusters(tmp_path_factory.mktemp("fleet") / "kubeconfig")
    # What a killed run left behind says nothing about this checkout.
    found.fleet("down")
    started = ["--cluster", "rivendell", *(f"--cluster={name}={context}" for name, context in MEMBERS.items())]
    start = time.monotonic()
    up = found.fleet("up", *started, "--kubeconfig", str(found.kubeconfig), check=False)
    assert up.returncode == 0, up.stdout + up.stderr
    figures.add("three clusters up", time.monotonic() - start)
    yield found
    found.fleet("down")


@pytest.fixture(scope="session")
def karmadactl_seconds(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory, figures: Figures) -> float:
    """How long `karmadactl init` and two joins take on these clusters, which are as before afterwards."""
    data = tmp_path_factory.mktemp("karmadactl")
    address = clusters.get("rivendell", "node", "rivendell")["status"]["addresses"][0]["address"]
    init = (
        *("init", f"--kubeconfig={clusters.kubeconfig}", "--context=rivendell"),
        *(f"--karmada-data={data / 'data'}", f"--karmada-pki={data / 'pki'}", f"--crds={archive('karmada-crds')}"),
        *("--kube-image-registry=registry.k8s.io", "--kube-image-tag=v1.34.4"),
        f"--karmada-apiserver-advertise-address={address}",
        *("--etcd-storage-mode=PVC", "--storage-classes-name=standard"),
    )
    api = f"--kubeconfig={data / 'data' / 'karmada-apiserver.config'}"
    start = time.monotonic()
    _karmadactl(clusters, *init)
    figures.add("karmadactl init", time.monotonic() - start)
    for name, context in MEMBERS.items():
        member = (f"--cluster-kubeconfig={clusters.kubeconfig}", f"--cluster-context={context}")
        _karmadactl(clusters, "join", name, api, *member)
    seconds = time.monotonic() - start
    figures.add("karmadactl init and two joins", seconds)
    _take_back(clusters)
    return seconds


@pytest.fixture(scope="session")
def federation(clusters: Clusters, karmadactl_seconds: float, figures: Figures) -> Federation:
    del karmadactl_seconds  # only so that both are measured on clusters without a control plane
    stack = Stack(FLEET, fleets() / FLEET / "stack", clusters.kubeconfig)
    stack.prepare(configuration(clusters.kubeconfig))
    code, log, seconds = timed_pulumi(stack, "up", "--yes", "--skip-preview")
    assert code == 0, log[-8000:]
    figures.add("pulumi up, from nothing to Ready", seconds)
    given = clusters.kubeconfig.with_name("federation")
    write_private(given, stack.output("kubeconfig"))
    return Federation(Clusters(given), stack, log, seconds)


def _karmadactl(clusters: Clusters, *arguments: str) -> None:
    done = clusters.fleet("exec", "rivendell", "--", str(tool("karmadactl")), *arguments, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def _take_back(clusters: Clusters) -> None:
    clusters.kubectl("rivendell", "delete", "namespace", "karmada-system")
    for name, context in MEMBERS.items():
        role = f"karmada-controller-manager:karmada-{name}"
        clusters.kubectl(context, "delete", "namespace", "karmada-cluster")
        clusters.kubectl(context, "delete", "clusterrole,clusterrolebinding", role)
        roles = ("clusterrole,clusterrolebinding", "karmada-impersonator", "--ignore-not-found")
        clusters.kubectl(context, "delete", *roles)
    # The cluster's DNS goes on answering with the old control plane's address until its cache is over.
    name = "karmada-apiserver.karmada-system.svc.cluster.local"
    lookup = ("exec", "rivendell", "--", "busybox", "nslookup", name, "10.96.0.10")
    wait_until("the old name to go", lambda: clusters.fleet(*lookup, check=False).returncode != 0, 60)


@pytest.fixture
def other_stack(tmp_path: Path, clusters: Clusters) -> Stack:
    """A stack without anything in it, for what is refused before anything is made."""
    os.environ.pop("KUBECONFIG", None)
    stack = Stack("other", tmp_path / "stack", clusters.kubeconfig)
    stack.prepare(configuration(clusters.kubeconfig))
    return stack
