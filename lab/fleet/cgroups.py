"""The control groups of a cluster: all of its processes and pods are below one group in each hierarchy.

They are the only thing of a sandbox that the kernel does not take away with it.
"""

import os
from contextlib import suppress
from pathlib import Path

from lab.fleet.waiting import wait_until

PREFIX = "federation-fleet."


def name(fleet: str, cluster: str) -> str:
    return f"{PREFIX}{fleet}.{cluster}"


def hierarchies() -> list[Path]:
    """Where they are mounted; version 1 of control groups has a hierarchy for each controller."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(where) for _, where, kind, *_ in mounts if kind in ("cgroup", "cgroup2")]


def make(group: str) -> None:
    """The group in every hierarchy, ready to be entered."""
    for folder in (hierarchy / group for hierarchy in hierarchies()):
        folder.mkdir(exist_ok=True)
        # A new group of version 1 has no processor and no memory to run on until it is told which.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (folder.parent / "cgroup.sane_behavior").exists() and (folder / file).exists():
                (folder / file).write_text((folder.parent / file).read_text())


def left(pattern: str) -> list[Path]:
    return [folder for hierarchy in hierarchies() for folder in hierarchy.glob(pattern)]


def remove(pattern: str) -> None:
    def gone() -> bool:
        for group in left(pattern):
            for folder, _, _ in os.walk(group, topdown=False):
                # Busy as long as the kernel is not done with a process that was killed; then it is tried again.
                with suppress(OSError):
                    Path(folder).rmdir()
        return not left(pattern)

    wait_until(f"the control groups {pattern} to go", gone, 20)
