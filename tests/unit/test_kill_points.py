"""The points at which runs are killed: told again by their seed, and spread over the whole run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kill.points import LAST_SHARE, LONGEST_PAUSE, points

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
