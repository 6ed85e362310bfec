"""A fleet of each worker's own, beside whatever `make up` runs; and the federation on it, brought up once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from federation.settings.kubeconfig import dump, load, merge, pick, server
from federation.settings.names import ServiceNames
from federation.settings.schema import HOST_NAMESPACES
from lab import demo
from lab.federation import UNATTENDED
from lab.fleet.private import write_private
from lab.fleet.record import fleets
from lab.stack import CHECKOUT, Stack
from lab.toolbox import ToolError, debian, pins, tool
from lab.toolbox.tools import find
from lab.zone import Zone
from tests import needs
from tests.documented import Shell
from tests.figures import Figures
from tests.fleet.google import Google, mock_cloud_dns
from tests.fleet.google_front import GoogleFront
from tests.fleet.looking import look
from tests.leaks import key_headers, leaks, needles, private_parts

FLEET = "-".join(filter(None, (os.environ.get("FEDERATION_TEST_FLEET", "test"), os.environ.get("PYTEST_XDIST_WORKER"))))
"""Two test runs side by side, and two workers of one run, each need a fleet of their own."""
FIRST = (
    "test_bring_up.py",
    "test_use.py",
    "test_names.py",
    "test_refusals.py",
    "test_drift.py",
    "test_secrets.py",
    "test_access.py",
    "test_hardening.py",
    "test_users.py",
    "test_leaving.py",
    "test_bad_input.py",
    "test_kubeconfigs.py",
    "test_sharing.py",
    "test_demo.py",
    "test_secondary.py",
    "test_cloud_dns.py",
    "test_take_back.py",
)
SECOND = (
    "test_faults.py",
    "test_replicas.py",
    "test_zone.py",
    "test_certificates.py",
    "test_dead_member.py",
    "test_recovery.py",
    "test_operator.py",
    "test_machine.py",
    "test_cloud_dns_zone.py",
)
"""Files that share clusters and a federation, in the order in which they run: each goes on with what is there then.

`make test` runs these two beside each other.
"""
ALONE = (
    "test_speed.py",
    "test_engine_carry.py",
    "test_engine_faults.py",
    "test_engine_status.py",
    "test_engine_load.py",
    "test_engine_leader.py",
    "test_engine.py",
    "test_engine_take_back.py",
    "test_engine_clock.py",
    "test_engine_full_volume.py",
)
"""Files with clusters of their own; each is run by the worker that is free. The longest are first: no worker is left
with one of them while the other has nothing to do.
"""
ORDER = (*FIRST, *SECOND, *ALONE)
ENGINE = needs.engine()
"""What the federation of these tests works with."""
SYSTEM = HOST_NAMESPACES[ENGINE]
"""Namespace of the control plane in its host, and of its leases and own records inside the federation API."""
HOST = "rivendell"
MEMBERS = {"gondor": "gondor_needs-no_king", "rohan": "rohan"}
CONFIGURATION = (CHECKOUT / "Pulumi.dev.yaml").read_text().replace("engine: builtin", f"engine: {ENGINE}")
EXAMPLE = str(demo.EXAMPLE)
NAMES = ServiceNames("web", "default", "fellowship", "example.com")
"""Of the example's Service."""
KUBECTL = {"GOGC": "off", "GOMAXPROCS": "1"}
"""Variables for it: it ends before there is garbage worth collecting, which is a third of its work."""
EXIT_CHANGES = 7
"""Of `pulumi preview --expect-no-changes` when there are some."""
DNS_SECTION = re.compile(r"  federation:dns:\n(    .*\n)+")


# Before pytest-xdist's own hook, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = [place for place, item in enumerate(items) if Path(__file__).parent in item.path.parents]
    if unknown := {items[place].path.name for place in places}.difference(ORDER):
        raise pytest.UsageError(f"tests/fleet/conftest.py says nothing of {', '.join(sorted(unknown))}")
    ordered = sorted((items[place] for place in places), key=lambda item: ORDER.index(item.path.name))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
        item.add_marker(pytest.mark.fleet)
        item.add_marker(pytest.mark.xdist_group(_group(item.path.name)))


def _group(file: str) -> str:
    """What one worker runs."""
    return "first" if file in FIRST else "second" if file in SECOND else file


