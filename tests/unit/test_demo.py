"""make demo: whom it asks for what."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from dns.exception import Timeout

from federation.settings.names import ServiceNames
from lab.demo import Demo, Member
from lab.fleet.waiting import FleetError, wait_until
from lab.stack import Stack
from lab.zone import Zone

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


def test_without_outputs_make_up_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "pulumi", lambda *_, **__: subprocess.CompletedProcess("pulumi", 0, "{}"))
    with pytest.raises(FleetError, match="run `make up` first"):
        Demo.of(Stack("dev", tmp_path, tmp_path), tmp_path)


@pytest.mark.parametrize("error", [Timeout, ConnectionRefusedError])
def test_a_name_server_that_is_silent_for_a_moment_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    silent = [True]

    def addresses(_: Zone) -> set[str]:
        if silent:
            silent.clear()
            raise error
        return {"192.0.2.7"}

    monkeypatch.setattr(Zone, "addresses", addresses)
    zone = Zone("192.0.2.1", ServiceNames("web", "default", "fellowship", "example.com."))
    wait_until("its address", lambda: zone.agrees(lambda: zone.addresses() == {"192.0.2.7"}), 20)
