"""A small Pulumi project in a folder of its own, and the real `pulumi` with our language host beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.toolbox import tool

HOST = Path(__file__).resolve().parents[2] / "language_host" / "pulumi-language-python"
PATIENCE = 60
"""Seconds that a run of Pulumi gets; on an idle machine it takes two."""


@dataclass(frozen=True)
class Project:
    """A project with a stack in a folder, and a `pulumi` with our language host beside it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "mellon",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def command(self, *arguments: str) -> list[str]:
        return [str(self.folder / "bin" / "pulumi"), "--non-interactive", "--color", "never", *arguments]

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def up(self, how: str = "") -> subprocess.CompletedProcess[str]:
        """Bring it up, with the setting `how` for the program."""
        self.pulumi("config", "set", "how", how)
        return self.pulumi("up", "--yes", "--skip-preview")


def make(folder: Path, program: str, more: str = "") -> Project:
    """A project of the program's text with a stack `dev`; `more` is added to its Pulumi.yaml."""
    (folder / "bin").mkdir()
    (folder / "state").mkdir()
    # Not a link: `pulumi` looks beside what a link leads to.
    try:
        os.link(tool("pulumi"), folder / "bin" / "pulumi")
    except OSError:
        shutil.copy2(tool("pulumi"), folder / "bin" / "pulumi")
    (folder / "bin" / HOST.name).symlink_to(HOST)
    (folder / "Pulumi.yaml").write_text(
        f"name: tiny\nruntime:\n  name: python\n  options: {{toolchain: pip, virtualenv: {sys.prefix}}}\n{more}"
    )
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "__main__.py").write_text(program)
    made = Project(folder)
    done = made.pulumi("stack", "init", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    return made
