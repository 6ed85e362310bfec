"""A tool by its name: the three ways in their order."""

from pathlib import Path

from toolbox.bundle import from_bundle
from toolbox.errors import ToolError
from toolbox.found import Found, first
from toolbox.own import on_path
from toolbox.pins import ARCHIVES, PINS, Pin
from toolbox.release import from_release


def tool(name: str) -> Path:
    """The path of a program, e.g. `kubelet`, which is unpacked or downloaded first if need be."""
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


def find(pin: Pin, program: str) -> Found:
    """One program of a tool, by the first way that has it."""
    return first(
        f"{program} {pin.version}",
        {
            "PATH": lambda: on_path(pin, program),
            "FEDERATION_TOOLS": lambda: from_bundle(pin, program),
            "release": lambda: from_release(pin, program),
        },
    )
