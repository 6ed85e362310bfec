"""A stack on which a run was killed: what it left is taken up unless the run is alive, and no state is lost."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.fleet.waiting import FleetError
from lab.stack import Stack
from operate import unfinished

pytestmark = pytest.mark.unit

BEGUN = {
    "type": "creating",
    "resource": {
        "urn": "urn:pulumi:dev::federation::kubernetes:core/v1:Namespace::karmada-system",
        "type": "kubernetes:core/v1:Namespace",
        "inputs": {"apiVersion": "v1", "metadata": {"name": "karmada-system"}},
    },
}

LOCK = Path(".pulumi/locks/organization/federation/dev/1.json")


class Commands:
    """Stands in for pulumi: what it was asked, and a stack to export."""

    def __init__(self, *pending: dict[str, Any]) -> None:
        self.asked: list[str] = []
        self.exported = {"deployment": {"resources": [], "pending_operations": list(pending)}}
        self.imported = ""

    def __call__(self, *arguments: str, given: str = "", **_: object) -> subprocess.CompletedProcess[str]:
        self.asked.append(" ".join(argument for argument in arguments if argument in ("cancel", "export", "import")))
        self.imported = given
        return subprocess.CompletedProcess(arguments, 0, json.dumps(self.exported))


def stack(home: Path, pulumi: Commands, monkeypatch: pytest.MonkeyPatch, *, lock: int | str | None) -> Stack:
    if lock is not None:
        file = home / LOCK
        file.parent.mkdir(parents=True)
        file.write_text(lock if isinstance(lock, str) else json.dumps({"pid": lock}))
    monkeypatch.setattr(Stack, "pulumi", staticmethod(pulumi))
    return Stack("dev", home, home / "kubeconfig")


@pytest.fixture
def dead() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    return ended.pid


@pytest.fixture
def running(tmp_path: Path) -> Iterator[int]:
    """The id of a process called pulumi, that is alive."""
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\necho started\nread line\n")
    program.chmod(0o755)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid
        process.communicate()


def test_without_a_lock_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = Commands(BEGUN)
    assert not stack(tmp_path, pulumi, monkeypatch, lock=None).pick_up()
    assert pulumi.asked == []


@pytest.mark.programs
def test_the_lock_of_a_living_run_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: int) -> None:
    pulumi = Commands(BEGUN)
    assert not stack(tmp_path, pulumi, monkeypatch, lock=running).pick_up()
    assert pulumi.asked == []


@pytest.mark.programs
def test_a_lock_from_before_the_boot_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: int) -> None:
    pulumi = Commands()
    found = stack(tmp_path, pulumi, monkeypatch, lock=running)
    os.utime(tmp_path / LOCK, (0, 0))
    assert found.pick_up()
    assert pulumi.asked == ["cancel", "export"]


# The number differs from worker to worker, and a name of a test must not.
@pytest.mark.parametrize("lock", [pytest.param(os.getpid(), id="of another"), "", "{}", "[]", '{"pid": null}'])
def test_a_lock_of_no_pulumi_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: int | str) -> None:
    pulumi = Commands()
    assert stack(tmp_path, pulumi, monkeypatch, lock=lock).pick_up()
    assert pulumi.asked == ["cancel", "export"]


@pytest.mark.programs
def test_what_a_dead_run_had_begun_is_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: int) -> None:
    pulumi = Commands(BEGUN)
    assert stack(tmp_path, pulumi, monkeypatch, lock=dead).pick_up()
    assert pulumi.asked == ["cancel", "export", "import"]
    assert json.loads(pulumi.imported) == unfinished.take_up(pulumi.exported)


@pytest.mark.programs
def test_a_state_with_nothing_begun_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: int) -> None:
    pulumi = Commands()
    assert stack(tmp_path, pulumi, monkeypatch, lock=dead).pick_up()
    assert pulumi.asked == ["cancel", "export"]


@pytest.mark.programs
@pytest.mark.needs("pulumi")
@pytest.mark.parametrize("left", ["", "config: {federation:name: fell"])
def test_settings_that_were_cut_off_get_their_salt_from_the_state(tmp_path: Path, left: str) -> None:
    made = Stack("dev", tmp_path, tmp_path / "kubeconfig")
    made.prepare("config: {}\n")
    exported = made.state()
    (salt,) = [line for line in made.settings.read_text().splitlines() if line.startswith("encryptionsalt: ")]
    made.settings.write_text(left)
    made.prepare("config: {}\n")
    assert made.settings.read_text() == f"config: {{}}\n\n{salt}\n"
    assert made.state() == exported
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    ("name", "content"),
    [("dev.json", ""), ("dev.json.gz", "\x1f"), ("dev.json", '{"checkpoint": {"latest": {"resources": [{}]}}}')],
)
def test_a_state_that_may_hold_something_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    pulumi = Commands()
    made = stack(tmp_path, pulumi, monkeypatch, lock=None)
    state = tmp_path / ".pulumi" / "stacks" / "federation" / name
    state.parent.mkdir(parents=True)
    state.write_text(content)
    with pytest.raises(FleetError, match=r"lost their encryption salt, .*dev\.json.*`make down` takes both away"):
        made.prepare("config: {}\n")
    assert state.read_text() == content
    assert pulumi.asked == []


def test_a_stack_that_was_only_begun_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = Commands()
    made = stack(tmp_path, pulumi, monkeypatch, lock=None)
    begun = tmp_path / ".pulumi" / "stacks" / "federation" / "dev.json"
    begun.parent.mkdir(parents=True)
    begun.write_text('{"version":0,"checkpoint":{"stack":"organization/federation/dev"}}')
    made.prepare("config: {}\n")
    assert not begun.exists()
    assert len(pulumi.asked) == 1
