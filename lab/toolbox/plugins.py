"""Pulumi's resource plugins, in a PULUMI_HOME of our own, so that the user's stays as it is.

Pulumi looks a plugin up by its kind and version, and takes what lies there for what was released as that. What we
have built is another thing under that name: it is in the cache under its own, and in PULUMI_HOME only as a link.
"""

import contextlib
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

from lab.toolbox import store
from lab.toolbox.build import from_build
from lab.toolbox.build import home as built
from lab.toolbox.bundle import from_bundle
from lab.toolbox.errors import MissingError
from lab.toolbox.found import Found, first
from lab.toolbox.pins import Pin
from lab.toolbox.release import reach
from lab.toolbox.tools import tool

RELEASED = ".released"
"""Marks the folder of a plugin that Pulumi has downloaded."""
DOWNLOADS = "https://get.pulumi.com/releases/plugins"


def pulumi_home() -> Path:
    """A home for Pulumi of our own, beside the tools: the user's logins, plugins and settings stay untouched.

    Pulumi 3.260 logs every property of every run into the folder `logs` of its home, which takes half of the
    engine's time and cannot be turned off; a plain file in its place does it, at the price of `pulumi logs`.
    """
    home = store.root() / "pulumi-home"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (home / "logs").exists():
        (home / "logs").touch()
    return home


def install_plugin(pin: Pin, *, build: bool = True) -> Found:
    """One plugin, by the first way that has it; a build takes minutes, all else seconds."""
    ways = {
        "PULUMI_HOME": lambda: _installed(pin),
        "cache": lambda: _linked(pin, _cached(pin)),
        "FEDERATION_TOOLS": lambda: _linked(pin, from_bundle(pin, pin.name, _bundled(pin))),
        "release": lambda: _released(pin),
        "build": lambda: _linked(pin, from_build(pin, pin.name)),
    }
    if not build:
        del ways["build"]
    return first(f"{pin.name} {pin.version}", ways)


def is_here(pin: Pin) -> bool:
    """Whether a plugin can be had without a download or a build."""
    for way in (_installed, _cached, lambda pin: from_bundle(pin, pin.name, _bundled(pin))):
        with contextlib.suppress(MissingError):
            way(pin)
            return True
    return False


def is_built(pin: Pin) -> bool:
    """Whether what is installed is not the released plugin but what the Go module proxy has."""
    return (_folder(pin) / pin.name).is_symlink()


def _folder(pin: Pin) -> Path:
    return pulumi_home() / "plugins" / f"{pin.name.removeprefix('pulumi-')}-v{pin.version}"


def _bundled(pin: Pin) -> Path:
    """The bundle's plugins were built, too."""
    return store.home(replace(pin, version=pin.build.version) if pin.build else pin)


def _installed(pin: Pin) -> Found:
    folder = _folder(pin)
    program = folder / pin.name
    # Pulumi leaves this marker beside a plugin whose installation was cut short.
    if folder.with_name(folder.name + ".partial").exists() or not program.is_file():
        raise MissingError(f"no complete {folder}")
    if program.is_symlink():
        if program.resolve() not in {path.resolve() for path in _built(pin)}:
            raise MissingError(f"{program} leads to an earlier build")
    elif not (folder / RELEASED).exists():
        raise MissingError(f"nobody knows whether {program} was released")
    return Found(folder, "PULUMI_HOME", fetched=False)


def _cached(pin: Pin) -> Found:
    for path in _built(pin):
        return Found(path, "cache", fetched=False)
    raise MissingError(f"not in {store.root()}")


def _built(pin: Pin) -> list[Path]:
    folders = [_bundled(pin), *filter(None, [built(pin)])]
    return [path for folder in folders if store.holds(path := folder / pin.name)]


def _linked(pin: Pin, found: Found) -> Found:
    folder = _folder(pin)
    folder.mkdir(parents=True, exist_ok=True)
    store.link(folder / pin.name, found.path)
    (folder / RELEASED).unlink(missing_ok=True)
    folder.with_name(folder.name + ".partial").unlink(missing_ok=True)
    return Found(folder, found.source, found.fetched)


def _released(pin: Pin) -> Found:
    # Pulumi tries several times, each with its own time-out.
    reach(DOWNLOADS)
    name = pin.name.removeprefix("pulumi-resource-")
    command = ["plugin", "install", "--reinstall", "resource", name, pin.version]
    done = subprocess.run(
        [tool("pulumi"), *command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PULUMI_HOME": str(pulumi_home()), "PULUMI_SKIP_UPDATE_CHECK": "true"},
    )
    if done.returncode != 0:
        # The first complaint tells the cause, the ones after it are about trying again.
        complaints = re.findall(r"^(?:warning|error): (.*)", done.stdout, re.MULTILINE)
        reason = complaints[0] if complaints else f"exit code {done.returncode}"
        raise MissingError(f"`pulumi {' '.join(command)}`: {reason}")
    (_folder(pin) / RELEASED).touch()
    return Found(_installed(pin).path, "release by pulumi", fetched=True)
