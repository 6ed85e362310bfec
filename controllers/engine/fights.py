"""How often objects were put back, and when somebody goes on changing one. Pure but for what it remembers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from controllers.engine.refs import Ref

SECONDS = 60.0
ROUNDS = 5
"""What is changed back more often than this in so many seconds is put back once in as many."""


@dataclass
class _Fight:
    times: deque[float] = field(default_factory=lambda: deque(maxlen=ROUNDS))
    """When it was put back."""
    is_on: bool = False
    waits: bool = False
    """Whether it is changed, and not put back yet."""


class Fights:
    """Times are seconds by a monotonic clock."""

    def __init__(self) -> None:
        self._fights: dict[Ref, _Fight] = {}

    def pause(self, ref: Ref, now: float) -> float | None:
        """For what was changed: None to put it back now, else in how many seconds."""
        fight = self._fights.get(ref)
        if fight is None:
            return None
        since = now - fight.times[-1]
        if since >= SECONDS:
            if not fight.waits:  # It stayed as it was for so long: the fight is over.
                del self._fights[ref]
            return None
        fight.is_on |= len(fight.times) == ROUNDS and now - fight.times[0] < SECONDS
        if not fight.is_on:
            return None
        fight.waits = True
        return SECONDS - since

    def put_back(self, ref: Ref, now: float) -> None:
        fight = self._fights.setdefault(ref, _Fight())
        fight.times.append(now)
        fight.waits = False

    def forget(self, ref: Ref) -> None:
        self._fights.pop(ref, None)
