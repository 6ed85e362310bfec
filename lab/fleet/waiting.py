"""Failing, waiting and telling: the three things every step of the fleet does the same way."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

PERIOD = 0.1
REST, LONGEST_REST = 2, 0.5
"""Times what a look took, and seconds: kubectl takes a quarter of a second of a processor, which what is waited for
needs too; a look that waited itself is no reason to rest."""
TAIL = 15

cancelled = threading.Event()
"""Set when the user has had enough: clusters start in threads, which a keyboard interrupt does not reach."""


class FleetError(Exception):
    """A step that did not work, in words for the reader, with the log that explains it."""

    def __init__(self, what: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.log = log

    def __str__(self) -> str:
        if self.log is None or not self.log.exists():
            return self.what
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        return "\n".join([self.what, *(f"    {line[:300]}" for line in lines), f"  whole log: {self.log}"])


def wait_until(what: str, condition: Callable[[], bool], seconds: float) -> float:
    """Return as soon as the condition holds, with the seconds that it took.

    `what` completes the sentence "gave up waiting for ...".
    """
    start = looked = time.monotonic()
    while not condition():
        now = time.monotonic()
        if now - start > seconds:
            raise FleetError(f"gave up waiting for {what} after {seconds:.0f} s")
        if cancelled.wait(max(PERIOD, min(REST * (now - looked), LONGEST_REST))):
            raise FleetError(f"interrupted while waiting for {what}")
        looked = time.monotonic()
    return time.monotonic() - start


class Progress:
    """Prints a line for each step, with the time since the fleet's command began."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, who: str, step: str) -> None:
        # One write a line: clusters start side by side and must not mix their lines.
        print(f"{who:<12}{step:<40}{time.monotonic() - self.began:>6.1f} s\n", end="", flush=True)
