"""Tells as Events in the federation API what does not come into the zone, and why."""

from __future__ import annotations

import logging
from collections.abc import Callable, Set
from functools import partial

from controllers.runtime.api import FAILURES, Api, why
from controllers.runtime.events import AGAIN_SECONDS, Notice, tell_once
from controllers.runtime.line import Line
from controllers.runtime.loop import Loop
from kube.errors import ApiError

log = logging.getLogger(__name__)

COMPONENT = "zone-writer"
RETRY_SECONDS = 10.0
FINAL = (403, 404, 422)
"""Answers that stay so: the Namespace is going or gone, or the Event is none."""


class Notices:
    """To be touched on the loop only. One Event at a time, so that no change of the zone waits for many of them."""

    def __init__(self, connect: Callable[[], Api], loop: Loop) -> None:
        self._line, self._loop = Line(connect), loop
        self._hold: Set[Notice] = frozenset()
        self._told: set[Notice] = set()
        self._is_due = False

    def hold(self, notices: Set[Notice]) -> None:
        """These are so now: each has its Event as soon as the API takes it, and as long as it is so."""
        self._hold = notices
        self._told &= notices
        self._go_on(0.0)

    def _go_on(self, seconds: float) -> None:
        if not self._is_due and self._hold - self._told:
            self._is_due = True
            self._loop.after(seconds, self._tell)

    def _tell(self) -> None:
        self._is_due = False
        notice = next(iter(self._hold - self._told), None)
        if notice is None:
            return
        pause = 0.0
        try:
            with self._line.open() as api:
                tell_once(api, COMPONENT, notice)
            self._told.add(notice)
            self._loop.after(AGAIN_SECONDS, partial(self._forget, notice))
        except FAILURES as error:
            if isinstance(error, ApiError) and error.status in FINAL:
                self._told.add(notice)
            else:
                pause = RETRY_SECONDS
            log.warning(f"no Event for {notice.namespace}/{notice.name}: {why(error)}")
        self._go_on(pause)

    def _forget(self, notice: Notice) -> None:
        self._told.discard(notice)
        self._go_on(0.0)
