"""The sets of images that clusters need, under their published names, and the cache of their archives.

An image is made from the same program that runs outside of containers: its layer, which other images may share, and
a layer of links at the paths where the published image has its program. Archives are named by what went into them
and kept in the user's cache, so that only the first fleet has to make them.
"""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab.fleet import published, python_image
from lab.fleet.archive import PATH, Image, Links, Program, content, write
from lab.fleet.record import locked
from lab.fleet.sandbox import require
from lab.toolbox import tool

PAUSE = ["/bin/sh", "-c", "trap exit TERM INT; while :; do sleep 86400 & wait; done"]
"""What holds a pod's namespaces: it reaps the processes that are left to it, and ends when it is told to.

The published one does just that, and is nowhere to be had without a container registry.
"""


def base() -> list[Image]:
    """What every cluster with a node needs."""
    busybox = Path(require("busybox", "busybox-static"))
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return [
        of_program("registry.k8s.io/pause:3.10", busybox, ("bin/sh", "bin/sleep"), PAUSE),
        of_program("registry.k8s.io/coredns/coredns:v1.12.1", tool("coredns"), ("coredns",), ["/coredns"]),
        of_program("docker.io/library/busybox:1.36", busybox, tuple(f"bin/{each}" for each in ("busybox", *applets))),
    ]


def control_plane() -> list[Image]:
    """What the host of a federation's control plane runs besides."""
    kubernetes = ("kube-apiserver", "kube-controller-manager")
    return [
        *(of_program(f"registry.k8s.io/{name}:v1.34.4", tool(name), (f"usr/local/bin/{name}",)) for name in kubernetes),
        of_program("registry.k8s.io/etcd:v3.6.16", tool("etcd"), ("usr/local/bin/etcd",)),
    ]


def own() -> list[Image]:
    """What this repository makes itself; apart from the rest, which is larger and changes less."""
    return [python_image.controllers(cache() / "packages")]


SETS: dict[str, Callable[[], list[Image]]] = {"base": base, "control-plane": control_plane, "own": own}


def of_program(name: str, program: Path, paths: tuple[str, ...], entrypoint: list[str] | None = None) -> Image:
    """An image of a single program that needs nothing else, found at these paths of the image."""
    program = program.resolve()
    layers = (Program(program), Links(paths, f"/programs/{program.name}"))
    return Image(name, layers, {"Env": [f"PATH={PATH}"], "Entrypoint": entrypoint or []})


UNUSED_SECONDS = 3600
"""Archives of other code are deleted after so long: another checkout may be about to load one."""


def cached(kind: str) -> Path:
    """The archive with this set of images, made or copied now if there is none of the same content."""
    if kind not in SETS:
        return published.cached(kind, cache() / "images")
    images = SETS[kind]()
    folder = cache() / "images"
    with locked(folder):
        archive = folder / f"{kind}.{content(images)}.tar"
        if not archive.exists():
            for other in folder.glob(f"{kind}.*"):
                if time.time() - other.stat().st_mtime > UNUSED_SECONDS:
                    other.unlink()
            new = archive.with_suffix(".new")
            write(images, new)
            new.rename(archive)
        archive.touch()
        return archive


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kube-federation"
