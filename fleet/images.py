"""Container images under their published names, made from the same programs that run outside of containers.

An archive (docker's format) holds several images. A program that several images share is in it once, as a layer of
its own; each image adds a layer of links at the paths where the published image has its program. Archives are
named by what went into them and kept in the user's cache, so that only the first fleet has to make them.
"""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fleet.record import locked
from fleet.sandbox import require
from toolbox import tool

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FORMAT = "1"
"""To be changed with the layout that is written here: it makes earlier archives in the cache invalid."""


@dataclass(frozen=True)
class Image:
    """One image and the single program in it."""

    name: str
    program: Path
    paths: tuple[str, ...]
    """Where the program is found in the image; the names that a multi-call program is called by."""
    entrypoint: list[str] = field(default_factory=list)


def base() -> list[Image]:
    """What every cluster with a node needs."""
    busybox = Path(require("busybox", "busybox-static"))
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return [
        Image("registry.k8s.io/pause:3.10", tool("pause"), ("pause",), ["/pause"]),
        Image("registry.k8s.io/coredns/coredns:v1.12.1", tool("coredns"), ("coredns",), ["/coredns"]),
        Image("docker.io/library/busybox:1.36", busybox, tuple(f"bin/{each}" for each in ("busybox", *applets))),
    ]


def control_plane() -> list[Image]:
    """What the host of a federation's control plane runs besides."""
    kubernetes = ("kube-apiserver", "kube-controller-manager")
    karmada = ("aggregated-apiserver", "controller-manager", "scheduler", "webhook")
    return [
        *(Image(f"registry.k8s.io/{name}:v1.34.4", tool(name), (f"usr/local/bin/{name}",)) for name in kubernetes),
        *(
            Image(f"docker.io/karmada/karmada-{name}:v1.18.2", tool(f"karmada-{name}"), (f"bin/karmada-{name}",))
            for name in karmada
        ),
        Image("registry.k8s.io/etcd:3.6.6-0", tool("etcd"), ("usr/local/bin/etcd",)),
        Image(
            "registry.k8s.io/external-dns/external-dns:v0.22.0",
            tool("external-dns"),
            ("bin/external-dns",),
            ["/bin/external-dns"],
        ),
    ]


SETS: dict[str, Callable[[], list[Image]]] = {"base": base, "control-plane": control_plane}


def cached(kind: str) -> Path:
    """The archive with this set of images, made now if there is none of the same content."""
    images = SETS[kind]()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kube-federation" / "images"
    with locked(cache):
        archive = cache / f"{kind}.{content(images)}.tar"
        if not archive.exists():
            for outdated in cache.glob(f"{kind}.*"):
                outdated.unlink()
            new = archive.with_suffix(".new")
            write(images, new)
            new.rename(archive)
        return archive


def content(images: list[Image]) -> str:
    """A name for what an archive of these images holds."""
    programs = {image.program.resolve() for image in images}
    digests = {str(program): _digest(program) for program in sorted(programs)}
    described = [[i.name, digests[str(i.program.resolve())], i.paths, i.entrypoint] for i in images]
    return hashlib.sha256(json.dumps([FORMAT, described]).encode()).hexdigest()[:16]


def write(images: list[Image], archive: Path) -> None:
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        programs: dict[Path, str] = {}
        manifest = []
        for image in images:
            program = image.program.resolve()
            if program not in programs:
                programs[program] = _add_program(tar, program)
            links = _layer(_link(path, f"/programs/{program.name}") for path in image.paths)
            layers = [programs[program], _add(tar, links)]
            settings = {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Env": [f"PATH={PATH}"], "Entrypoint": image.entrypoint},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}" for layer in layers]},
            }
            config = _add(tar, json.dumps(settings).encode(), suffix=".json")
            paths = [f"{layer}.tar" for layer in layers]
            manifest.append({"Config": f"{config}.json", "RepoTags": [image.name], "Layers": paths})
        _add_file(tar, "manifest.json", json.dumps(manifest).encode())


def _add_program(tar: tarfile.TarFile, program: Path) -> str:
    return _add(tar, _layer([(_entry(f"programs/{program.name}", tarfile.REGTYPE), program.read_bytes())]))


def _add(tar: tarfile.TarFile, data: bytes, suffix: str = ".tar") -> str:
    """Adds a file that is named by its own digest, which is returned."""
    digest = hashlib.sha256(data).hexdigest()
    _add_file(tar, digest + suffix, data)
    return digest


def _add_file(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _layer(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        # Programs that run as another user than root write here.
        layer.addfile(_entry("tmp", tarfile.DIRTYPE, mode=0o1777))
        for entry, data in entries:
            entry.size = len(data)
            layer.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _link(path: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    entry = _entry(path, tarfile.SYMTYPE)
    entry.linkname = target
    return entry, b""


def _entry(path: str, kind: bytes, mode: int = 0o755) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode = kind, mode
    return entry


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
