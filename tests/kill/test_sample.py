"""A few of the points of `make test-kill`, for every run of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.figures import Figures
from tests.kill.lab import MOST_RUNS, Lab
from tests.kill.points import points

pytestmark = pytest.mark.kill

SEED = 1


def test_runs_that_were_killed_are_made_good(tmp_path: Path, figures: Figures) -> None:
    """An update and a `destroy` of a federation that stands, and an `up` on nothing."""
    lab = Lab(tmp_path)
    try:
        lab.reference()
        outcomes = [
            lab.update(points(SEED, "update", 1)[0]),
            lab.destroy(points(SEED, "destroy", 1)[0]),
            lab.up(points(SEED, "up", 1)[0]),
        ]
    finally:
        lab.take_down(wait_for_helpers=False)
    print(*outcomes, sep="\n")
    for outcome in outcomes:
        figures.add(f"{outcome.verb} killed, further runs", outcome.runs, "runs")
    assert all(outcome.runs <= MOST_RUNS for outcome in outcomes)
