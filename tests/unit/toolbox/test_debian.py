"""The packages of the machine."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.toolbox import ToolError, debian
from tests.unit.toolbox.folders import put_program

pytestmark = pytest.mark.unit


def test_a_package_is_missing_when_its_program_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = put_program(tmp_path / "there", "")
    needed = {"one": there.is_file, "two": (tmp_path / "absent").is_file}
    monkeypatch.setattr(debian, "NEEDED", needed)
    assert debian.missing() == ["two"]


def test_without_apt_get_the_packages_are_named() -> None:
    with pytest.raises(ToolError, match="not a Debian machine: install what Debian calls runc iptables"):
        debian.install(["runc", "iptables"])


@pytest.mark.programs
def test_a_failure_shows_the_end_of_what_apt_get_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    apt_get = put_program(tmp_path / "path" / "apt-get", "E: Unable to locate package")
    apt_get.write_text(apt_get.read_text() + "exit 100\n")
    with pytest.raises(ToolError) as error:
        debian.install(["runc"])
    assert str(error.value) == ("`apt-get update -q` failed with exit code 100:\n  E: Unable to locate package")


@pytest.mark.programs
def test_two_install_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(debian, "NEEDED", {"runc": lambda: True})
    apt_get = put_program(tmp_path / "path" / "apt-get", "")
    apt_get.write_text(
        f"{apt_get.read_text()}/bin/mkdir {tmp_path}/busy && /bin/sleep 0.2 && /bin/rmdir {tmp_path}/busy\n"
    )
    with ThreadPoolExecutor() as two:
        for done in [two.submit(debian.install, ["runc"]) for _ in range(2)]:
            done.result()
