"""`python -m tests.upgrade.record [FLEET]`: keep the state of the stack on a running fleet as this release's.

FLEET is dev, on which `make up` works, unless given. Done at each release, on the topology of Pulumi.dev.yaml.
"""

from __future__ import annotations

import sys
import tomllib

from lab.fleet.record import fleets
from lab.stack import CHECKOUT, Stack
from tests.upgrade.recording import FOLDER, Recording


def main(fleet: str = "dev") -> None:
    """Write the recording, and say where."""
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    file = FOLDER / f"state-{version}.json.xz"
    Recording.of(Stack(fleet, fleets() / fleet / "stack", fleets() / fleet / "kubeconfig")).write(file)
    print(f"{file.relative_to(CHECKOUT)}: {file.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main(*sys.argv[1:])
