"""The cache: a file is in it whole and verified, or not at all."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from lab.toolbox.errors import ToolError
from lab.toolbox.pins import Pin

CHUNK = 1 << 20


class Readable(Protocol):
    """What a packed file, an archive's member and an answer of a server have in common."""

    def read(self, size: int, /) -> bytes: ...


def root() -> Path:
    """The cache's folder; it belongs to the user, not to the checkout, so that every checkout shares it."""
    if chosen := os.environ.get("FEDERATION_CACHE"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kube-federation" / "tools"


def home(pin: Pin) -> Path:
    """The folder of one tool in one version, and of programs that look for each other beside themselves."""
    return root() / f"{pin.name}-{pin.version}"


def links() -> Path:
    """The folder with a link for every program, for a PATH."""
    return root() / "bin"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process or thread in at a time: the next one finds the work done instead of repeating it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def put(file: Path, content: Readable, origin: str, *, sha256: str | None = None, size: int | None = None) -> None:
    """Write `content` to `file`, executable, all or nothing, and remember its checksum.

    To be called under `locked`, which makes a fixed temporary name safe; so a killed run's leftover is
    overwritten by the next one.
    """
    part = file.with_name(file.name + ".part")
    digest = hashlib.sha256()
    try:
        with part.open("wb") as target:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
                target.write(chunk)
        if size is not None and size != part.stat().st_size:
            raise OSError(f"ended after {part.stat().st_size} of {size} bytes")
        if sha256 is not None and sha256 != digest.hexdigest():
            raise ToolError(
                f"{origin}: wrong checksum of {file.name}\n"
                f"  expected sha256 {sha256}\n"
                f"  found    sha256 {digest.hexdigest()}\n"
                "The file is damaged or was exchanged: get it anew."
            )
        part.chmod(0o755)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    _stamp(file).write_text(_seal(file, digest.hexdigest()))


def holds(file: Path, sha256: str | None = None) -> bool:
    """Tell whether `file` is as `put` left it, and has this checksum if one is given, without reading it."""
    try:
        stamp = _stamp(file).read_text()
        return stamp == _seal(file, sha256 or stamp.partition(" ")[0])
    except FileNotFoundError:
        return False


def drop(file: Path) -> None:
    """Take out what `put` put in."""
    file.unlink(missing_ok=True)
    _stamp(file).unlink(missing_ok=True)


def link(name: Path, target: Path) -> None:
    """Make `name` a link to `target`, replacing what is there without a moment in which nothing is."""
    if name.is_symlink() and name.readlink() == target:
        return
    part = name.with_name(f".{name.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(name)


def _stamp(file: Path) -> Path:
    return file.with_name(f".{file.name}.verified")


def _seal(file: Path, sha256: str) -> str:
    status = file.stat()
    return f"{sha256} {status.st_size} {status.st_mtime_ns}"
