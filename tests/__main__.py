"""`python -m tests [check]`: the linters and the type checker, then all tests; a line with its time for each step."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

PACKAGES = ("dns_controller", "drift", "embedded", "federation", "fleet", "toolbox", "tests", "__main__.py")
CHECKS = {
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "lint": ("ruff", "check", "--quiet", "."),
    "types": ("mypy", *PACKAGES),
    "layers": ("lint-imports",),
}


def main() -> int:
    """Run every check, then (without `check`) the tests; the exit code is 0 if all of them passed."""
    failed = [name for name, command in CHECKS.items() if not _check(name, command)]
    if failed:
        print(f"error: {', '.join(failed)} failed; the tests were not run", file=sys.stderr)
        return 1
    if sys.argv[1:] == ["check"]:
        return 0
    return subprocess.run([sys.executable, "-m", "pytest"], check=False).returncode


def _check(name: str, command: tuple[str, ...]) -> bool:
    start = time.monotonic()
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], text=True, capture_output=True, check=False)
    print(f"{name:<10}{'ok' if done.returncode == 0 else 'FAILED':<8}{time.monotonic() - start:6.1f} s", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
