"""Runs a module as a process of its own, and starts it anew whenever it ends or is stuck: PORT MODULE ARGUMENT...

A container that ends makes its pod not ready, and so takes out of the Service what serves well beside it. One that
runs this ends only when it is told to.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from threading import Event
from time import monotonic
from urllib.request import urlopen

from controllers.runtime import process

log = logging.getLogger("controllers.runtime.supervisor")

LOOK_SECONDS, ANSWER_SECONDS = 10.0, 5.0
FAILURES = 8
"""After so many looks in a row without a good answer the process is killed, as a kubelet would have it."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until it is started again; each time twice as many as before."""
GOOD_SECONDS = 60.0
"""After one that ran so long the pauses begin with the first again."""
END_SECONDS = 5.0


def main(port: int, command: Sequence[str]) -> None:
    """Never returns. On SIGTERM it ends with 0, and its process before it."""
    running: subprocess.Popen[bytes] | None = None

    def finish() -> None:
        if running is not None:
            running.terminate()
            with suppress(subprocess.TimeoutExpired):
                running.wait(END_SECONDS)

    process.begin(finish)
    pause = 0.0
    while True:
        began = monotonic()
        running = subprocess.Popen([sys.executable, "-m", *command])
        how = _until_its_end(running, f"http://127.0.0.1:{port}/livez")
        pause = pause_after(monotonic() - began, pause)
        log.error(f"{command[0]} {how}; it is started again in {pause:.0f} s")
        Event().wait(pause)


def pause_after(ran: float, before: float) -> float:
    """Seconds until the next start, of a process that ran for so many and had so long a pause before it. Pure."""
    return min(2 * before, LONGEST_PAUSE) if before and ran < GOOD_SECONDS else FIRST_PAUSE


def _until_its_end(running: subprocess.Popen[bytes], live: str) -> str:
    """How it ended, of itself or because it was stuck."""
    failures = 0
    while True:
        with suppress(subprocess.TimeoutExpired):
            return f"ended with {running.wait(LOOK_SECONDS)}"
        failures = 0 if _answers(live) else failures + 1
        if failures == FAILURES:
            running.kill()
            running.wait()
            return "was stuck and is killed"


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=ANSWER_SECONDS):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
