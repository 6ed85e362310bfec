"""The third way: the folder of packed tools that FEDERATION_TOOLS names, unpacked once into the cache."""

import json
import lzma
import os
from dataclasses import dataclass
from pathlib import Path

from lab.toolbox import store
from lab.toolbox.errors import MissingError, ToolError
from lab.toolbox.found import Found
from lab.toolbox.machine import this_platform
from lab.toolbox.pins import Pin

DEFAULT = "../shared/tools"
TOP = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Entry:
    """One file of the bundle, as its manifest describes it."""

    name: str
    version: str
    packed: Path
    sha256: str
    """Of the unpacked file."""


def from_bundle(pin: Pin, program: str, home: Path | None = None) -> Found:
    """The bundle's program, unpacked into `home`; default: the cache's folder of that tool and version.

    A wrong checksum is an error at once, not a reason to look further.
    """
    entry = _entry(folder(), program)
    if entry.version != pin.version:
        raise MissingError(f"{folder()} has it in version {entry.version}")
    home = home or store.home(pin)
    path = home / (program + pin.suffix)
    # A binary that serves under several names is kept under its own, with a link for each of them.
    file = home / (entry.name + pin.suffix)
    with store.locked(home):
        fetched = not store.holds(file, entry.sha256)
        if fetched:
            _unpack(entry, file)
        if path != file:
            store.link(path, Path(file.name))
    return Found(path, f"bundle {_chosen()}", fetched)


def folder() -> Path:
    """The folder that FEDERATION_TOOLS names, else the one beside the repository; it need not be there."""
    return (TOP / DEFAULT).resolve() if _chosen() == DEFAULT else Path(_chosen()).absolute()


def _chosen() -> str:
    return os.environ.get("FEDERATION_TOOLS") or DEFAULT


def _entry(home: Path, program: str) -> Entry:
    path = home / "manifest.json"
    try:
        manifest = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise MissingError(f"no {path}") from None
    except ValueError as reason:
        raise ToolError(f"{path} is not JSON: {reason}") from None
    if manifest["platform"] != this_platform():
        raise MissingError(f"{home} is for {manifest['platform']}, this machine is {this_platform()}")
    for tool in manifest["tools"]:
        if program in tool.get("programs", [tool["name"]]):
            return Entry(tool["name"], tool["version"], home / tool["file"], tool["sha256"])
    raise MissingError(f"{path} does not list it")


def _unpack(entry: Entry, file: Path) -> None:
    try:
        with lzma.open(entry.packed) if entry.packed.suffix == ".xz" else entry.packed.open("rb") as content:
            store.put(file, content, str(entry.packed), sha256=entry.sha256)
    except FileNotFoundError:
        raise MissingError(f"{entry.packed} is in the manifest, but is not there") from None
    except (lzma.LZMAError, EOFError) as reason:
        raise ToolError(f"{entry.packed} cannot be unpacked: {reason}\nThe file is damaged: get it anew.") from None
