"""Settings for all tests: repeatable properties, the figures, and how long each part took."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import hypothesis
import pytest

from tests.figures import Figures

# The same checkout gets the same verdict; a slow machine is not a failure.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("repeatable")

FIGURES = Figures()


@pytest.fixture(scope="session")
def figures() -> Figures:
    return FIGURES


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist: hand the figures over."""
    if output := getattr(session.config, "workeroutput", None):
        output["figures"] = FIGURES.rows


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take a worker's figures, unless it crashed."""
    FIGURES.rows += map(tuple, getattr(node, "workeroutput", {}).get("figures", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.split("/")[1]] += report.duration
    terminalreporter.section("how long each part took")
    for part, spent in seconds.items():
        terminalreporter.write_line(f"{part:<40}{spent:8.1f} s")
    if FIGURES.rows:
        terminalreporter.section("figures")
    for what, value, unit in FIGURES.rows:
        terminalreporter.write_line(f"{what:<60}{value:8.2f} {unit}")
