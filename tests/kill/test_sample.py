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
    """One `up`, one update and two `destroy` are killed on federations that stand; one more `up` on nothing."""
    ups, destroys = points(SEED, "up", 2), points(SEED, "destroy", 2)
    lab = Lab(tmp_path)
    try:
        lab.reference()
        outcomes = [
            lab.destroy(destroys[0]),
            lab.up(ups[0]),
            lab.update(points(SEED, "update", 1)[0]),
            lab.destroy(destroys[1]),
            lab.up(ups[1]),
        ]
    finally:
        lab.take_down(wait_for_helpers=False)
    print(*outcomes, sep="\n")
    for outcome in outcomes:
        figures.add(f"{outcome.verb} killed, further runs", outcome.runs, "runs")
    assert all(outcome.runs <= MOST_RUNS for outcome in outcomes)
