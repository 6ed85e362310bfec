"""Whether a member is Ready, judged by its answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.engine.api_writer import Condition, with_condition
from controllers.engine.health import GOOD_ANSWERS, SILENT_SECONDS, Health, Verdict, in_words
from controllers.runtime.api import FAILURES, Api
from controllers.runtime.member import MemberCredentialsError
from kube.errors import ApiError
from tests.kube_api import ApiServer

pytestmark = pytest.mark.unit

REFUSED = ConnectionRefusedError()


def test_a_new_cluster_is_ready_with_its_first_answer() -> None:
    _, verdict = Health(None, 0).heard(0.1)
    assert verdict is not None
    assert verdict.ready


def test_one_that_was_never_ready_is_told_at_once_what_is_wrong() -> None:
    _, verdict = Health(None, 0).missed(0.1, ApiError(status=401))
    assert verdict == Verdict(False, "ClusterNotReady", "401: the cluster does not know the federation's token")


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 40)), max_size=30))
def test_ready_ends_after_30_seconds_and_begins_after_two_answers(answers: list[tuple[bool, float]]) -> None:
    health, now, last_good, in_a_row, expected = Health(True, 0), 0.0, 0.0, 0, True
    for good, seconds in answers:
        now += seconds
        if good:
            last_good, in_a_row = now, in_a_row + 1
            health, verdict = health.heard(now)
            expected = expected or in_a_row >= GOOD_ANSWERS
        else:
            in_a_row = 0
            health, verdict = health.missed(now, REFUSED)
            expected = expected and now - last_good < SILENT_SECONDS
        assert health.ready is expected
        assert verdict is None or verdict.ready is expected
        assert health.patience(now) == (pytest.approx(max(0, last_good + SILENT_SECONDS - now)) if expected else 0)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "connection refused"),
        ("http://nowhere.invalid:1", "name of the cluster's address is not found"),
    ],
)
def test_what_is_wrong_is_said_in_words(url: str, words: str) -> None:
    with pytest.raises(FAILURES) as failed, Api.of_token(url, "", "token") as api:
        api.ping(2)
    assert words in in_words(failed.value)


def test_a_certificate_that_is_none_is_said_in_words() -> None:
    server = ApiServer()
    with pytest.raises(FAILURES) as failed, Api.of_token(server.url.replace("http", "https"), "", "t") as api:
        api.ping(2)
    server.stop()
    assert "certificate" in in_words(failed.value)
    assert in_words(MemberCredentialsError("Secret a/b is not there")) == "Secret a/b is not there"


def test_a_condition_is_written_only_when_it_says_something_new() -> None:
    ready = Condition("Ready", "True", "ClusterReady", "it answers")
    (first,) = with_condition({}, ready) or []
    told = {"Ready": {**first, "lastTransitionTime": "2026-01-01T00:00:00Z"}}
    assert with_condition(told, ready) is None
    (again,) = with_condition(told, Condition("Ready", "True", "ClusterReady", "other")) or []
    assert again["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    (lost,) = with_condition(told, Condition("Ready", "False", "ClusterNotReady", "x")) or []
    assert lost["lastTransitionTime"] != "2026-01-01T00:00:00Z"
