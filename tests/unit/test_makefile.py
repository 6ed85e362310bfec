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
read -t 20 <> go-on
"""


def test_a_second_make_waits_for_the_first_to_install_the_python_packages(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "Makefile", tmp_path)
    for name, text in {"bin/python3": PYTHON, "pip": PIP, "requirements.txt": "", "requirements-dev.txt": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    os.mkfifo(tmp_path / "go-on")
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    command = ["make", "-C", str(tmp_path), "--no-print-directory", ".venv/.installed"]

    def make() -> subprocess.Popen[str]:
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    with make() as first:
        assert first.stdout
        assert first.stdout.readline().startswith("Installing Python packages")
        with make() as second:
            assert second.stdout
            assert second.stdout.readline() == "waiting for another make to install .venv\n"
            # It opens once somebody reads: the first one's pip.
            (tmp_path / "go-on").write_text("\n")
            assert (first.wait(20), second.wait(20)) == (0, 0)
    assert (tmp_path / "installed").read_text().splitlines() == [
        "install --quiet --disable-pip-version-check -r requirements-dev.txt"
    ]
    assert (tmp_path / ".venv" / ".installed").exists()
