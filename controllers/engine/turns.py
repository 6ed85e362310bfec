"""When each object is looked at: once, however often it is marked; and after what failed again, later each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from time import monotonic

from controllers.engine.refs import Ref
from controllers.runtime.api import wait_asked_for
from controllers.runtime.loop import Loop
from kube.errors import ApiError

LONGEST_PAUSE = 60.0
RACES = 3
"""So many times in a row an object may have changed under our hands before that counts as a failure."""


class Turns:
    """Of the objects in one member; to be used on its loop only."""

    def __init__(self, loop: Loop, look: Callable[[Ref], None], failed: Callable[[Ref, Exception], None]) -> None:
        """`failed` is told what `look` raised, but of a race."""
        self._loop, self._look, self._failed = loop, look, failed
        self._marked: set[Ref] = set()
        self._failures: dict[Ref, int] = {}
        self._busy_until = 0.0
        """The member asked not to be asked for anything until then."""

    def mark(self, *refs: Ref) -> None:
        """Has each looked at as soon as what came before it is done."""
        for ref in refs:
            if ref not in self._marked:
                self._marked.add(ref)
                self._loop.post(partial(self._take, ref))

    def mark_after(self, seconds: float, ref: Ref) -> None:
        self._loop.after(seconds, partial(self.mark, ref))

    def forget(self, ref: Ref) -> None:
        """How often it failed."""
        self._failures.pop(ref, None)

    def _take(self, ref: Ref) -> None:
        self._marked.discard(ref)
        if (pause := self._busy_until - monotonic()) > 0:
            self.mark_after(pause, ref)
            return
        try:
            self._look(ref)
        except Exception as error:  # One odd object must not stop the others.
            self._try_again(ref, error)
        else:
            self.forget(ref)

    def _try_again(self, ref: Ref, error: Exception) -> None:
        self._failures[ref] = failures = self._failures.get(ref, 0) + 1
        status = error.status if isinstance(error, ApiError) else None
        if status == HTTPStatus.CONFLICT and failures <= RACES:
            self.mark(ref)
            return
        self._failed(ref, error)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._busy_until = monotonic() + (wait_asked_for(error) or 1.0)
        self.mark_after(min(LONGEST_PAUSE, 0.5 * 2.0 ** min(failures - 1, 7)), ref)
