"""The fleet itself: it survives being killed half-way, finds what others left, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.fleet.cgroups import hierarchies
from lab.fleet.record import Record, fleets
from lab.fleet.waiting import wait_until
from lab.stack import CHECKOUT
from lab.toolbox import tool
from tests.figures import Figures
from tests.fleet.conftest import FLEET

SPARE = f"{FLEET}-spare"
FOLDER = fleets() / SPARE


def _fleet(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(_command(*arguments), cwd=CHECKOUT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lab.fleet", "--fleet", SPARE, *arguments]


@pytest.fixture(scope="module", autouse=True)
def spare() -> Iterator[None]:
    _fleet("down")
    yield
    _fleet("down")


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    return tmp_path / "kubeconfig"


def _identity(kubeconfig: Path) -> str:
    _fleet("kubeconfig", "-o", str(kubeconfig))
    asked = [str(tool("kubectl")), "--kubeconfig", str(kubeconfig), "get", "namespace", "kube-system"]
    return subprocess.check_output([*asked, "-o", "jsonpath={.metadata.uid}"], text=True)


def test_a_start_that_was_killed_half_way_is_completed_by_the_next(kubeconfig: Path) -> None:
    half = subprocess.Popen(_command("up", "--cluster", "solo"), cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    pids = FOLDER / "clusters" / "solo" / "pids"
    wait_until("etcd to be started", lambda: pids.exists() and any(pids.iterdir()), 30)
    half.kill()
    half.wait()
    _fleet("up")
    assert _identity(kubeconfig)
    assert "running, node Ready" in _fleet("status").stdout


def test_a_second_start_changes_nothing(kubeconfig: Path) -> None:
    before = _identity(kubeconfig), sorted(pid.read_text() for pid in FOLDER.glob("clusters/solo/pids/*"))
    _fleet("up")
    assert (_identity(kubeconfig), sorted(pid.read_text() for pid in FOLDER.glob("clusters/solo/pids/*"))) == before


def test_in_version_2_of_control_groups_the_programs_are_beside_the_pods() -> None:
    """A group with processes of its own cannot enable controllers for the pods below it."""
    cluster = FOLDER / "clusters" / "solo"
    recorded = [_text(file).split() for file in (cluster / "holder", cluster / "init", *cluster.glob("pids/*"))]
    running = {words[0] for words in recorded if words}
    for hierarchy in (each for each in hierarchies() if (each / "cgroup.controllers").exists()):
        group = hierarchy / f"federation-fleet.{SPARE}.solo"
        assert not (group / "cgroup.procs").read_text()
        assert running <= set((group / "programs" / "cgroup.procs").read_text().split())


def test_a_cluster_comes_back_from_a_power_loss_with_its_data(kubeconfig: Path) -> None:
    before = _identity(kubeconfig)
    _fleet("stop", "solo")
    assert "stopped" in _fleet("status").stdout
    _fleet("start", "solo")
    assert _identity(kubeconfig) == before


def test_down_leaves_no_process_mount_bridge_route_or_file(figures: Figures) -> None:
    record = Record.load(SPARE)
    assert record is not None
    bridge = f"fleet{record.slot}"
    assert _left_behind(bridge), "the look for what is left finds nothing even while the fleet runs"
    _fleet("down")
    _wait_until_gone(bridge)
    figures.add("left behind after down", len(_left_behind(bridge)), "things")


def test_what_another_checkout_left_is_taken_down_first(kubeconfig: Path) -> None:
    _fleet("up", "--api-only", "solo")
    before = _identity(kubeconfig)
    file = FOLDER / "record.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "owner": "/nowhere/another-checkout"}))
    said = _fleet("up", "--api-only", "solo").stdout
    assert f"it belongs to /nowhere/another-checkout; taking fleet {SPARE} down first" in said
    assert _identity(kubeconfig) != before


def test_a_network_that_something_still_holds_is_in_nobodys_way() -> None:
    _fleet("up", "--api-only", "solo")
    record = Record.load(SPARE)
    assert record is not None
    inside = ["nsenter", "--target", (FOLDER / "clusters/solo/init").read_text().split()[0], "--net"]
    # As the kernel does for minutes, when a killed program had connections open.
    with subprocess.Popen([*inside, "sleep", "300"]) as holding:
        try:
            _fleet("down")
            _wait_until_gone(f"fleet{record.slot}")
            _fleet("up", "--api-only", "solo")
        finally:
            holding.kill()


def _wait_until_gone(bridge: str) -> None:
    # The kernel may still be burying the last process when the command ends.
    wait_until(f"{_left_behind(bridge)} to go", lambda: not _left_behind(bridge), 30)


def _left_behind(bridge: str) -> list[str]:
    """Processes, mounts, links, routes, cgroups and files of the fleet on this machine."""
    # A cgroup's path tells whose a process is, whatever it calls itself.
    processes = [
        f"process {file.parent.name}" for file in Path("/proc").glob("[0-9]*/cgroup") if f".{SPARE}." in _text(file)
    ]
    mounts = [line for line in _text(Path("/proc/self/mounts")).splitlines() if str(FOLDER) in line]
    links = subprocess.check_output(["ip", "-o", "link"], text=True).splitlines()
    routes = subprocess.check_output(["ip", "route"], text=True).splitlines()
    cgroups = [str(folder) for each in hierarchies() for folder in each.glob(f"federation-fleet.{SPARE}.*")]
    names = (f"{bridge} ", f"{bridge}:", f"{bridge}n")
    network = [line for line in [*links, *routes] if any(name in line for name in names)]
    return [*processes, *mounts, *network, *cgroups, *([str(FOLDER)] if FOLDER.exists() else [])]


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
