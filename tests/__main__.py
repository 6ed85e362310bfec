"""`python -m tests [check | quick]`: linters and type checker, then the tests, and a table of what came of each part.

`check` ends after the linters, `quick` after the tests that start no process; these need nothing but Python.
The tests on clusters wait more than they work: they run in two workers (pytest-xdist), each with clusters of its own.
`python -m pytest` runs whatever is asked for in one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.outcome import Outcome, missing, table

PACKAGES = (
    "controllers",
    "federation",
    "kube",
    "lab",
    "language_host",
    "operate",
    "provider",
    "tests",
    "__main__.py",
)
CHECKS = {
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "lint": ("ruff", "check", "--quiet", "."),
    "types": ("mypy", *PACKAGES),
    "layers": ("lint-imports",),
}

WORKERS = ("-n", "4", "--dist", "loadgroup")
FLEETS = ("-n", "2", "--dist", "loadgroup")
QUICK = {
    "tests without processes": (*WORKERS, "-m", "not programs", "tests/unit", "tests/component"),
}
PARTS = {
    **QUICK,
    "tests of programs": (
        *WORKERS,
        "-m",
        "programs and not speed",
        "tests/unit",
        "tests/programs",
        "tests/upgrade",
    ),
    "tests against the clock": ("-m", "speed", "tests/fleet", "tests/programs"),
    # In the order in which they stand: by itself pytest-xdist keeps groups of one test, long or not, to the end.
    "tests on clusters": (
        *FLEETS,
        "--no-loadscope-reorder",
        "-v",
        "-m",
        "not speed",
        "tests/kill",
        "tests/fleet",
    ),
}
QUICK_CASES = 200
CASES = 10_000
"""Of each property of what the engine applies."""
EMPTY = 5
"""pytest's exit code when no test was chosen."""


def main() -> int:
    """Run every check, then (without `check`) the tests; the exit code is 0 if all of them passed, and enough."""
    failed = [name for name, command in CHECKS.items() if not _check(name, command)]
    if failed:
        print(f"error: {', '.join(failed)} failed, and no test was run", file=sys.stderr)
        return 1
    if sys.argv[1:] == ["check"]:
        return 0
    quick = sys.argv[1:] == ["quick"]
    outcomes = {
        name: _test(name, chosen, QUICK_CASES if quick else CASES)
        for name, chosen in (QUICK if quick else PARTS).items()
    }
    print("\n" + table(outcomes), flush=True)
    errors = [f"{name} failed" for name, outcome in outcomes.items() if not outcome.ok]
    errors += missing(outcomes.values(), ("quick",) if quick else ("all", "fleet"))
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return 1 if errors else 0


def _check(name: str, command: tuple[str, ...]) -> bool:
    start = time.monotonic()
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], text=True, capture_output=True, check=False)
    print(f"{name:<10}{'ok' if done.returncode == 0 else 'FAILED':<8}{time.monotonic() - start:6.1f} s", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr)
    return done.returncode == 0


def _test(name: str, chosen: tuple[str, ...], cases: int) -> Outcome:
    print(f"\n{name}:", flush=True)
    start = time.monotonic()
    environment = {**os.environ, "FEDERATION_TEST_CASES": str(cases)}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "outcome.json"
        code = subprocess.run(
            [sys.executable, "-m", "pytest", *chosen, "--outcome", str(report)], check=False, env=environment
        ).returncode
        return Outcome.read(report, code in (0, EMPTY), time.monotonic() - start)


if __name__ == "__main__":
    sys.exit(main())
