"""When each object is looked at: once, however often it is marked; and after what failed again, later each time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from http import HTTPStatus
from time import monotonic

from controllers.engine.refs import Ref
from controllers.runtime.api import wait_asked_for
from controllers.runtime.loop import Action, Loop
from kube.errors import ApiError

LONGEST_PAUSE = 60.0
RACES = 3
"""So many times in a row an object may have changed under our hands before that counts as a failure."""


class Timers:
    """At most one pending for each key; to be used on their loop only."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._pending: dict[Hashable, object] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._pending

    def set(self, key: Hashable, seconds: float, action: Action) -> None:
        """Runs `action` when the time has passed, in place of what is pending for the key."""
        self._pending[key] = timer = object()
        self._loop.after(seconds, partial(self._run, key, timer, action))

    def cancel(self, key: Hashable) -> None:
        self._pending.pop(key, None)

    def _run(self, key: Hashable, timer: object, action: Action) -> None:
        if self._pending.get(key) is timer:
            del self._pending[key]
            action()


class Turns:
    """Of the objects in one member; to be used on its loop only."""

    def __init__(self, loop: Loop, look: Callable[[Ref], None], failed: Callable[[Ref, Exception], None]) -> None:
        """`failed` is told what `look` raised, but of a race."""
        self._loop, self._look, self._failed = loop, look, failed
        self._timers = Timers(loop)
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
        """Unless it is looked at before: what comes of that says when it is looked at again."""
        self._timers.set(ref, seconds, partial(self.mark, ref))

    def has_failed(self, ref: Ref) -> bool:
        """Whether the last look did; it is looked at again after a pause."""
        return ref in self._failures

    def forget(self, ref: Ref) -> None:
        """How often it failed, and when it was to be looked at again."""
        self._failures.pop(ref, None)
        self._timers.cancel(ref)

    def _take(self, ref: Ref) -> None:
        self._marked.discard(ref)
        self._timers.cancel(ref)
        if (pause := self._busy_until - monotonic()) > 0:
            self.mark_after(pause, ref)
            return
        try:
            self._look(ref)
        except Exception as error:  # One odd object must not stop the others.
            self._try_again(ref, error)
        else:
            self._failures.pop(ref, None)

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
