"""Settings for all tests: repeatable properties, needs, the figures, and what came of each part in how long."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import needs
from tests.figures import Figures
from tests.pure import Watch

# The same checkout gets the same verdict; a slow machine is not a failure.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("repeatable")

pytest_plugins = ["pytester"]

FIGURES = Figures()
WATCH = Watch()


@pytest.fixture(scope="session")
def figures() -> Figures:
    return FIGURES


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcome", type=Path, help="write here how many tests passed by folder, and what was not run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs.apply(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with WATCH.over(item):
        return (yield)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist: hand the figures over."""
    if output := getattr(session.config, "workeroutput", None):
        output["figures"] = FIGURES.rows


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take a worker's figures, unless it crashed."""
    FIGURES.rows += map(tuple, getattr(node, "workeroutput", {}).get("figures", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    unmet = needs.unmet(terminalreporter.stats.get("skipped", ()))
    passed: dict[str, int] = defaultdict(int)
    for report in terminalreporter.stats.get("passed", ()):
        passed[report.nodeid.split("/")[1]] += 1
    outcome: Path | None = terminalreporter.config.getoption("--outcome")
    if outcome:
        outcome.write_text(json.dumps({"passed": passed, "unmet": unmet}))
    if unmet:
        terminalreporter.section("not run here")
    for name, count in sorted(unmet.items()):
        terminalreporter.write_line(f"needs {name}: {count}")
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
