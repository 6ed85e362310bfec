"""The points at which runs are killed: told again by their seed, and spread over the whole run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kill.__main__ import too_few_killed
from tests.kill.lab import Outcome
from tests.kill.points import LAST_SHARE, LONGEST_PAUSE, Point, points, sample
from tests.kill.run import Killed, Length

pytestmark = pytest.mark.unit

SEEDS, COUNTS = st.integers(), st.integers(min_value=1, max_value=60)


@given(SEEDS, COUNTS)
def test_a_seed_tells_its_points_again(seed: int, count: int) -> None:
    assert points(seed, "up", count) == points(seed, "up", count)


@given(SEEDS, COUNTS)
def test_there_is_one_in_each_part_of_the_run(seed: int, count: int) -> None:
    parts = [int(point.share / LAST_SHARE * count) for point in points(seed, "up", count)]
    assert sorted(parts) == list(range(count))


@given(SEEDS, st.integers(min_value=2, max_value=60))
def test_half_of_them_fall_by_the_clock(seed: int, count: int) -> None:
    assert [point.of for point in points(seed, "up", count)].count("seconds") == count // 2


@given(SEEDS, COUNTS)
def test_pauses_are_short(seed: int, count: int) -> None:
    assert all(0 <= point.pause <= LONGEST_PAUSE for point in points(seed, "up", count))


def test_seed_and_kind_of_run_make_a_difference() -> None:
    drawn = [points(seed, verb, 25) for seed in (1, 2) for verb in ("up", "destroy")]
    assert all(one != other for one in drawn for other in drawn if one is not other)


def test_both_ways_of_killing_are_drawn() -> None:
    assert {point.whole for point in points(1, "up", 25)} == {True, False}


def test_the_sample_has_both_ways_of_counting_and_of_killing_and_no_point_near_the_end() -> None:
    drawn = sample()
    assert {point.of for point in drawn.values()} == {"events", "seconds"}
    assert {point.whole for point in drawn.values()} == {True, False}
    assert max(point.share for point in drawn.values()) < 0.8
    # How long the others are is a guess.
    assert [verb for verb, point in drawn.items() if point.of == "seconds"] == ["up"]


@pytest.mark.parametrize(
    ("share", "place"),
    [(0.0, (1, 0.0)), (0.1, (1, 1.0)), (0.5, (2, 3.0)), (0.9, (3, 1.0))],
)
def test_a_share_of_the_seconds_is_told_by_the_events_before_it(share: float, place: tuple[int, float]) -> None:
    assert Length(10.0, (0.0, 2.0, 8.0)).place(share) == pytest.approx(place)


@pytest.mark.parametrize(("killed", "over", "wrong"), [(0, 0, False), (1, 1, False), (1, 2, True), (0, 1, True)])
def test_a_sweep_that_killed_fewer_than_half_of_its_runs_has_failed(killed: int, over: int, wrong: bool) -> None:
    point = Point(0.5, "events", 0, True)
    outcomes = [
        Outcome("up", point, Killed("nothing begun", by_us, []), 1, 1, 0) for by_us in [True] * killed + [False] * over
    ]
    assert bool(too_few_killed(outcomes)) is wrong
