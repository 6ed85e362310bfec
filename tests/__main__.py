"""`python -m tests [check]`: the linters and the type checker, then all tests; a line with its time for each step.

The tests on clusters wait more than they work: they run in two workers (pytest-xdist), each with clusters of its own.
`python -m pytest` runs whatever is asked for in one.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

PACKAGES = (
    "controllers",
    "drift",
    "embedded",
    "federation",
    "fleet",
    "language_host",
    "toolbox",
    "tests",
    "__main__.py",
)
CHECKS = {
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "lint": ("ruff", "check", "--quiet", "."),
    "types": ("mypy", *PACKAGES),
    "layers": ("lint-imports",),
}

TWO_WORKERS = ("-n", "2", "--dist", "loadgroup")
PARTS = {
    "tests without clusters": (*TWO_WORKERS, "tests/unit", "tests/component", "tests/upgrade"),
    "tests against the clock": ("-m", "speed", "tests/fleet"),
    "tests on clusters": (*TWO_WORKERS, "-v", "-m", "not speed", "tests/fleet", "tests/kill"),
}


def main() -> int:
    """Run every check, then (without `check`) the tests; the exit code is 0 if all of them passed."""
    failed = [name for name, command in CHECKS.items() if not _check(name, command)]
    if failed:
        print(f"error: {', '.join(failed)} failed; the tests were not run", file=sys.stderr)
        return 1
    if sys.argv[1:] == ["check"]:
        return 0
    failed = [name for name, chosen in PARTS.items() if not _test(name, chosen)]
    if failed:
        print(f"error: {', '.join(failed)} failed", file=sys.stderr)
    return 1 if failed else 0


def _check(name: str, command: tuple[str, ...]) -> bool:
    start = time.monotonic()
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], text=True, capture_output=True, check=False)
    print(f"{name:<10}{'ok' if done.returncode == 0 else 'FAILED':<8}{time.monotonic() - start:6.1f} s", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr)
    return done.returncode == 0


def _test(name: str, chosen: tuple[str, ...]) -> bool:
    print(f"\n{name}:", flush=True)
    start = time.monotonic()
    code = subprocess.run([sys.executable, "-m", "pytest", *chosen], check=False).returncode
    print(f"{name}: {'ok' if code == 0 else 'FAILED'} after {time.monotonic() - start:.0f} s", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
