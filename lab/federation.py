"""Up and down: the fleet, the stack on it, and the kubeconfig that a user then works with."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from federation.settings import kubeconfig
from lab.fleet.private import write_private
from lab.fleet.record import Record, fleets, locked
from lab.fleet.waiting import FleetError
from lab.stack import CHECKOUT, Stack, run
from lab.toolbox import tool
from operate.drift.look import look

FLEET = STACK = "dev"
CONFIGURATION = CHECKOUT / f"Pulumi.{STACK}.yaml"
FOLDER = CHECKOUT / ".fleet"
CLUSTERS, FEDERATION = FOLDER / "clusters", FOLDER / "federation"
"""Kubeconfigs: of the fleet, and the one that the stack gives out."""
KUBECONFIG = FOLDER / "kubeconfig"
"""Both in one."""
UNATTENDED = ("--yes", "--skip-preview", "--skip-plugin-pre-install")
"""The last: the toolbox has installed the plugins, and Pulumi takes a second to list the packages that need them."""
NEXT = """
The federation is up. What to try next:
  kubectl --kubeconfig .fleet/kubeconfig --context fellowship get clusters
  source .fleet/env                     puts pulumi and kubectl on PATH, set up for this stack
  pulumi preview --refresh $STACK       shows what differs from the configuration
  make demo                             a Service in both members, its names, and a member without power
  make drift                            says what somebody changed or deleted by hand
  make up                               converges it again, after a change to Pulumi.dev.yaml
  make down                             takes everything back
"""


def up() -> None:
    """Start what is missing of the fleet, converge the stack, write kubeconfig and environment."""
    # A second one would find the stack that the first is making half made.
    with locked(FOLDER):
        configuration = checked(CONFIGURATION)
        fleet("up", "--kubeconfig", str(CLUSTERS), *(f"--needs={each}" for each in published(configuration)))
        _write_kubeconfig()
        stack = stack_of_dev()
        stack.prepare(configuration)
        refresh = ["--refresh"] if stack.pick_up() else []
        stack.pulumi("up", *refresh, *UNATTENDED, *stack.options)
        write_private(FEDERATION, stack.output("kubeconfig").encode())
        _write_kubeconfig()
        _write_environment(stack)
    print(NEXT)


def down() -> None:
    """Destroy the stack and take the fleet down; what cannot be destroyed any more goes with its clusters."""
    with locked(FOLDER):
        try:
            _destroy(stack_of_dev())
        # After a reboot or on a full disk each step may fail in its own way, and none is a reason to keep the clusters.
        except Exception as error:
            print(
                f"The federation is not destroyed in order: {_reason(error)}. "
                "What it has in the clusters goes with them.",
                file=sys.stderr,
            )
        fleet("down")
        shutil.rmtree(FOLDER, ignore_errors=True)


def _destroy(stack: Stack) -> None:
    running = Record.load(FLEET)
    if running and running.owner == str(CHECKOUT) and stack.settings.exists():
        # Finalizers run in clusters that are up.
        fleet("up", "--kubeconfig", str(CLUSTERS))
        stack.pick_up()
        stack.pulumi("destroy", "--yes", "--skip-preview", *stack.options)


def _reason(error: Exception) -> str:
    """In one line. What a command wrote to the terminal stands above it."""
    if isinstance(error, subprocess.CalledProcessError):
        words = f"`{' '.join(map(str, error.cmd))}` ended with {error.returncode} {error.stderr or ''}"
    else:
        words = f"{type(error).__name__}: {error}"
    return " ".join(words.split()).rstrip(".")


def checked(file: Path) -> str:
    """The text of a Pulumi.<stack>.yaml, without salt; a FleetError for what no stack of a fleet can use.

    `pulumi config set --secret` writes a salt there, and values that it encrypts by it. The stack has a salt of its
    own, in the fleet's folder, and goes with the fleet: it could not read them.
    """
    try:
        with file.open("rb") as stream:
            settings = yaml.safe_load(stream)
    except yaml.YAMLError as error:
        raise FleetError(f"{file} is no YAML: {error}") from None
    if not isinstance(settings, dict) or not isinstance(settings.get("config"), dict):
        raise FleetError(f"{file} has no mapping `config`; docs/configuration.md says what is in it")
    if encrypted := list(_encrypted(settings["config"])):
        raise FleetError(
            f"{file}: {', '.join(encrypted)} is encrypted (`secure:`), which the stack of `make up` cannot read; "
            "allowed is a plain value, of Google's key the path of its file"
        )
    return re.sub(r"^encryptionsalt:.*\n?", "", file.read_text(), flags=re.MULTILINE)


def _encrypted(value: object, path: str = "") -> Iterator[str]:
    match value:
        case dict() if value.keys() == {"secure"}:
            yield path
        case dict():
            for key, each in value.items():
                yield from _encrypted(each, f"{path}.{key}".removeprefix("."))
        case list():
            for index, each in enumerate(value):
                yield from _encrypted(each, f"{path}[{index}]")


def published(configuration: str) -> list[str]:
    """What of `toolbox.pins.IMAGES` a stack with this configuration (Pulumi.<stack>.yaml) runs in its host."""
    config = yaml.safe_load(configuration)["config"]
    zone = config.get("federation:dns")
    uses = {
        "karmada": config.get("federation:engine", "karmada") == "karmada",
        # What is no mapping is refused by the program itself, which tells all that is wrong at once.
        "external-dns": isinstance(zone, dict) and zone.get("provider") == "google-clouddns",
    }
    return [name for name, used in uses.items() if used]


def drift() -> int:
    """Compare what runs with the configuration, as CI does it; the exit code of `python -m operate.drift`."""
    stack = made()
    return look(tool("pulumi"), stack.options, os.environ | stack.environment(), CHECKOUT)


def stack_of_dev() -> Stack:
    """The stack that `make up` works on."""
    return Stack(STACK, fleets() / FLEET / "stack", KUBECONFIG)


def made() -> Stack:
    """The same, where `make up` has made it; else a FleetError."""
    stack = stack_of_dev()
    if not stack.settings.exists():
        raise FleetError("there is no stack here: run `make up` first")
    return stack


def fleet(*arguments: str) -> None:
    """One command of its fleet."""
    run([sys.executable, "-m", "lab.fleet", "--fleet", FLEET, *arguments])


def _write_kubeconfig() -> None:
    parts = [kubeconfig.load([file]) for file in (CLUSTERS, FEDERATION) if file.exists()]
    write_private(KUBECONFIG, kubeconfig.dump(kubeconfig.merge(parts)).encode())


def _write_environment(stack: Stack) -> None:
    variables = {**stack.environment(), "STACK": shlex.join(stack.options)}
    # The shell outlives the stack. Much else that is started in it needs a temporary folder, and memory.
    del variables["TMPDIR"], variables["GOGC"]
    variables["PATH"] = variables["PATH"].removesuffix(os.environ["PATH"]) + "$PATH"
    lines = [f'export {name}="{value}"' for name, value in variables.items()]
    write_private(FOLDER / "env", "\n".join([*lines, ""]).encode())
