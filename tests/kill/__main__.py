"""`python -m tests.kill [--seed N] [--points N]`: kill runs at N points of each kind; a line for how each ended."""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.fleet.waiting import FleetError
from tests.kill.lab import Lab, Outcome
from tests.kill.points import Point, points

EACH = 8
"""One in so many `up` is given up and destroyed, and one in so many federations gets an update that is killed."""


class Sweep:
    """Outcomes and failures, in the order of running."""

    def __init__(self, seed: int, count: int, folder: Path) -> None:
        self.outcomes: list[Outcome] = []
        self.failures: list[str] = []
        self._drawn = {verb: points(seed, verb, count) for verb in ("up", "destroy")}
        few = -(-count // EACH)
        self._few = {verb: points(seed, verb, few) for verb in ("update", "abandon")}
        self._folder = folder

    def run(self) -> None:
        lab = self._start()
        for number, (up, destroy) in enumerate(zip(self._drawn["up"], self._drawn["destroy"], strict=True)):
            try:
                self._one(lab.up, up)
                if number % EACH == 0:
                    self._one(lab.update, self._few["update"][number // EACH])
                self._one(lab.destroy, destroy)
                if number % EACH == 0:
                    self._one(lab.abandon, self._few["abandon"][number // EACH])
            except (AssertionError, FleetError, subprocess.CalledProcessError) as failure:
                said = f"{failure}\n{getattr(failure, 'stderr', '')}"
                self.failures.append(f"{up}\n{destroy}\n{said}")
                print(f"FAILED after {self.outcomes[-1] if self.outcomes else 'nothing'}\n{said}", flush=True)
                lab.take_down(wait_for_helpers=False)
                lab = self._start()
        lab.take_down(wait_for_helpers=True)
        self.failures += too_few_killed(self.outcomes)

    def _start(self) -> Lab:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        lab = Lab(folder)
        lab.reference()
        lab.reference_update()
        lab.reference_destroy()
        return lab

    def _one(self, kill: Callable[[Point], Outcome], point: Point) -> None:
        print(f"... {kill.__name__} at {point}", flush=True)
        outcome = kill(point)
        self.outcomes.append(outcome)
        print(outcome, flush=True)


def too_few_killed(outcomes: Sequence[Outcome]) -> list[str]:
    """What is wrong with a sweep most of whose runs were over before their points: it has tried little."""
    killed = sum(outcome.killed.by_us for outcome in outcomes)
    return [f"only {killed} of {len(outcomes)} runs were killed"] if killed * 2 < len(outcomes) else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--points", type=int, default=25, help="of `up` and of `destroy`, each (default: 25)")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="federation-kill-"))
    print(f"seed {chosen.seed}, {chosen.points} points each; logs in {folder}", flush=True)
    start = time.monotonic()
    sweep = Sweep(chosen.seed, chosen.points, folder)
    sweep.run()
    print(f"\n{'run':<10}{'killed':>8}{'1 more run':>12}{'2 more runs':>13}{'longest':>10}")
    for verb in ("up", "update", "destroy", "abandon"):
        rows = [outcome for outcome in sweep.outcomes if outcome.verb == verb]
        killed, once = sum(row.killed.by_us for row in rows), sum(row.runs == 1 for row in rows)
        longest = max((row.seconds for row in rows), default=0)
        print(f"{verb:<10}{killed:>8}{once:>12}{len(rows) - once:>13}{longest:>8.0f} s")
    print(f"{len(sweep.failures)} failed; {(time.monotonic() - start) / 60:.0f} minutes; seed {chosen.seed}")
    for failure in sweep.failures:
        print(f"\nFAILED (make test-kill SEED={chosen.seed} POINTS={chosen.points})\n{failure}")
    return bool(sweep.failures)


if __name__ == "__main__":
    sys.exit(main())
