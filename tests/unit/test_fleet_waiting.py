"""What is said of a step that did not work."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.fleet import waiting
from lab.fleet.waiting import TAIL, FleetError, wait_until

pytestmark = pytest.mark.unit


def test_a_failure_shows_the_end_of_the_log_that_explains_it_and_where_all_of_it_is(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("".join(f"line {number}\n" for number in range(1, TAIL + 3)))
    what, first, *_, last, whole = str(FleetError("etcd of gondor ended", log)).splitlines()
    assert (what, first.strip(), last.strip()) == ("etcd of gondor ended", "line 3", f"line {TAIL + 2}")
    assert whole.strip() == f"whole log: {log}"


def test_a_failure_without_a_log_is_what_failed(tmp_path: Path) -> None:
    assert str(FleetError("no etcd", tmp_path / "never-written")) == "no etcd"


def test_a_wait_that_is_given_up_says_for_what_and_how_long() -> None:
    with pytest.raises(FleetError, match="gave up waiting for the king to return after 0 s"):
        wait_until("the king to return", lambda: False, 0)


def test_what_takes_long_to_look_at_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _pauses(monkeypatch) == pytest.approx([0.4, 0.4])


def test_what_takes_very_long_to_look_at_is_looked_at_often_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LONGEST_REST", 0.3)
    assert _pauses(monkeypatch) == pytest.approx([0.3, 0.3])


class Clock:
    """Goes on only while somebody looks, which takes 0.2 s, or pauses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def look(self) -> bool:
        self.now += 0.2
        return False

    def wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.now += seconds
        return False


def _pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds between looks, of which there are three."""
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    monkeypatch.setattr(waiting, "cancelled", clock)
    with pytest.raises(FleetError):
        wait_until("the king to return", clock.look, 1)
    return clock.pauses
