"""etcd of the federation API has a full volume: the members keep what they have, and all goes on once there is room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.fleet.record import fleets
from lab.fleet.sandbox import Sandbox
from tests.figures import Figures
from tests.fleet.conftest import FLEET
from tests.fleet.engine_lab import API, MEMBERS, Lab, running, seconds_until

SIZE = 512 << 20
"""Bytes of the volume: etcd lays out two files of 64 MiB for its log before it begins."""
LEFT = 1 << 20
WRITES = 400
"""Of 64 KiB each: more than is left, and than is free inside etcd's file."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("full")) as found:
        found.join_both()
        found.kubectl(API, "create", "configmap", "before")
        seconds_until("it in both", lambda: _in_both(found, "before"))
        yield found


@pytest.fixture
def volume(lab: Lab) -> Path:
    """The small volume that the data of the federation API's etcd are on.

    It is mounted in the cluster's sandbox alone, and ends with it: a sandbox of another fleet that begins meanwhile
    would keep a mount of the machine's.
    """
    sandbox = Sandbox(fleets() / f"{FLEET}-engine" / "clusters" / API)
    data = sandbox.folder / "etcd"
    lab.fleet("stop", API, "--only", "etcd")
    sandbox.run(["cp", "-a", str(data), f"{data}.kept"])
    sandbox.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", str(data)])
    sandbox.run(["cp", "-a", f"{data}.kept/.", str(data)])
    lab.fleet("start", API)
    lab.revive()
    return Path(f"/proc/{sandbox.pid}/root{data}")


def test_the_members_keep_what_they_have_and_all_goes_on_once_there_is_room(
    lab: Lab, volume: Path, figures: Figures
) -> None:
    seconds_until("both Ready on the small volume", lambda: all(map(lab.is_ready, MEMBERS)))
    filler = volume / "filler"
    space = os.statvfs(volume)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - LEFT)
    assert _writes_until_refused(lab) < WRITES
    lab.kubectl("gondor", "delete", "configmap", "before")
    # Its Lease cannot be renewed either: nobody leads until there is room.
    filler.unlink()
    lab.fleet("start", API)
    figures.add(
        "engine: the federation API's volume has room again, until what was deleted in a member is put back",
        seconds_until("it is put back", lambda: _in_both(lab, "before"), 60),
    )
    lab.kubectl(API, "create", "configmap", "after")
    seconds_until("what was created after in both", lambda: _in_both(lab, "after"), 60)
    assert _in_both(lab, "before")


def _writes_until_refused(lab: Lab) -> int:
    text = "x" * (64 << 10)
    for number in range(WRITES):
        try:
            lab.kubectl(API, "create", "configmap", f"big-{number}", f"--from-literal=text={text}")
        except AssertionError:
            return number
    return WRITES


def _in_both(lab: Lab, name: str) -> bool:
    return all(lab.get(each, "configmap", name, "-n", "default") for each in MEMBERS)
