"""A stack on which a run was killed: its lock and what it had begun are taken up, unless it is alive."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

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


def stack(home: Path, pulumi: Commands, monkeypatch: pytest.MonkeyPatch, *, lock: int | None) -> Stack:
    if lock is not None:
        file = home / ".pulumi" / "locks" / "organization" / "federation" / "dev" / "1.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"pid": lock}))
    monkeypatch.setattr(Stack, "pulumi", staticmethod(pulumi))
    return Stack("dev", home, home / "kubeconfig")


@pytest.fixture
def dead() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    return ended.pid


def test_without_a_lock_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = Commands(BEGUN)
    assert not stack(tmp_path, pulumi, monkeypatch, lock=None).pick_up()
    assert pulumi.asked == []


def test_the_lock_of_a_living_run_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = Commands(BEGUN)
    assert not stack(tmp_path, pulumi, monkeypatch, lock=os.getpid()).pick_up()
    assert pulumi.asked == []


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
