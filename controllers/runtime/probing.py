"""Whether a member's API answers at all: asked every few seconds, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

from controllers.runtime.api import FAILURES, Api
from kube.errors import ApiError

EVERY_SECONDS = 3.0


Tell = Callable[[bool, float], None]
"""Whether there was any answer, and when it was asked for (as time.monotonic)."""


def probe(name: str, connect: Callable[[], Api], tell: Tell, stopped: Event) -> None:
    """Starts a thread that tells of each attempt, until it is stopped."""
    Thread(target=_probe, args=(connect, tell, stopped), name=name, daemon=True).start()


def _probe(connect: Callable[[], Api], tell: Tell, stopped: Event) -> None:
    while not stopped.wait(EVERY_SECONDS):
        try:
            # A new line each time: an old one may lead to where nobody is any more.
            api = connect()
        except FAILURES:
            continue  # The credentials could not be read; that says nothing of the member.
        asked = monotonic()
        with api:
            try:
                api.ping()
            except ApiError as error:
                tell(not error.is_cut_off, asked)
            except FAILURES:
                tell(False, asked)
            else:
                tell(True, asked)
