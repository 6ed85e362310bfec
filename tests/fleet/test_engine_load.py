"""The built-in engine with many objects, and killed while there are many changes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from threading import Event, Thread

import pytest

from tests.figures import Figures
from tests.fleet.engine_lab import API, MEMBERS, Lab, running, seconds_until
from tests.fleet.engine_load import Load, Usage

OBJECTS = 1000
SEED = 20261126
KILLS = 25
EACH = 8
"""Objects that are created, and that are deleted, around each kill."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("load")) as found:
        found.join_both()
        yield found


@pytest.fixture(scope="module")
def load(lab: Lab) -> Load:
    new = Load(lab)
    new.begin()
    return new


@pytest.mark.speed
def test_a_thousand_objects_reach_two_members_within_a_minute(lab: Lab, load: Load, figures: Figures) -> None:
    before, applied = Usage.of(lab), lab.metric("federation_applied_total")
    wanted = frozenset(f"load-{number}" for number in range(OBJECTS))
    writer = Thread(target=load.create, args=(sorted(wanted),))
    writer.start()
    # By the engine's own count: to list them over and over would take the CPU that is measured.
    arrived = applied + OBJECTS * len(MEMBERS)
    seconds = seconds_until("all objects in both", lambda: lab.metric("federation_applied_total") >= arrived, 120)
    writer.join()
    seconds_until("all objects in both, as they see it", lambda: _are_as(load, wanted))
    after = Usage.of(lab)
    figures.add(f"engine: {OBJECTS} objects created, until in both members", seconds)
    figures.add("engine: CPU for them", after.cpu - before.cpu)
    figures.add("engine: memory with them", after.memory, "MiB")
    assert seconds < 60
    assert after.memory < 150


@pytest.mark.speed
def test_they_go_again(lab: Lab, load: Load, figures: Figures) -> None:
    before, taken = Usage.of(lab), lab.metric("federation_taken_back_total")
    load.delete(sorted(load.names(API)))
    gone = taken + OBJECTS * len(MEMBERS)
    seconds = seconds_until("all objects gone", lambda: lab.metric("federation_taken_back_total") >= gone, 120)
    seconds_until("all objects gone everywhere", lambda: _are_as(load, frozenset()))
    figures.add(f"engine: {OBJECTS} objects deleted, until gone everywhere", seconds)
    figures.add("engine: CPU for that", Usage.of(lab).cpu - before.cpu)
    assert seconds < 60


def test_killed_at_any_point_the_end_is_right(lab: Lab, load: Load) -> None:
    chance = random.Random(SEED)
    standing: frozenset[str] = frozenset()
    for round_ in range(KILLS):
        new = [f"round-{round_}-{number}" for number in range(EACH)]
        point, reached = chance.randrange(EACH + len(standing)), Event()
        writer = Thread(target=_change, args=(load, new, sorted(standing), point, reached))
        writer.start()
        assert reached.wait(60), f"change {point} of round {round_} (seed {SEED})"
        lab.stop()
        writer.join()
        lab.start()
        standing = frozenset(new)
        seconds_until(f"the end of round {round_} (seed {SEED})", partial(_are_as, load, standing), 60)


def _change(load: Load, new: list[str], old: list[str], point: int, reached: Event) -> None:
    """`reached` is told before the change of this number, from 0."""
    changes = [*((load.create, name) for name in new), *((load.delete, name) for name in old)]
    for number, (change, name) in enumerate(changes):
        if number == point:
            reached.set()
        change([name])


def _are_as(load: Load, wanted: frozenset[str]) -> bool:
    return all(load.names(context) == wanted for context in (API, *MEMBERS))
