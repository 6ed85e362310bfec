"""The control groups of a cluster: all of its processes and pods are below one group in each hierarchy.

They are the only thing of a sandbox that the kernel does not take away with it.

Version 2 has one hierarchy for all controllers. A group there may have processes, or enable controllers for the groups
below it, but not both; only the machine's topmost group may. So a cluster's programs are in a group of their own,
beside those of its pods.
"""

import os
from contextlib import suppress
from pathlib import Path

from lab.fleet.waiting import FleetError, wait_until

PREFIX = "federation-fleet."
PROGRAMS = "programs"
CONTROLLERS = ("cpu", "memory")
"""What pods have shares and limits of."""
MOUNTS = Path("/proc/mounts")


def name(fleet: str, cluster: str) -> str:
    return f"{PREFIX}{fleet}.{cluster}"


def hierarchies() -> list[Path]:
    """Where they are mounted; version 1 of control groups has a hierarchy for each controller."""
    return [where for where, _ in _mounts()]


def require() -> None:
    """Refuses a machine whose control groups are not for pods; where they only have to be enabled, they are."""
    usable = {controller for where, options in _mounts() for controller in (*options, *_controllers(where))}
    if missing := [controller for controller in CONTROLLERS if controller not in usable]:
        raise FleetError(
            f"pods need control groups for {' and '.join(missing)}, and no hierarchy in /proc/mounts has them: "
            "see that /sys/fs/cgroup is mounted, and that /proc/cmdline has no cgroup_disable"
        )
    for hierarchy in hierarchies():
        _enable(hierarchy)


def make(group: str) -> None:
    """The group in every hierarchy, ready to be entered."""
    for folder in (hierarchy / group for hierarchy in hierarchies()):
        folder.mkdir(exist_ok=True)
        if _version_2(folder.parent):
            (folder / PROGRAMS).mkdir(exist_ok=True)
        # A new group of version 1 has no processor and no memory to run on until it is told which.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (folder.parent / "cgroup.sane_behavior").exists() and (folder / file).exists():
                (folder / file).write_text((folder.parent / file).read_text())


def of_programs(folder: Path) -> Path:
    """The group that the programs are in: one below this in version 2, this one in version 1."""
    return below if (below := folder / PROGRAMS).exists() else folder


def enable(group: str) -> None:
    """Enables the controllers for the pods; nothing may run in the group itself any more.

    What is enabled in here cannot be disabled above: systemd does that with what none of its own units needs.
    """
    for folder in left(group):
        _enable(folder.parent)
        _enable(folder)


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


def _mounts() -> list[tuple[Path, list[str]]]:
    """Each hierarchy's place and mount options; in version 1 its controllers are among these."""
    mounts = [line.split() for line in MOUNTS.read_text().splitlines()]
    return [
        (Path(where), options.split(",")) for _, where, kind, options, *_ in mounts if kind in ("cgroup", "cgroup2")
    ]


def _version_2(folder: Path) -> bool:
    return (folder / "cgroup.controllers").exists()


def _controllers(folder: Path) -> list[str]:
    """Those that this group of version 2 can enable for the groups below it; none in version 1."""
    return (folder / "cgroup.controllers").read_text().split() if _version_2(folder) else []


def _enable(folder: Path) -> None:
    """Enables for the groups below what pods need; nothing where version 1 has that, with or without a version 2."""
    if wanted := [f"+{controller}" for controller in CONTROLLERS if controller in _controllers(folder)]:
        file = folder / "cgroup.subtree_control"
        try:
            file.write_text(" ".join(wanted))
        except OSError as problem:
            raise FleetError(
                f"pods need the controllers {' and '.join(CONTROLLERS)}, and they cannot be enabled in {file} "
                f"({problem.strerror}); in a container, that takes privileges and the machine's own cgroup namespace"
            ) from problem
