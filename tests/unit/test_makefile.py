"""What the Makefile does before any Python of ours runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.stack import CHECKOUT

pytestmark = [pytest.mark.unit, pytest.mark.programs]

PYTHON = """#!/bin/bash
[[ $1 = -c ]] && exit
mkdir -p .venv/bin
cp pip .venv/bin/pip
"""
PIP = """#!/bin/bash
echo "$@" >> installed
"""
WAITS = "read -t 20 <> go-on\n"
REQUIREMENTS = ("requirements.txt", "controllers/requirements.txt", "requirements-dev.txt")
INSTALL = "install --quiet --disable-pip-version-check -r requirements-dev.txt"


def make(folder: Path) -> subprocess.Popen[str]:
    """`make` in the folder, for its virtual environment."""
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    command = ["make", "-C", str(folder), "--no-print-directory", ".venv/.installed"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the Makefile, and stand-ins for Python and pip."""
    shutil.copy(CHECKOUT / "Makefile", tmp_path)
    for name, text in {"bin/python3": PYTHON, "pip": PIP, **dict.fromkeys(REQUIREMENTS, "")}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def test_a_second_make_waits_for_the_first_to_install_the_python_packages(folder: Path) -> None:
    os.mkfifo(folder / "go-on")
    (folder / "pip").write_text(PIP + WAITS)
    with make(folder) as first:
        assert first.stdout
        assert first.stdout.readline().startswith("Installing Python packages")
        with make(folder) as second:
            assert second.stdout
            assert second.stdout.readline() == "waiting for another make to install .venv\n"
            # It opens once somebody reads: the first one's pip.
            (folder / "go-on").write_text("\n")
            assert (first.wait(60), second.wait(60)) == (0, 0)
    assert (folder / "installed").read_text().splitlines() == [INSTALL]
    assert (folder / ".venv" / ".installed").exists()


@pytest.mark.parametrize("changed", REQUIREMENTS)
def test_the_python_packages_follow_each_list(folder: Path, changed: str) -> None:
    stamp = folder / ".venv" / ".installed"
    stamp.parent.mkdir()
    stamp.touch()
    for each in REQUIREMENTS:
        os.utime(folder / each, (10, 10))
    os.utime(stamp, (20, 20))
    with make(folder) as nothing:
        assert nothing.wait(60) == 0
    os.utime(folder / changed, (30, 30))
    with make(folder) as again:
        assert again.wait(60) == 0
    assert (folder / "installed").read_text().splitlines() == [INSTALL]
