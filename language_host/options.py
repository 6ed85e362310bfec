"""Which Python a project asks for: its `runtime` options in Pulumi.yaml, and the environment they name."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KNOWN = ("toolchain", "virtualenv")


class OptionError(Exception):
    """The project asks for what this host does not know, or its environment is not there; the message is the user's."""


@dataclass(frozen=True)
class Environment:
    """The Python of a project: of its virtual environment, or the one on PATH when it names none."""

    folder: Path | None
    """Of the virtual environment."""

    @property
    def python(self) -> Path:
        """Its interpreter; an error when there is none."""
        if self.folder is None:
            found = shutil.which("python3")
            if found is None:
                raise OptionError("no python3 on PATH, and Pulumi.yaml names no virtualenv in its runtime options")
            return Path(found)
        python = self.folder / "bin" / "python"
        if not python.exists():
            raise OptionError(f"the virtual environment {self.folder} is not there: run `pulumi install`")
        return python

    def variables(self) -> dict[str, str]:
        """The environment variables of this process, with this environment active."""
        variables = dict(os.environ)
        if self.folder is not None:
            variables |= {
                "VIRTUAL_ENV": str(self.folder),
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{variables.get('PATH', os.defpath)}",
            }
            variables.pop("PYTHONHOME", None)
        return variables

    def plugin_files(self) -> list[Path]:
        """The `pulumi-plugin.json` of each package that has one: what plugin it needs."""
        if self.folder is None:
            return []
        return sorted(self.folder.glob("lib/python3*/site-packages/*/pulumi-plugin.json"))


def environment(options: Mapping[str, object], root: str, default: str = "") -> Environment:
    """What the `runtime` options of the project in the folder `root` name; `default` when they name no virtualenv."""
    if unknown := sorted(options.keys() - set(KNOWN)):
        raise OptionError(
            f"Pulumi.yaml: runtime option {unknown[0]} is unknown to this project's own language host; "
            f"it knows {' and '.join(KNOWN)}"
        )
    if (toolchain := options.get("toolchain", "pip")) != "pip":
        raise OptionError(
            f"Pulumi.yaml: runtime option toolchain is {toolchain!r}; this project's own language host knows only pip"
        )
    virtualenv = options.get("virtualenv", default)
    if not isinstance(virtualenv, str):
        raise OptionError(f"Pulumi.yaml: runtime option virtualenv is {virtualenv!r}, and must be a path")
    return Environment(Path(root).absolute() / virtualenv if virtualenv else None)
