"""The packages of the machine."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.toolbox import ToolError, debian
from lab.toolbox.__main__ import main
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


LOCK = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4242 (apt-get)"


@pytest.mark.programs
@pytest.mark.parametrize("verb", ["update", "install"])
def test_another_apt_is_waited_for_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(debian, "SECONDS_BETWEEN_TRIES", 0)
    monkeypatch.setattr(debian, "NEEDED", {"runc": lambda: True})
    locks = [tmp_path / "first", tmp_path / "second"]
    apt_get = put_program(tmp_path / "path" / "apt-get", "")
    tries = (f"[ -e {lock} ] && {{ /bin/rm {lock}; echo '{LOCK}' >&2; exit 100; }}\n" for lock in locks)
    apt_get.write_text(f"#!/bin/sh\n[ $1 = {verb} ] || exit 0\n{''.join(tries)}exit 0\n")
    for lock in locks:
        lock.touch()
    debian.install(["runc"])
    assert capsys.readouterr().out == f"waiting for another apt, 5 minutes at most: {LOCK}\n"
    assert not any(lock.exists() for lock in locks)


@pytest.mark.programs
def test_another_apt_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(debian, "SECONDS_FOR_A_LOCK", 0)
    apt_get = put_program(tmp_path / "path" / "apt-get", LOCK)
    apt_get.write_text(apt_get.read_text() + "exit 100\n")
    with pytest.raises(ToolError, match=r"`apt-get update -q` failed with exit code 100:\n  E: Could not get lock"):
        debian.install(["runc"])


def test_who_has_waited_enough_gets_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(debian, "NEEDED", {"runc": lambda: False})
    monkeypatch.setattr(debian, "install", interrupted)
    monkeypatch.setattr("sys.argv", ["lab.toolbox", "debian", "--install"])
    assert main() == 130
    assert capsys.readouterr().err == "interrupted\n"


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
