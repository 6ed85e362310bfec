"""What is built from the Go module proxy. One program is built for real: one that needs nothing of it."""

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

SMALL = Pin("small", "1.0", ("small",), build=Build())
GO = shutil.which("go")


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of builds with a small one, which may be bent."""
    folder = tmp_path / "builds"
    (folder / "small").mkdir(parents=True)
    (folder / "small" / "go.mod").write_text("module small\n\ngo 1.24.0\n")
    (folder / "small" / "main.go").write_text('package main\n\nfunc main() { println("built") }\n')
    monkeypatch.setattr(build, "BUILDS", folder)
    return folder


@pytest.mark.programs
@pytest.mark.needs("go")
@pytest.mark.usefixtures("builds")
def test_a_program_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(str(GO)).parent}:/usr/bin:/bin")
    first, second = tools.find(SMALL, "small"), tools.find(SMALL, "small")
    assert (first.source, first.fetched) == ("built from the Go module proxy", True)
    assert (second.source, second.fetched) == ("cache", False)
    assert sorted(file.name for file in first.path.parent.iterdir()) == [".lock", ".small.verified", "small"]
    # An image is made of this file alone.
    assert b"/ld-linux" not in first.path.read_bytes()
    assert subprocess.run([first.path], check=True, capture_output=True).stderr == b"built\n"


@pytest.mark.programs
@pytest.mark.needs("go")
def test_what_does_not_compile_is_told_and_leaves_nothing(builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(str(GO)).parent}:/usr/bin:/bin")
    (builds / "small" / "main.go").write_text("package main\n\nfunc main() { nothing() }\n")
    with pytest.raises(ToolError, match=r"build: `nice .*go build .*undefined: nothing"):
        tools.find(SMALL, "small")
    home = build.home(SMALL)
    assert home
    assert [file.name for file in home.iterdir()] == [".lock"]


def test_another_content_is_another_build(builds: Path) -> None:
    before = build.home(SMALL)
    assert build.home(replace(SMALL, build=Build(variables=("main.x=y",)))) != before
    (builds / "small" / "go.mod").write_text("module other\n\ngo 1.24.0\n")
    assert build.home(SMALL) not in (None, before)


@pytest.mark.programs
@pytest.mark.usefixtures("builds")
def test_a_json_file_of_a_module_is_put_beside_the_main_without_its_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "schema.json").write_text(json.dumps({"name": "kubernetes"}, indent=4))
    go = put_program(tmp_path / "path" / "go", "")
    # It answers as go does, and what it "builds" is the file that is to be embedded.
    told = json.dumps({"Dir": str(module)})
    go.write_text(f"#!/bin/sh\ncase $1 in env) echo go9.9;; mod) echo '{told}';; build) cp schema.json built;; esac\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    pin = replace(SMALL, build=Build(embedded=(("example.com/module", "schema.json"),)))
    assert tools.find(pin, "small").path.read_text() == '{"name":"kubernetes"}'


@pytest.mark.parametrize("pin", [pin for pin in (*pins.PINS, *pins.PLUGINS) if pin.build], ids=lambda pin: pin.name)
def test_a_build_pins_what_the_table_pins(pin: Pin) -> None:
    folder = build.BUILDS / pin.name
    required = (folder / "go.mod").read_text()
    version = pin.build.version if pin.build and pin.build.version else pin.version
    assert re.search(rf" v{re.escape(version)}( // indirect)?$", required, re.MULTILINE)
    assert (folder / "go.sum").stat().st_size
    assert "toolchain" not in required
