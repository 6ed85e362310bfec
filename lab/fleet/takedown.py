"""Takes everything of a fleet away, whatever state it is in, and looks whether anything is left.

Works from the recorded processes, the bridge's alias and the names of the control groups, not from the fleet's
record: that may be missing or wrong.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from lab.fleet import cgroups, network
from lab.fleet.record import fleets
from lab.fleet.sandbox import Sandbox
from lab.fleet.waiting import FleetError, Progress


def anything_of(name: str) -> bool:
    groups = cgroups.left(cgroups.name(name, "*"))
    return (fleets() / name).exists() or network.bridge_of(name) is not None or bool(groups)


def take_down(name: str, say: Progress) -> None:
    """Everything but the fleet's folder itself, which the caller holds the lock of."""
    folders = sorted((fleets() / name).glob("clusters/*"))
    with ThreadPoolExecutor(16) as pool:
        for folder, _ in zip(folders, pool.map(lambda folder: Sandbox(folder).destroy(), folders), strict=True):
            say(folder.name, "programs, pods and mounts gone")
    cgroups.remove(cgroups.name(name, "*"))
    if bridge := network.remove_bridge(name):
        say(name, f"bridge {bridge} and its routes gone")
    _verify_no_mounts(name)
    for path in (fleets() / name).iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    say(name, "data gone")


def _verify_no_mounts(name: str) -> None:
    """A sandbox that is still there, in whatever state, shows by its mounts of the fleet's folder.

    Comes before the data are deleted: what is mounted somewhere may be more than the fleet's.
    """
    mark = f"{fleets() / name}/clusters/"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "mountinfo").read_text():
                raise FleetError(f"process {process.name} still has mounts of fleet {name}; nothing was deleted")
