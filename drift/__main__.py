"""`python -m drift [OPTION OF pulumi preview]...`: what is not as configured, by exit code and in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drift import digest, summary
from drift.digest import Failure

AS_CONFIGURED, COULD_NOT_LOOK, DRIFT = 0, 1, 2
PULUMI_CHANGES = 7
"""How `pulumi preview --expect-no-changes` ends when there are some."""
# Without the program, Pulumi would refresh by the credentials of the last run.
LOOK = ("preview", "--refresh", "--run-program", "--expect-no-changes", "--json", "--non-interactive")
USAGE = f"""usage: python -m drift [OPTION OF pulumi preview]...     such as: python -m drift --stack prod

Compares every object that the stack manages with its configuration, and changes nothing. Exit codes:
  {AS_CONFIGURED}  all is as configured
  {DRIFT}  drift: something was changed or deleted by hand, or the configuration was not applied
  {COULD_NOT_LOOK}  could not look, or not at everything: a cluster does not answer, or the stack cannot be read

It runs `pulumi {" ".join(LOOK)}` in this folder; pulumi must be on PATH.
Secrets are named, never shown."""


def main() -> int:
    """Look at the stack that the arguments name; the exit code says what was found."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(USAGE)
        return 0
    return look("pulumi", sys.argv[1:], os.environ, Path.cwd())


def look(pulumi: str | Path, options: Sequence[str], environment: Mapping[str, str], folder: Path) -> int:
    """Run the preview in the folder of the program and print what it found; returns the exit code."""
    print("Looking at every object of the stack ...", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            [pulumi, *LOOK, *options],
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
    if not failures and done.returncode != (PULUMI_CHANGES if differences else 0):
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


if __name__ == "__main__":
    sys.exit(main())
