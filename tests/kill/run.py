"""A run of Pulumi that is killed at a point of its progress."""

from __future__ import annotations

import json
import os
import subprocess
import time
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from lab.fleet.waiting import wait_until
from lab.stack import CHECKOUT, Stack
from lab.toolbox import tool
from tests.kill.points import Point
from tests.kill.processes import Process, of_session

LONGEST = 900
"""Seconds that any run may take."""
STEPS = {"resourcePreEvent": "began", "resOutputsEvent": "done"}


@dataclass(frozen=True)
class Length:
    """How long an undisturbed run is."""

    seconds: float
    """From the first event to the end."""
    moments: tuple[float, ...]
    """Seconds from the first event to each of them: steps begun and steps done, without those that leave a resource
    as it is."""

    @property
    def events(self) -> int:
        return len(self.moments)

    def place(self, share: float) -> tuple[int, float]:
        """Where this share of the seconds is over: how many events have come by then, and the seconds since the last.

        Another run may be much faster than this one; it is at the same place if it has as many events behind it.
        """
        moment = share * self.seconds
        events = bisect_right(self.moments, moment)
        return events, moment - self.moments[events - 1]


@dataclass(frozen=True)
class Killed:
    """How a run ended."""

    last: str
    """Its last event."""
    by_us: bool
    """False if it was over before its point came."""
    helpers: list[Process]
    """What of it goes on without the engine."""


class Run:
    """`pulumi` with these arguments, in a session of its own; its output goes to `log`."""

    def __init__(self, stack: Stack, log: Path, *arguments: str) -> None:
        self.last = "nothing begun"
        self.moments: list[float] = []
        self._read = 0
        self._log = log.with_suffix(".events")
        self._log.unlink(missing_ok=True)
        command = [str(tool("pulumi")), *arguments, *stack.options, "--color", "never", "--event-log", str(self._log)]
        # The option for the log is there for who develops Pulumi.
        environment = os.environ | stack.environment() | {"PULUMI_DEBUG_COMMANDS": "true"}
        with log.open("w") as output:
            self._engine = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def to_its_end(self) -> int:
        """The exit code."""
        wait_until("a run to end", self._over, LONGEST)
        return self._engine.wait()

    def length(self) -> Length:
        """Of a run that has just ended."""
        began = self.moments[0]
        return Length(time.monotonic() - began, tuple(moment - began for moment in self.moments))

    def kill(self, point: Point, length: Length) -> Killed:
        """Let it run up to the point, `length` being that of an undisturbed run, and kill it."""

        def reached() -> bool:
            if self._over():
                return True
            if point.of == "events":
                return len(self.moments) >= point.share * length.events
            events, seconds = length.place(point.share)
            waited = len(self.moments) == events and time.monotonic() - self.moments[-1] >= seconds
            return waited or len(self.moments) > events

        wait_until("a run to reach its point", reached, LONGEST)
        if point.of == "events":
            time.sleep(point.pause)
        by_us = not self._over()
        processes = of_session(self._engine.pid)
        self._engine.kill()
        self._engine.wait()
        if point.whole:
            for process in processes:
                process.kill()
        self._look()
        return Killed(self.last, by_us, [] if point.whole else [p for p in processes if p.pid != self._engine.pid])

    def _over(self) -> bool:
        self._look()
        return self._engine.poll() is not None

    def _look(self) -> None:
        """Read what the engine has logged since the last look."""
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole + newline)
        for event in map(json.loads, whole.splitlines()):
            for kind, step in STEPS.items():
                metadata = event.get(kind, {}).get("metadata", {"op": "same"})
                if metadata["op"] not in ("same", "refresh"):
                    self.moments.append(time.monotonic())
                    what = f"{metadata['type'].rpartition(':')[2]} {metadata['urn'].rpartition('::')[2]}"
                    self.last = f"{metadata['op']} {what} {step}"
