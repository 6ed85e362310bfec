"""Whether the name server has loaded what was written, by the serials that it answers with."""

from __future__ import annotations

import pytest

from controllers.zone.loading import LATE_SECONDS, STARTING_SECONDS, Loading

pytestmark = pytest.mark.unit

AFTER = LATE_SECONDS + 0.1


def test_what_is_answered_is_loaded_and_all_before_it() -> None:
    loading = Loading()
    for serial in (7, 8, 9):
        loading.wrote(serial, 0.0)
    loading.answered(8)
    assert not loading.is_done
    assert loading.late(AFTER) == 9
    loading.answered(9)
    assert loading.is_done
    assert loading.late(AFTER) is None


def test_only_the_oldest_that_waits_says_how_late_it_is() -> None:
    loading = Loading()
    loading.answered(6)
    loading.wrote(7, 0.0)
    loading.wrote(8, AFTER)
    assert loading.late(LATE_SECONDS) is None
    assert loading.late(AFTER) == 7
    loading.answered(7)
    assert loading.late(AFTER) is None


def test_a_name_server_that_starts_is_not_late_and_one_that_answered_before_is() -> None:
    loading = Loading()
    loading.wrote(7, 0.0)
    assert loading.late(AFTER) is None
    loading.answered(3)
    assert loading.late(AFTER) == 7


def test_one_that_never_answers_is_late_in_the_end() -> None:
    """As one that hangs, beside a writer that was started again."""
    loading = Loading()
    loading.wrote(7, 0.0)
    assert loading.late(STARTING_SECONDS) is None
    assert loading.late(STARTING_SECONDS + 0.1) == 7


def test_a_serial_may_begin_anew() -> None:
    loading = Loading()
    loading.wrote(2**32 - 1, 0.0)
    loading.wrote(1, 1.0)
    loading.answered(1)
    assert loading.is_done
