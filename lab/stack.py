"""A Pulumi stack of the program that lives beside the fleet it manages, and goes with it.

State, passphrase and settings (with the encryption salt, which Pulumi writes there) are in the fleet's folder: no
tracked file changes, and a fleet that is taken down takes along the state that spoke of its clusters.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.fleet.private import write_private
from lab.fleet.waiting import FleetError
from lab.toolbox import bundle, store, tool
from lab.toolbox.plugins import pulumi_home
from operate import unfinished

CHECKOUT = Path(__file__).resolve().parent.parent
SECONDS_TO_DROP_ALL = 10


@dataclass(frozen=True)
class Stack:
    """A stack called `name`, with its files in `home` and the kubeconfig of its clusters at `kubeconfig`."""

    name: str
    home: Path
    kubeconfig: Path

    @property
    def settings(self) -> Path:
        """The stack's own copy of its configuration."""
        return self.home / f"Pulumi.{self.name}.yaml"

    @property
    def options(self) -> list[str]:
        """What a pulumi command needs to work on this stack."""
        return ["--stack", self.name, "--config-file", str(self.settings)]

    @property
    def scratch(self) -> Path:
        """Temporary files of its runs, among them a kubeconfig for each provider (docs/access.md, "Secrets")."""
        return self.home / "tmp"

    def environment(self) -> dict[str, str]:
        """The variables for pulumi, kubectl and the like; none of them is a secret, some name files that are."""
        return {
            "PATH": f"{store.links()}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(pulumi_home()),
            # Beside each file Pulumi keeps one that says what is in it, and empties it before it writes: a run that is
            # killed in between leaves a state that cannot be read ("failed to load checkpoint: EOF").
            "PULUMI_BACKEND_URL": f"file://{self.home}?metadata=skip",
            # For whoever works on it by hand, as the commands of docs/ do: `pulumi stack output` then needs no name.
            "PULUMI_STACK": self.name,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.home / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # `make` has installed what can be had: each run would try five times to download the gcp plugin.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Without the program, refresh and destroy would go by the credentials of the last run.
            "PULUMI_RUN_PROGRAM": "true",
            # Most of a bring-up is waiting on clusters; the default, four per core, leaves this machine idle then.
            "PULUMI_PARALLEL": "32",
            # The state lives as long as the fleet, and is written after each of a few hundred steps.
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            # A built plugin does not know the option enablePatchForce, which clusters.py sets for all providers.
            "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
            # The program itself knows no folder beside the repository.
            "FEDERATION_TOOLS": str(bundle.folder()),
            "KUBECONFIG": str(self.kubeconfig),
            "TMPDIR": str(self.scratch),
            # Of memory there is more than of processors: see lab/fleet/sandbox.py.
            "GOGC": "400",
        }

    def prepare(self, configuration: str) -> None:
        """Make the stack if it is not there; `configuration` is the text of its Pulumi.<stack>.yaml, without salt.

        A FleetError if the salt is lost with a state that may hold resources.
        """
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.scratch.mkdir(exist_ok=True)
        passphrase = self.home / "passphrase"
        if not passphrase.exists():
            write_private(passphrase, secrets.token_urlsafe(32).encode())
        shutil.copyfile(CHECKOUT / "Pulumi.yaml", self.home / "Pulumi.yaml")
        salt = self._salt()
        write_private(self.settings, (configuration + (f"\nencryptionsalt: {salt}\n" if salt else "")).encode())
        if not salt:
            # A run that was killed in between has left a stack whose salt nobody knows, and nothing in it.
            shutil.rmtree(self.home / ".pulumi", ignore_errors=True)
            # From within its home, as `stack init` writes the salt into the settings of the folder it runs in.
            self.pulumi("stack", "init", self.name, folder=self.home, capture=True)

    def _salt(self) -> str | None:
        """Of the settings, else of the state, which has it too; None where there is no stack with anything in it."""
        text = self.settings.read_text() if self.settings.exists() else ""
        if found := re.search(r"^encryptionsalt: (\S+)$", text, re.MULTILINE):
            return found[1]
        states = self.home / ".pulumi" / "stacks"
        # Pulumi packs it (.json.gz) where the environment says so.
        for state in set(states.glob(f"*/{self.name}.json*")) - set(states.glob("*/*.bak")):
            try:
                latest = json.loads(state.read_text())["checkpoint"].get("latest") or {}
                if "secrets_providers" in latest or "resources" in latest:
                    return str(latest["secrets_providers"]["state"]["salt"])
            except (ValueError, KeyError, TypeError, AttributeError):
                raise FleetError(
                    f"the settings of stack {self.name} have lost their encryption salt, and its state {state} tells "
                    "none; `make down` takes both away, with the clusters"
                ) from None
        return None

    def pick_up(self) -> bool:
        """Take up what a killed run left: its lock, and what it had begun (docs/day-2.md, "A run that was killed").

        Returns whether there was one. The lock of a run that is alive stays: Pulumi then says who holds it.
        """
        locks = list(self.home.glob(".pulumi/locks/**/*.json"))
        if not locks or any(_held(lock) for lock in locks):
            return False
        stack = ("--stack", self.name)
        self.pulumi("cancel", "--yes", *stack, capture=True)
        exported = json.loads(self.state())
        if unfinished.begun(exported):
            self.pulumi("stack", "import", *stack, capture=True, given=json.dumps(unfinished.take_up(exported)))
        return True

    def pulumi(
        self,
        *arguments: str,
        folder: Path = CHECKOUT,
        check: bool = True,
        capture: bool = False,
        given: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run one pulumi command on the input `given`; its display goes to the terminal unless it is captured."""
        command = [str(tool("pulumi")), *arguments]
        return run(command, folder, os.environ | self.environment(), check=check, capture=capture, given=given)

    def state(self, *flags: str) -> str:
        """All that Pulumi knows of the stack, as JSON; secrets are encrypted, but with `--show-secrets`."""
        return self.pulumi("stack", "export", *flags, "--stack", self.name, capture=True).stdout

    def output(self, name: str) -> str:
        """One output of the stack, secrets shown."""
        return self.pulumi("stack", "output", name, "--show-secrets", "--stack", self.name, capture=True).stdout


def run(
    command: list[str],
    folder: Path = CHECKOUT,
    environment: dict[str, str] | None = None,
    *,
    check: bool = True,
    capture: bool = False,
    given: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """As subprocess.run, but Ctrl-C is the command's to answer: it is waited for, then KeyboardInterrupt is raised.

    subprocess.run kills it after a quarter of a second, and with it what pulumi was about to take back.
    """
    inward, outward = subprocess.PIPE if given is not None else None, subprocess.PIPE if capture else None
    with subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdin=inward, stdout=outward, stderr=outward
    ) as process:
        try:
            output, errors = process.communicate(given)
        except KeyboardInterrupt:
            try:
                # The terminal sends the signal to the command, too.
                process.communicate()
            except KeyboardInterrupt:
                # At a second one pulumi drops what it does, and ends by itself.
                with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                    process.wait(SECONDS_TO_DROP_ALL)
                process.kill()
            raise
    if check and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output, errors)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _held(lock: Path) -> bool:
    """Whether the run that wrote this lock is alive.

    Pulumi notes a pid and no start time: after a reboot, any daemon may have the pid. What is no lock, as a power cut
    leaves it, is held by nobody.
    """
    try:
        pid = json.loads(lock.read_text())["pid"]
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return lock.stat().st_mtime > booted and "pulumi" in Path(f"/proc/{pid}/comm").read_text()
    except (OSError, ValueError, KeyError, TypeError):
        return False
