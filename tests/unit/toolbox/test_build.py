"""What is built from the Go module proxy. One program is built for real: the smallest."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab.toolbox import ToolError, build, pins, tools
from lab.toolbox.pins import Build, Pin
from tests.unit.toolbox.folders import put_program

pytestmark = pytest.mark.unit

PAUSE = next(pin for pin in pins.PINS if pin.name == "pause")
GO = shutil.which("go")


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the builds that may be bent."""
    folder = tmp_path / "builds"
    shutil.copytree(build.BUILDS, folder)
    monkeypatch.setattr(build, "BUILDS", folder)
    return folder


@pytest.mark.programs
@pytest.mark.needs("go")
def test_pause_is_built_once_and_ends_when_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(str(GO)).parent}:/usr/bin:/bin")
    first, second = tools.find(PAUSE, "pause"), tools.find(PAUSE, "pause")
    assert (first.source, first.fetched) == ("built from the Go module proxy", True)
    assert (second.source, second.fetched) == ("cache", False)
    assert sorted(file.name for file in first.path.parent.iterdir()) == [".lock", ".pause.verified", "pause"]
    # An image is made of this file alone.
    assert b"/ld-linux" not in first.path.read_bytes()
    running = subprocess.Popen([first.path])
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(0.2)
    running.terminate()
    assert running.wait(5) == 0


@pytest.mark.programs
@pytest.mark.needs("go")
def test_what_does_not_compile_is_told_and_leaves_nothing(
    builds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(str(GO)).parent}:/usr/bin:/bin")
    (builds / "pause" / "main.go").write_text("package main\n\nfunc main() { nothing() }\n")
    with pytest.raises(ToolError, match=r"build: `nice .*go build .*undefined: nothing"):
        tools.find(PAUSE, "pause")
    home = build.home(PAUSE)
    assert home
    assert [file.name for file in home.iterdir()] == [".lock"]


def test_another_content_is_another_build(builds: Path) -> None:
    before = build.home(PAUSE)
    assert build.home(replace(PAUSE, build=Build(variables=("main.x=y",)))) != before
    (builds / "pause" / "go.mod").write_text("module other\n\ngo 1.24.0\n")
    assert build.home(PAUSE) not in (None, before)


@pytest.mark.programs
def test_a_json_file_of_a_module_is_put_beside_the_main_without_its_spaces(
    builds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "schema.json").write_text(json.dumps({"name": "kubernetes"}, indent=4))
    go = put_program(tmp_path / "path" / "go", "")
    # It answers as go does, and what it "builds" is the file that is to be embedded.
    told = json.dumps({"Dir": str(module)})
    go.write_text(f"#!/bin/sh\ncase $1 in env) echo go9.9;; mod) echo '{told}';; build) cp schema.json built;; esac\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    pin = Pin("pause", "3.10", ("pause",), build=Build(embedded=(("example.com/module", "schema.json"),)))
    assert tools.find(pin, "pause").path.read_text() == '{"name":"kubernetes"}'


@pytest.mark.parametrize("pin", [pin for pin in (*pins.PINS, *pins.PLUGINS) if pin.build], ids=lambda pin: pin.name)
def test_a_build_pins_what_the_table_pins(pin: Pin) -> None:
    folder = build.BUILDS / pin.name
    required = (folder / "go.mod").read_text()
    if pin.name != "pause":  # It is a program of ours.
        version = pin.build.version if pin.build and pin.build.version else pin.version
        assert re.search(rf" v{re.escape(version)}( // indirect)?$", required, re.MULTILINE)
        assert (folder / "go.sum").stat().st_size
    assert "toolchain" not in required
