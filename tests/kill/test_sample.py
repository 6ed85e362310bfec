"""A few of the points of `make test-kill`, for every run of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.figures import Figures
from tests.kill.lab import MOST_RUNS, Lab
from tests.kill.points import sample

pytestmark = pytest.mark.kill


def test_runs_that_were_killed_are_made_good(tmp_path: Path, figures: Figures) -> None:
    """An update and a `destroy` of a federation that stands, and an `up` on nothing."""
    lab = Lab(tmp_path)
    try:
        lab.reference()
        runs = {"update": lab.update, "destroy": lab.destroy, "up": lab.up}
        outcomes = [runs[verb](point) for verb, point in sample().items()]
    finally:
        lab.take_down(wait_for_helpers=False)
    print(*outcomes, sep="\n")
    for outcome in outcomes:
        figures.add(f"{outcome.verb} killed, further runs", outcome.runs, "runs")
    assert all(outcome.runs <= MOST_RUNS for outcome in outcomes)
    # No point is so near the end that its run could be over before it.
    assert [str(outcome) for outcome in outcomes if not outcome.killed.by_us] == []
    # That of the reference run at least has lived through the update.
    assert outcomes[0].canaries > 0
