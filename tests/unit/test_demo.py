"""make demo: whom it asks for what."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lab.demo import Demo, Member
from lab.stack import Stack

pytestmark = pytest.mark.unit

KUBECONFIG = "current-context: fellowship"
MEMBERS = (
    {"name": "gondor", "context": "g", "region": "middle-earth", "zones": ["minas-tirith", "osgiliath"]},
    {"name": "rohan", "context": "rohan", "region": "middle-earth", "zones": []},
)


def test_a_member_without_zones_is_at_its_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {"nameServers": ["192.0.2.1"], "zone": "example.com.", "kubeconfig": KUBECONFIG, "members": MEMBERS}
    told = subprocess.CompletedProcess("pulumi", 0, json.dumps(outputs))
    monkeypatch.setattr(Stack, "pulumi", lambda *_, **__: told)
    assert Demo.of(Stack("dev", tmp_path, tmp_path), tmp_path).members == [
        Member("gondor", "g", "middle-earth", ("minas-tirith", "middle-earth")),
        Member("rohan", "rohan", "middle-earth", ("middle-earth",)),
    ]
