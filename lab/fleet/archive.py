"""Container images in docker's archive format: what an image is made of, and how it is written down.

An archive holds several images. A layer that several of them share is in it once.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FORMAT = "2"
"""To be changed with the layout that is written here or by a layer: it makes earlier archives invalid."""

Entry = tuple[tarfile.TarInfo, bytes]
"""A file or link of a layer, with its path in the image (no leading slash) and its content."""


class Layer(Protocol):
    """A part of an image's file system. Equal layers hold the same."""

    def content(self) -> str:
        """A name for what the layer holds. Asked for also when the archive is there already, so it has to be cheap."""

    def entries(self) -> Iterable[Entry]: ...


@dataclass(frozen=True)
class Program:
    """A single program, below /programs."""

    path: Path

    def content(self) -> str:
        with self.path.open("rb") as opened:
            return f"{self.path.name} {hashlib.file_digest(opened, 'sha256').hexdigest()}"

    def entries(self) -> Iterable[Entry]:
        yield file(f"programs/{self.path.name}", self.path)


@dataclass(frozen=True)
class Links:
    """Links that stand where the published image has its program; the names that a multi-call program is called by."""

    paths: tuple[str, ...]
    target: str

    def content(self) -> str:
        return json.dumps([self.paths, self.target])

    def entries(self) -> Iterable[Entry]:
        return (link(path, self.target) for path in self.paths)


@dataclass(frozen=True)
class Image:
    """One image under its published name."""

    name: str
    layers: tuple[Layer, ...]
    config: Mapping[str, str | list[str]]
    """How a container of it runs by default, in docker's terms: Env, Entrypoint, WorkingDir, User."""


def file(path: str, source: Path) -> Entry:
    """A file of this machine. Whoever runs in the image may read it, and execute it if its owner may here."""
    entry, status = tarfile.TarInfo(path), source.stat()
    entry.mode = 0o755 if status.st_mode & 0o100 else 0o644
    # Python tells by it whether a module was compiled from the source beside it.
    entry.mtime = int(status.st_mtime)
    return entry, source.read_bytes()


def link(path: str, target: str) -> Entry:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.linkname = tarfile.SYMTYPE, 0o755, target
    return entry, b""


def content(images: list[Image]) -> str:
    """A name for what an archive of these images holds."""
    contents = {layer: layer.content() for layer in {layer for image in images for layer in image.layers}}
    described = [[image.name, [contents[layer] for layer in image.layers], image.config] for image in images]
    return hashlib.sha256(json.dumps([FORMAT, described]).encode()).hexdigest()[:16]


def write(images: list[Image], archive: Path) -> None:
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        written: dict[Layer, str] = {}
        manifest = []
        for image in images:
            for layer in image.layers:
                if layer not in written:
                    written[layer] = _add(tar, _packed(layer))
            digests = [written[layer] for layer in image.layers]
            settings = {
                "architecture": "amd64",
                "os": "linux",
                "config": image.config,
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
            }
            config = _add(tar, json.dumps(settings).encode(), suffix=".json")
            paths = [f"{digest}.tar" for digest in digests]
            manifest.append({"Config": f"{config}.json", "RepoTags": [image.name], "Layers": paths})
        _add_file(tar, "manifest.json", json.dumps(manifest).encode())


def _packed(layer: Layer) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        # Programs that run as another user than root write here.
        shared = tarfile.TarInfo("tmp")
        shared.type, shared.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(shared)
        for entry, data in layer.entries():
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, data: bytes, suffix: str = ".tar") -> str:
    """Adds a file that is named by its own digest, which is returned."""
    digest = hashlib.sha256(data).hexdigest()
    _add_file(tar, digest + suffix, data)
    return digest


def _add_file(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
