"""The one thread that owns all state: others post to it what they see, so that nothing needs a lock."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue
from threading import Event
from time import monotonic

Action = Callable[[], None]

IDLE_SECONDS = 10.0
STALLED_SECONDS = 120.0
"""Longer than one action may take: a few calls, each as long as the API may take to connect and answer."""


class Loop:
    """Runs actions one after the other: posted ones in their order, timed ones when they are due."""

    def __init__(self) -> None:
        self._inbox: SimpleQueue[Action] = SimpleQueue()
        self._timers: list[tuple[float, int, Action]] = []
        self._order = count()
        self._beat = monotonic()
        self.ended = Event()
        """Set once no further action will run: what posts to this loop may end, too."""

    def post(self, action: Action) -> None:
        """Runs `action` after all that was posted before; for any thread."""
        self._inbox.put(action)

    def after(self, seconds: float, action: Action) -> None:
        """Posts `action` when the time has passed; only for actions of this loop."""
        heapq.heappush(self._timers, (monotonic() + seconds, next(self._order), action))

    def end(self) -> None:
        """Has `run` return once the present action is done; for any thread."""
        self.ended.set()
        self.post(lambda: None)

    def run(self) -> None:
        """Returns after `end`; an exception of an action goes through."""
        while not self.ended.is_set():
            self._beat = monotonic()
            while self._timers and self._timers[0][0] <= self._beat:
                self.post(heapq.heappop(self._timers)[2])
            wait = min(IDLE_SECONDS, self._timers[0][0] - self._beat) if self._timers else IDLE_SECONDS
            try:
                action = self._inbox.get(timeout=wait)
            except Empty:
                continue
            action()

    @property
    def is_alive(self) -> bool:
        return monotonic() - self._beat < STALLED_SECONDS
