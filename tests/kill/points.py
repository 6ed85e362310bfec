"""Where runs are killed: points spread over the whole run, drawn from a seed, so that each can be told again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

LONGEST_PAUSE = 0.3
"""Seconds after an event: long enough for what it set off to be under way."""
LAST_SHARE = 0.98
"""Beyond it there may be no time left to kill the run in."""


@dataclass(frozen=True)
class Point:
    """A moment of a run."""

    share: float
    """How much of the run is over, from 0 to 1."""
    of: str
    """What that is a share of: the `events` of the engine, or the `seconds` since the first of them in a run that was
    measured; these fall into the long waits (for pods, for a Namespace to go) that have no events."""
    pause: float
    """Seconds to let it go on after the event."""
    whole: bool
    """Whether all processes of the run are killed, as with a lost machine, or the engine alone, as for its memory."""

    def __str__(self) -> str:
        killed = "all killed" if self.whole else "engine killed"
        return f"{self.share:6.1%} of {self.of:<7} +{self.pause * 1000:3.0f} ms, {killed:<13}"


SAMPLE_SEED = 135
"""Draws, with one point for each of the sample's runs, both ways of counting and both ways of killing; and counts the
`up` by the clock, as no other of these runs has been measured."""


def points(seed: int, verb: str, count: int) -> list[Point]:
    """`count` points for runs of one kind, one in each of as many equal parts of the run, in no order."""
    random = Random(f"{seed} {verb}")
    drawn = [
        Point(
            share=LAST_SHARE * (part + random.random()) / count,
            of="seconds" if part % 2 else "events",
            pause=random.uniform(0, LONGEST_PAUSE),
            whole=random.random() < 0.5,
        )
        for part in range(count)
    ]
    random.shuffle(drawn)
    return drawn


def sample() -> dict[str, Point]:
    """The points of the tests' few runs: one in each third, by kind of run and in the order of running."""
    verbs = ("update", "destroy", "up")
    return dict(zip(verbs, points(SAMPLE_SEED, "sample", len(verbs)), strict=True))
