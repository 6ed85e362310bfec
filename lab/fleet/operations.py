"""What each verb of the command line does, over the clusters of a fleet."""

import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from lab.fleet import cgroups, images, network, published
from lab.fleet.api import FAILURES
from lab.fleet.bringup import bring_up
from lab.fleet.cluster import Cluster
from lab.fleet.ownership import existing, mine
from lab.fleet.record import Record, fleets, locked
from lab.fleet.sandbox import require
from lab.fleet.settings import CNI_PLUGINS
from lab.fleet.takedown import anything_of, take_down
from lab.fleet.waiting import FleetError, Progress, cancelled

DEFAULT = {"rivendell": "rivendell", "gondor": "gondor_needs-no_king", "rohan": "rohan"}

PACKAGES = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "busybox": "busybox-static",
    "ip": "iproute2",
    "nft": "nftables",
}

INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
INSTANCES_OF_MANY = 1024
"""A node takes about 20 of them, of all that root's processes may have together; Debian's default is 128."""


def clusters(fleet: Record) -> list[Cluster]:
    return [Cluster(fleet, member) for member in fleet.members]


def up(name: str, full: dict[str, str], api_only: list[str], needs: Iterable[str], say: Progress) -> Record:
    """Starts the fleet, or whatever of it is missing; its host gets the published images of `needs`, too."""
    for program, package in PACKAGES.items():
        require(program, package)
    if not (CNI_PLUGINS / "ptp").exists():
        raise FleetError(f"{CNI_PLUGINS}/ptp is missing: apt-get install containernetworking-plugins")
    cgroups.require()
    _allow_many_nodes()
    kinds = [kind for need in needs for kind in published.kinds(need)]
    # Before anything starts, as without them nothing will run on what was started.
    for kind in kinds:
        images.cached(kind)
    with locked(fleets() / name):
        fleet = mine(name, say)
        if not full and not api_only and not fleet.members:
            full = DEFAULT
        for cluster, context in full.items():
            fleet.add(cluster, context, api_only=False)
        for cluster in api_only:
            fleet.add(cluster, cluster, api_only=True)
        fleet.published.extend(kind for kind in kinds if kind not in fleet.published)
        fleet.save()
        network.make_bridge(name, fleet.slot)
        _start(clusters(fleet), say)
    return fleet


def _allow_many_nodes() -> None:
    """Else the kubelet of the sixth node or so ends with `too many open files`."""
    if (allowed := int(INOTIFY_INSTANCES.read_text())) >= INSTANCES_OF_MANY:
        return
    # Where it must not be written, as in many a container, a few nodes still do with what there is.
    with suppress(OSError):
        INOTIFY_INSTANCES.write_text(str(INSTANCES_OF_MANY))
        print(
            f"{INOTIFY_INSTANCES} raised from {allowed} to {INSTANCES_OF_MANY}, until this machine reboots", flush=True
        )


def _start(chosen: list[Cluster], say: Progress) -> None:
    """Brings these clusters up side by side. One that fails does not keep the others from coming up."""
    kinds = {kind for each in chosen for kind in each.image_kinds if not each.images(kind).exists()}
    with ThreadPoolExecutor(1) as making, ThreadPoolExecutor(16) as starting:
        archives = {kind: making.submit(images.cached, kind) for kind in sorted(kinds)}
        results = [starting.submit(bring_up, cluster, archives, say) for cluster in chosen]
        try:
            problems = [problem for result in results if (problem := result.exception())]
        except KeyboardInterrupt:
            cancelled.set()
            raise
    if problems:
        raise FleetError("\n".join(str(problem) for problem in problems))


def stop(name: str, cluster: str, only: list[str]) -> None:
    """As if its power had gone: nothing gets a chance to say goodbye, what is on disk stays."""
    existing(name).member(cluster)
    with locked(fleets() / name):
        fleet = existing(name)
        chosen = Cluster(fleet, fleet.member(cluster))
        known = [program.name for program in chosen.programs]
        if unknown := set(only) - set(known):
            raise FleetError(f"{cluster} has no program {', '.join(sorted(unknown))}; it has {', '.join(known)}")
        for program in only:
            chosen.sandbox.kill(program)
        if not only:
            chosen.sandbox.destroy()


def start(name: str, cluster: str, say: Progress) -> None:
    existing(name).member(cluster)
    with locked(fleets() / name):
        fleet = existing(name)
        network.make_bridge(name, fleet.slot)
        _start([Cluster(fleet, fleet.member(cluster))], say)


def down(name: str, say: Progress) -> None:
    if not anything_of(name):
        print(f"there is no fleet {name}")
        return
    with locked(fleets() / name):
        take_down(name, say)
        shutil.rmtree(fleets() / name)
    with suppress(OSError):
        fleets().rmdir()


def status(name: str) -> None:
    for cluster in clusters(existing(name)):
        print(f"{cluster.name:<12} {cluster.member.context:<22} {cluster.server:<24} {_state(cluster)}")


def _state(cluster: Cluster) -> str:
    if not cluster.sandbox.running():
        return "stopped"
    missing = [program.name for program in cluster.missing()]
    running = f"running without {', '.join(missing)}" if missing else "running"
    try:
        ready, pods = cluster.pods()
    except FAILURES:
        return f"{running}, API does not answer"
    if cluster.member.api_only:
        return f"{running}, no node"
    return f"{running}, node {'Ready' if cluster.node_ready() else 'not Ready'}, {ready} of {pods} pods ready"
