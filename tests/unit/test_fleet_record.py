"""The record: what is written is read, numbers stay, and nobody gets a fleet that another one is busy with."""

import subprocess
import sys
from pathlib import Path

import pytest

from lab.fleet.record import BrokenRecordError, Record, fleets, locked
from lab.fleet.waiting import FleetError
from lab.stack import CHECKOUT

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDERATION_FLEETS", str(tmp_path / "fleets"))


def test_round_trip() -> None:
    fleet = Record("dev", 3)
    fleet.folder.mkdir(parents=True)
    fleet.add("rivendell", "rivendell", api_only=False)
    fleet.add("bree", "bree", api_only=True)
    fleet.save()
    assert Record.load("dev") == fleet
    assert Record.load("other") is None


@pytest.mark.parametrize("text", ["", "{", "{}", '{"name": "dev", "slot": 0, "members": [{"nme": "x"}]}'])
def test_a_broken_record_is_told_from_none(text: str) -> None:
    (fleets() / "dev").mkdir(parents=True)
    (fleets() / "dev" / "record.json").write_text(text)
    with pytest.raises(BrokenRecordError):
        Record.load("dev")


def test_numbers_stay_and_gaps_are_filled() -> None:
    fleet = Record("dev", 0)
    for name in ("rivendell", "gondor", "rohan"):
        fleet.add(name, name, api_only=False)
    fleet.add("gondor", "gondor_needs-no_king", api_only=False)
    fleet.add("bree", "bree", api_only=True)
    assert [(member.name, member.number) for member in fleet.members] == [
        ("rivendell", 1),
        ("gondor", 2),
        ("rohan", 3),
        ("bree", 16),
    ]
    assert fleet.member("gondor").context == "gondor_needs-no_king"
    assert fleet.host == "rivendell"


def test_what_cannot_be_added() -> None:
    fleet = Record("dev", 0)
    fleet.add("gondor", "gondor", api_only=False)
    with pytest.raises(FleetError, match="two clusters"):
        fleet.add("rohan", "gondor", api_only=False)
    with pytest.raises(FleetError, match="already"):
        fleet.add("gondor", "gondor", api_only=True)
    for number in range(2, 16):
        fleet.add(f"c{number}", f"c{number}", api_only=False)
    with pytest.raises(FleetError, match="no room"):
        fleet.add("mordor", "mordor", api_only=False)


@pytest.mark.programs
def test_whoever_waits_for_a_folder_that_goes_away_gets_the_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    with locked(folder):
        command = [sys.executable, "-c", _LOCK, str(folder)]
        other = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == f"waiting for another command on {folder}\n"
        folder.rmdir()
    assert other.communicate(timeout=10)[0] == "has it\n"
    assert folder.is_dir()


_LOCK = """
import sys
from pathlib import Path
from lab.fleet.record import locked
with locked(Path(sys.argv[1])):
    print("has it", flush=True)
"""
