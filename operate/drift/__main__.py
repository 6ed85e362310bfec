"""`python -m operate.drift [OPTION OF pulumi preview]...`: what is not as configured, by exit code and in words."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from operate.drift.look import AS_CONFIGURED, COULD_NOT_LOOK, DRIFT, PREVIEW, look

USAGE = f"""usage: python -m operate.drift [OPTION OF pulumi preview]...   such as: python -m operate.drift --stack prod

Compares every object that the stack manages with its configuration, and changes nothing. Exit codes:
  {AS_CONFIGURED}  all is as configured
  {DRIFT}  drift: something was changed or deleted by hand, or the configuration was not applied
  {COULD_NOT_LOOK}  could not look, or not at everything: a cluster does not answer, or the stack cannot be read

It runs `pulumi {" ".join(PREVIEW)}` in this folder; pulumi must be on PATH.
Secrets are named, never shown."""


def main() -> int:
    """Look at the stack that the arguments name; the exit code says what was found."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(USAGE)
        return AS_CONFIGURED
    return look("pulumi", sys.argv[1:], os.environ, Path.cwd())


if __name__ == "__main__":
    sys.exit(main())
