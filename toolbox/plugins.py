"""Pulumi's resource plugins, which live in PULUMI_HOME and are put there by `pulumi` itself."""

import os
import re
import subprocess
from pathlib import Path

from toolbox.bundle import from_bundle
from toolbox.errors import MissingError
from toolbox.found import Found, first
from toolbox.pins import Pin
from toolbox.tools import tool


def install_plugin(pin: Pin) -> Found:
    """One plugin, by the first way that has it."""
    return first(
        f"{pin.name} {pin.version}",
        {
            "PULUMI_HOME": lambda: _installed(pin),
            "FEDERATION_TOOLS": lambda: _from_bundle(pin),
            "release": lambda: _from_release(pin),
        },
    )


def _installed(pin: Pin) -> Found:
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folder = home / "plugins" / f"{pin.name.removeprefix('pulumi-')}-v{pin.version}"
    # Pulumi leaves this marker beside a plugin whose installation was cut short.
    if folder.with_name(folder.name + ".partial").exists() or not (folder / pin.name).is_file():
        raise MissingError(f"no complete {folder}")
    return Found(folder, "PULUMI_HOME", fetched=False)


def _from_bundle(pin: Pin) -> Found:
    unpacked = from_bundle(pin, pin.name)
    _install(pin, "--file", str(unpacked.path))
    return Found(_installed(pin).path, unpacked.source, fetched=True)


def _from_release(pin: Pin) -> Found:
    _install(pin)
    return Found(_installed(pin).path, "release by pulumi", fetched=True)


def _install(pin: Pin, *options: str) -> None:
    name = pin.name.removeprefix("pulumi-resource-")
    command = ["plugin", "install", "resource", name, pin.version, *options]
    done = subprocess.run(
        [tool("pulumi"), *command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
    )
    if done.returncode != 0:
        # The first complaint tells the cause, the ones after it are about trying again.
        complaints = re.findall(r"^(?:warning|error): (.*)", done.stdout, re.MULTILINE)
        reason = complaints[0] if complaints else f"exit code {done.returncode}"
        raise MissingError(f"`pulumi {' '.join(command)}`: {reason}")
