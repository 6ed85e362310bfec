"""Each package says in its docstring which rooms it has, and each room that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [
    file.parent
    for file in sorted(ROOT.glob("[a-z]*/**/__init__.py"))
    if file.relative_to(ROOT).parts[0] != "tests" and ".venv" not in file.parts
]
ROOM = re.compile(r"(?m)^ {4}(\w+)  ")


def rooms(package: Path) -> list[str]:
    """The modules and packages in it; the process and the package itself are no rooms."""
    modules = [file.stem for file in package.glob("*.py") if not file.stem.startswith("__")]
    return sorted([*modules, *(file.parent.name for file in package.glob("*/__init__.py"))])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.relative_to(ROOT)))
def test_the_docstring_lists_the_rooms(package: Path) -> None:
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text()), clean=False) or ""
    assert sorted(ROOM.findall(said)) == rooms(package)


def test_every_package_is_looked_at() -> None:
    assert {package.relative_to(ROOT).parts[0] for package in PACKAGES} == {
        *("controllers", "federation", "kube", "lab", "language_host", "operate", "provider")
    }
