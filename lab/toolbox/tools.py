"""A tool by its name: the ways to it in their order."""

import contextlib
from pathlib import Path

from lab.toolbox import store
from lab.toolbox.build import from_build
from lab.toolbox.build import home as built
from lab.toolbox.bundle import from_bundle
from lab.toolbox.errors import MissingError, ToolError
from lab.toolbox.found import Found, first
from lab.toolbox.own import on_path
from lab.toolbox.pins import ARCHIVES, PINS, Pin
from lab.toolbox.release import from_release


def tool(name: str) -> Path:
    """The path of a program, e.g. `kubelet`, which is unpacked, downloaded or built first if need be."""
    for pin in PINS:
        if name in pin.programs:
            return find(pin, name).path
    raise ToolError(f"{name}: no such tool; known are {', '.join(sorted(p for pin in PINS for p in pin.programs))}")


def archive(name: str) -> Path:
    """The path of a file that is used as it is, e.g. `karmada-crds`."""
    for pin in ARCHIVES:
        if name == pin.name:
            return find(pin, name).path
    raise ToolError(f"{name}: no such archive; known are {', '.join(sorted(pin.name for pin in ARCHIVES))}")


def find(pin: Pin, program: str, *, build: bool = True) -> Found:
    """One program of a tool, by the first way that has it; a build takes minutes, all else seconds."""
    ways = {
        "PATH": lambda: on_path(pin, program),
        "cache": lambda: _cached(pin, program),
        "FEDERATION_TOOLS": lambda: from_bundle(pin, program),
        "release": lambda: from_release(pin, program),
        "build": lambda: from_build(pin, program),
    }
    if not build:
        del ways["build"]
    return first(f"{program} {pin.version}", ways)


def is_here(pin: Pin, program: str) -> bool:
    """Whether a program can be had without a download or a build."""
    for way in (on_path, _cached, from_bundle):
        with contextlib.suppress(MissingError):
            way(pin, program)
            return True
    return False


def _cached(pin: Pin, program: str) -> Found:
    for folder in (store.home(pin), built(pin)):
        # One binary may serve under several names, of which a killed run has not linked all.
        if folder and store.holds((path := folder / (program + pin.suffix)).resolve()):
            return Found(path, "cache", fetched=False)
    raise MissingError(f"not in {store.root()}")
