"""Up and down: the fleet, the stack on it, and the kubeconfig that a user then works with."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from embedded.stack import CHECKOUT, Stack
from federation import kubeconfig
from fleet.private import write_private
from fleet.record import BrokenRecordError, Record, fleets

FLEET = STACK = "dev"
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
  source .fleet/env                     puts pulumi, kubectl and karmadactl on PATH, set up for this stack
  pulumi preview --refresh $STACK       shows what differs from the configuration
  make up                               converges it again, after a change to Pulumi.dev.yaml
  make down                             takes everything back
"""


def up() -> None:
    """Start what is missing of the fleet, converge the stack, write kubeconfig and environment."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    _fleet("up", "--kubeconfig", str(CLUSTERS))
    _write_kubeconfig()
    stack = _stack()
    stack.prepare((CHECKOUT / f"Pulumi.{STACK}.yaml").read_text())
    stack.pulumi("up", *UNATTENDED, *stack.options)
    write_private(FEDERATION, stack.output("kubeconfig").encode())
    _write_kubeconfig()
    _write_environment(stack)
    print(NEXT)


def down() -> None:
    """Destroy the stack and take the fleet down; what cannot be destroyed any more goes with its clusters."""
    stack = _stack()
    try:
        fleet = Record.load(FLEET)
    except BrokenRecordError:
        fleet = None
    if fleet and fleet.owner == str(CHECKOUT) and stack.settings.exists():
        _fleet("up", "--kubeconfig", str(CLUSTERS))
        done = stack.pulumi("destroy", "--yes", "--skip-preview", *stack.options, check=False)
        if done.returncode:
            print("What pulumi destroy could not take back goes with the fleet.", file=sys.stderr)
    _fleet("down")
    shutil.rmtree(FOLDER, ignore_errors=True)


def _stack() -> Stack:
    return Stack(STACK, fleets() / FLEET / "stack", KUBECONFIG)


def _fleet(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "fleet", "--fleet", FLEET, *arguments], cwd=CHECKOUT, check=True)


def _write_kubeconfig() -> None:
    parts = [kubeconfig.load([file]) for file in (CLUSTERS, FEDERATION) if file.exists()]
    write_private(KUBECONFIG, kubeconfig.dump(kubeconfig.merge(parts)).encode())


def _write_environment(stack: Stack) -> None:
    variables = {**stack.environment(), "STACK": shlex.join(stack.options)}
    variables["PATH"] = variables["PATH"].removesuffix(os.environ["PATH"]) + "$PATH"
    lines = [f'export {name}="{value}"' for name, value in variables.items()]
    write_private(FOLDER / "env", "\n".join([*lines, ""]).encode())