@dataclass(frozen=True)
class Clusters:
    """The running clusters and how to reach them."""

    kubeconfig: Path

    def fleet(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of the fleet."""
        command = [sys.executable, "-m", "lab.fleet", "--fleet", FLEET, *arguments]
        return subprocess.run(command, cwd=CHECKOUT, check=check, text=True, capture_output=True)

    def kubectl(self, context: str, *arguments: str, check: bool = True) -> str:
        """What kubectl prints."""
        return self.run(context, *arguments, check=check).stdout

    def run(
        self, context: str, *arguments: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command of kubectl."""
        command = [str(tool("kubectl")), "--kubeconfig", str(self.kubeconfig), "--context", context, *arguments]
        environment = os.environ | KUBECTL
        return subprocess.run(command, input=stdin, check=check, text=True, capture_output=True, env=environment)

    def get(self, context: str, *what: str) -> dict[str, Any]:
        """One object, or a list of them, as JSON has it."""
        found = look(self.kubeconfig, context, *what)
        assert found, f"{context} has no {' '.join(what)}"
        return found

    def server(self, context: str) -> str:
        """The URL of the API server that the context leads to."""
        return server(pick(load([self.kubeconfig]), context))

    @property
    def of_nobody(self) -> str:
        """A URL in the fleet's own network that no cluster has."""
        return f"{self.server(HOST).rpartition('.')[0]}.253:6443"

    def corefile(self, context: str) -> str:
        return str(self.get(context, "configmap", "coredns", "-n", "kube-system")["data"]["Corefile"])

    def exists(self, context: str, *what: str) -> bool:
        found = look(self.kubeconfig, context, *what)
        return bool(found and found.get("items", True))

    def traces(self, context: str) -> list[str]:
        """Every object, of whatever kind, whose metadata speak of Karmada or of the federation."""
        listed = self.kubectl(context, "api-resources", "--verbs=list", "-o", "name").split()
        kinds = ",".join(kind for kind in listed if not kind.startswith("events"))
        objects: list[dict[str, Any]] = self.get(context, kinds, "-A")["items"]
        found = []
        for each in objects:
            metadata = {key: value for key, value in each["metadata"].items() if key != "managedFields"}
            if any(word in json.dumps(metadata) for word in ("karmada", "federation")):
                found.append(f"{each['kind']} {json.dumps(metadata)}")
        return found


@dataclass(frozen=True)
class Federation:
    """The federation on these clusters."""

    clusters: Clusters
    stack: Stack
    log: str
    """What `pulumi up` printed."""
    corefiles: Mapping[str, str]
    """What the members' cluster DNS was told before they joined, by context."""

    def apply(self, manifests: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Apply objects to the federation API."""
        return self.clusters.run("fellowship", "apply", "-f", "-", check=check, stdin=manifests)

    def pulumi(self, verb: str, *arguments: str) -> tuple[int, str, float]:
        """Exit code, all output, and seconds of one command on the stack."""
        return timed_pulumi(self.stack, verb, *arguments)


def timed_pulumi(stack: Stack, verb: str, *arguments: str) -> tuple[int, str, float]:
    """Exit code, all output, which shows no private key, and seconds."""
    start = time.monotonic()
    done = stack.pulumi(verb, *stack.options, *arguments, "--color", "never", check=False, capture=True)
    log, seconds = done.stdout + done.stderr, time.monotonic() - start
    shown = leaks(log, key_headers())
    # Without the log, which pytest would otherwise show.
    assert not shown, f"pulumi {verb} shows {shown}"
    return done.returncode, log, seconds


def everywhere(stack: Stack) -> str:
    """A kubeconfig with the federation's context first, then each member's."""
    return dump(merge(yaml.safe_load(stack.output(name)) for name in ("kubeconfig", "memberKubeconfig")))


def configuration(kubeconfig: Path, *, names: bool = True) -> str:
    """The configuration of stack dev, on the clusters of this kubeconfig, with or without a zone."""
    stack = CONFIGURATION.replace("./.fleet/kubeconfig", str(kubeconfig))
    return stack if names else DNS_SECTION.sub("", stack)


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory, figures: Figures) -> Iterator[Clusters]:
    start = time.monotonic()
    with running(tmp_path_factory.mktemp("fleet") / "kubeconfig") as found:
        figures.add("three clusters up", time.monotonic() - start)
        yield found


@pytest.fixture(scope="session")
def federation(clusters: Clusters, figures: Figures) -> Federation:
    stack = Stack(FLEET, fleets() / FLEET / "stack", clusters.kubeconfig)
    corefiles = {context: clusters.corefile(context) for context in MEMBERS.values()}
    stack.prepare(configuration(clusters.kubeconfig))
    code, log, seconds = timed_pulumi(stack, "up", *UNATTENDED)
    assert code == 0, log[-8000:]
    figures.add("pulumi up, from nothing to Ready, with names", seconds)
    given = clusters.kubeconfig.with_name("federation")
    write_private(given, everywhere(stack).encode())
    return Federation(Clusters(given), stack, log, corefiles)


@pytest.fixture(scope="module")
def zone(federation: Federation) -> Zone:
    """The zone of the federation, to be asked for the names of the example."""
    (server,) = json.loads(federation.stack.output("nameServers"))
    return Zone(server, NAMES)


@contextmanager
def running(kubeconfig: Path) -> Iterator[Clusters]:
    """The clusters of the topology dev, newly started, with their kubeconfig in this file; they end with the block."""
    clusters = Clusters(kubeconfig)
    # What a killed run left behind says nothing about this checkout.
    clusters.fleet("down")
    chosen = ["--cluster", HOST, *(f"--cluster={name}={context}" for name, context in MEMBERS.items())]
    try:
        up = clusters.fleet("up", *chosen, "--kubeconfig", str(kubeconfig), check=False)
        assert up.returncode == 0, up.stdout + up.stderr
        yield clusters
    finally:
        clusters.fleet("down")


@pytest.fixture(scope="session")
def google(
    federation: Federation, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory, figures: Figures
) -> Iterator[Google]:
    """Cloud DNS, which takes the federation's zone over from CoreDNS; it runs on until the federation is destroyed."""
    address = clusters.get(HOST, "node", HOST)["status"]["addresses"][0]["address"]
    bridge = f"{address.rpartition('.')[0]}.1"
    with mock_cloud_dns() as mock, GoogleFront(mock.address, tmp_path_factory.mktemp("google"), bridge) as front:
        google = {
            "project": "my-project",
            "dnsCustomEndpoint": mock.endpoint,
            "credentials": str(front.key),
            "proxy": {"url": front.url, "caBundle": front.authority},
        }
        settings = yaml.safe_load(federation.stack.settings.read_text())
        settings["config"]["federation:dns"] |= {"provider": "google-clouddns", "googleClouddns": google}
        federation.stack.settings.write_text(yaml.safe_dump(settings))
        code, log, seconds = federation.pulumi("up", *UNATTENDED)
        shown = leaks(log, googles_key(federation))
        assert not shown, f"pulumi up shows {shown}"
        assert code == 0, log[-8000:]
        figures.add("pulumi up, from CoreDNS to Cloud DNS", seconds)
        yield mock


def googles_key(federation: Federation) -> Mapping[str, str]:
    """What to look for: of the private key by which the federation writes to Cloud DNS."""
    settings = yaml.safe_load(federation.stack.settings.read_text())
    file = Path(settings["config"]["federation:dns"]["googleClouddns"]["credentials"])
    (part,) = private_parts(file.read_text())
    return needles({"google's key": part})


@pytest.fixture(scope="session")
def shell(federation: Federation, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell for the commands of the docs: in a folder with the project's files, with this stack chosen."""
    for package in ("bind9-dnsutils", "jq"):
        debian.bring(package)
    folder = tmp_path_factory.mktemp("documented")
    for name in ("Pulumi.yaml", "examples"):
        (folder / name).symlink_to(CHECKOUT / name)
    kubeconfigs = (federation.clusters.kubeconfig, clusters.kubeconfig)
    environment = {
        **federation.stack.environment(),
        "KUBECONFIG": os.pathsep.join(map(str, kubeconfigs)),
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }
    return Shell(folder, environment)


@pytest.fixture(scope="session")
def etcd_clients() -> str:
    """The folders of etcdctl and etcdutl, as PATH has them; where they cannot be had, who asks is not run."""
    try:
        return os.pathsep.join(str(find(pin, pin.name).path.parent) for pin in pins.OF_A_TEST)
    except ToolError:
        pytest.skip(needs.REASON + "etcdctl")


@pytest.fixture
def other_stack(tmp_path: Path, clusters: Clusters) -> Stack:
    """A stack without anything in it, for what is refused before anything is made."""
    os.environ.pop("KUBECONFIG", None)
    stack = Stack("other", tmp_path / "stack", clusters.kubeconfig)
    # The federation of the other tests has the same name and place, and is another stack's.
    text = configuration(clusters.kubeconfig)
    stack.prepare(text.replace(f"context: {HOST}", f"context: {HOST}\n    adopt: true"))
    return stack
