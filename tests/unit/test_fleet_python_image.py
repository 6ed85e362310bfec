"""The controller's image: it needs nothing of this machine, and is what the Dockerfile publishes."""

import json
import os
import platform
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from federation.settings.schema import Images
from lab.fleet import python_image
from lab.fleet.archive import Entry
from lab.fleet.python_image import CODE, CONFIG, Code, Interpreter, Packages, below, shared_libraries
from lab.fleet.record import CHECKOUT
from lab.fleet.waiting import FleetError

pytestmark = pytest.mark.unit

LDD = """\
/usr/bin/python3.11:
\tlinux-vdso.so.1 (0x00007efdfd3ec000)
\tlibpython3.11.so.1.0 => /opt/python/lib/libpython3.11.so.1.0 (0x00007f8694200000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007efdfd0cf000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007efdfd3ee000)
/usr/lib/python3.11/lib-dynload/_tk.so:
\tlibtk8.6.so => not found
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007efdfd0cf000)
/usr/lib/python3.11/lib-dynload/_bisect.so:
\tstatically linked
"""

MAPPED = """
import ssl, socket, json, sys
print(json.dumps([sys.prefix, sorted({line.split()[-1] for line in open("/proc/self/maps") if ".so" in line})]))
"""


def unpack(entries: Iterable[Entry], folder: Path) -> None:
    for entry, data in entries:
        path = folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.issym():
            path.symlink_to(entry.linkname)
        else:
            path.write_bytes(data)
            path.chmod(entry.mode)


def wheel(folder: Path) -> None:
    """A package `tiny` of one module, with a program `bad.py` that this Python cannot compile."""
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as packed:
        packed.writestr("tiny.py", "SIZE = 1\n")
        packed.writestr("bad.py", "print 1\n")
        packed.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{info}/RECORD", "")


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """For a pip that knows no index and no wheels."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    file = tmp_path / "requirements.txt"
    file.write_text("tiny==1.0\n")
    return file


@pytest.mark.programs
def test_the_interpreter_uses_nothing_of_this_machine(tmp_path: Path) -> None:
    unpack(Interpreter().entries(), tmp_path)
    (loader,) = tmp_path.glob("lib*/ld-linux-*")
    libraries = tmp_path / "usr/local/lib"
    python = [str(tmp_path / "usr/local/bin/python3"), "-S", "-c", MAPPED]
    done = subprocess.run(
        [loader, "--library-path", libraries, *python], check=True, capture_output=True, text=True, env={}
    )
    prefix, mapped = json.loads(done.stdout)
    assert prefix == str(tmp_path / "usr/local")
    assert [file for file in mapped if not Path(file).is_relative_to(tmp_path)] == []
    assert any("_ssl" in file for file in mapped)
    assert not (libraries / f"python{'.'.join(platform.python_version_tuple()[:2])}" / "test").exists()


def test_libraries_come_into_one_folder_and_the_loader_stays_where_programs_ask_for_it() -> None:
    assert shared_libraries(LDD) == {
        "usr/local/lib/libpython3.11.so.1.0": Path("/opt/python/lib/libpython3.11.so.1.0"),
        "usr/local/lib/libc.so.6": Path("/lib/x86_64-linux-gnu/libc.so.6"),
        "lib64/ld-linux-x86-64.so.2": Path("/lib64/ld-linux-x86-64.so.2"),
    }


def test_what_is_unused_is_left_out(tmp_path: Path) -> None:
    for path in ("os.py", "test/a.py", "json/tests/a.py", "json/tool.py", "__pycache__/os.cpython-311.opt-1.pyc"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "dangling.py").symlink_to("nowhere")
    assert list(map(str, below(tmp_path, python_image.UNUSED))) == ["os.py", "json/tool.py"]


@pytest.mark.programs
def test_packages_are_installed_once(requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    packages = Packages(requirements, tmp_path / "cache")
    first = {entry.name: (entry.mode, data) for entry, data in packages.entries()}
    assert first["packages/tiny.py"] == (0o644, b"SIZE = 1\n")
    assert f"packages/__pycache__/tiny.{sys.implementation.cache_tag}.pyc" in first

    monkeypatch.delenv("PIP_FIND_LINKS")
    assert {entry.name: (entry.mode, data) for entry, data in packages.entries()} == first


@pytest.mark.programs
def test_without_an_index_the_error_says_what_is_missing(requirements: Path, tmp_path: Path) -> None:
    packages = Packages(requirements, tmp_path / "cache")
    with pytest.raises(FleetError, match=r"requirements.txt.*PIP_INDEX_URL.*PIP_FIND_LINKS(.|\n)*tiny==1.0"):
        list(packages.entries())


def test_other_requirements_are_other_packages(requirements: Path, tmp_path: Path) -> None:
    packages = Packages(requirements, tmp_path)
    before = packages.content()
    requirements.write_text("tiny==1.1\n")
    assert packages.content() != before


def test_code_is_named_by_the_files_that_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    module = tmp_path / "ours" / "module.py"
    module.write_text("a = 1\n")
    code = Code(tmp_path, ("ours/*.py",))
    before = code.content()
    (tmp_path / "ours" / "notes.txt").touch()
    assert code.content() == before
    module.write_text("a = 2\n")
    assert code.content() != before
    assert [(entry.name, data) for entry, data in code.entries()] == [("app/ours/module.py", b"a = 2\n")]


@pytest.mark.programs
def test_the_controller_needs_no_other_code_of_ours(tmp_path: Path) -> None:
    unpack(Code(CHECKOUT, CODE).entries(), tmp_path)
    command = [sys.executable, "-m", "controllers.names", "--help"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, check=True, cwd=tmp_path / "app", env=environment, stdout=subprocess.DEVNULL)


def test_it_is_what_the_dockerfile_publishes() -> None:
    assert Images().controllers == python_image.NAME
    lines = (CHECKOUT / "controllers" / "Dockerfile").read_text().splitlines()
    said = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    config = {instruction: rest for instruction, rest in said if instruction in ("WORKDIR", "USER", "ENTRYPOINT")}
    assert config == {
        "WORKDIR": CONFIG["WorkingDir"],
        "USER": CONFIG["User"],
        "ENTRYPOINT": json.dumps(CONFIG["Entrypoint"]),
    }
    assert all(rest in CONFIG["Env"] for instruction, rest in said if instruction == "ENV")
    copied = [path for instruction, rest in said if instruction == "COPY" for path in rest.split()[:-1]]
    assert {*copied} == {*CODE, "controllers/requirements.txt"}
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == {*copied}
