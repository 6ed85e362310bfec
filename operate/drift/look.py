"""Run the preview, print what it found, and answer with an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operate.drift import digest, summary
from operate.drift.digest import Failure

AS_CONFIGURED, COULD_NOT_LOOK, DRIFT = 0, 1, 2
PULUMI_CHANGES = 7
"""How `pulumi preview --expect-no-changes` ends when there are some."""
# Without the program, Pulumi would refresh by the credentials of the last run.
PREVIEW = ("preview", "--refresh", "--run-program", "--expect-no-changes", "--json", "--non-interactive")


def look(pulumi: str | Path, options: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
    """Run the preview in the folder of the program and print what it found; returns the exit code."""
    print("Looking at every object of the stack ...", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            [pulumi, *PREVIEW, *options],
            cwd=folder,
            env=environment,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except OSError as error:
        print(f"COULD NOT LOOK: {pulumi} cannot be run: {error.strerror}")
        return COULD_NOT_LOOK
    found = _digest(done.stdout)
    if found is None:
        print(f"COULD NOT LOOK: pulumi preview ended with {done.returncode}:\n{done.stderr.strip()}")
        return COULD_NOT_LOOK
    differences, failures = digest.differences(found), digest.failures(found)
    if not failures and done.returncode != (PULUMI_CHANGES if digest.has_changes(found) else 0):
        failures = [Failure("pulumi preview", f"ended with {done.returncode}: {done.stderr.strip()}", 1)]
    print("\n".join(summary.lines(differences, failures)))
    # Who has not seen everything does not say that there is nothing more.
    return COULD_NOT_LOOK if failures else DRIFT if differences else AS_CONFIGURED


def _digest(text: str) -> dict[str, Any] | None:
    """The preview's JSON; None if it ended before there was any."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
