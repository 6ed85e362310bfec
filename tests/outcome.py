"""What came of the parts of a run: how many tests passed, what was not run here, and whether that is enough.

How many must pass is in `least_passed.toml`. Its numbers only grow, so that no test goes missing unnoticed.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LEAST = Path(__file__).with_name("least_passed.toml")
ON_CLUSTERS = ("fleet", "kill")
"""The folders of tests whose passes count as those on the fleet."""


@dataclass(frozen=True)
class Outcome:
    """Of one run of pytest."""

    ok: bool
    passed: Mapping[str, int]
    """By folder below tests/."""
    unmet: Mapping[str, int]
    """Tests that were not run, by what they need."""
    seconds: float

    @classmethod
    def read(cls, report: Path, ok: bool, seconds: float) -> Outcome:
        """What a run has written with --outcome; a run that wrote nothing has passed nothing."""
        try:
            told = json.loads(report.read_text())
        except FileNotFoundError:
            return cls(False, {}, {}, seconds)
        return cls(ok, told["passed"], told["unmet"], seconds)


def table(outcomes: Mapping[str, Outcome]) -> str:
    """A line for each part: tests that passed, seconds, and what was not run."""
    lines = [f"{'':<28}{'':<8}{'passed':>8}{'seconds':>9}"]
    for name, outcome in outcomes.items():
        verdict = "ok" if outcome.ok else "FAILED"
        lines.append(f"{name:<28}{verdict:<8}{sum(outcome.passed.values()):>8}{outcome.seconds:>9.0f}")
        lines += [f"    not run here: needs {need}: {count}" for need, count in sorted(outcome.unmet.items())]
    total = sum(sum(outcome.passed.values()) for outcome in outcomes.values())
    lines.append(f"{'all':<36}{total:>8}{sum(outcome.seconds for outcome in outcomes.values()):>9.0f}")
    return "\n".join(lines)


def missing(outcomes: Collection[Outcome], names: Iterable[str], least: Mapping[str, int] | None = None) -> list[str]:
    """What passed less often than it must: for each of these names in `least_passed.toml`, a sentence or nothing."""
    wanted = tomllib.loads(LEAST.read_text()) if least is None else least
    everything = sum(sum(outcome.passed.values()) for outcome in outcomes)
    on_clusters = sum(outcome.passed.get(folder, 0) for outcome in outcomes for folder in ON_CLUSTERS)
    counts = {"quick": everything, "all": everything, "fleet": on_clusters}
    return [
        f"{counts[name]} tests passed, and at least {wanted[name]} must ({name} in tests/{LEAST.name})"
        for name in names
        if counts[name] < wanted[name]
    ]
