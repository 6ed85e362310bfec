"""Who leads: what is made of a Lease, and several who want it at an API server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.runtime import leader, process
from controllers.runtime.api import Api
from controllers.runtime.leader import GIVE_UP_SECONDS, LEASE_SECONDS, UNSEEN, Leader, Observation
from tests.kube_api import ApiServer, Json

pytestmark = pytest.mark.unit

LEASES = "/apis/coordination.k8s.io/v1/leases"
WHERE = ("federation-system", "engine")


def lease(holder: str, version: int, **spec: str) -> Json:
    return {"metadata": {"resourceVersion": str(version)}, "spec": {"holderIdentity": holder, **spec}}


def test_a_lease_that_changes_is_held_whatever_times_are_written_in_it() -> None:
    observation = UNSEEN
    for version in range(20):
        now = version * (LEASE_SECONDS - 1.0)
        observation = observation.then(lease("other", version, renewTime="1970-01-01T00:00:00.000000Z"), now)
        assert not observation.is_free("me", now + LEASE_SECONDS - 0.1)


def test_a_lease_that_does_not_change_is_free_after_ten_seconds_and_no_earlier() -> None:
    future = lease("other", 1, renewTime="2999-01-01T00:00:00.000000Z")
    observation = UNSEEN.then(future, 100.0).then(future, 105.0)
    assert not observation.is_free("me", 109.9)
    assert observation.is_free("me", 110.0)


def test_a_lease_that_is_not_there_or_was_released_is_free() -> None:
    assert UNSEEN.then(None, 100.0).is_free("me", 100.0)
    assert Observation("1", "other", 100.0).then(lease("", 2), 101.0).is_free("me", 101.0)


@given(st.lists(st.tuples(st.floats(0, 12), st.floats(0, 3), st.floats(0, 6)), max_size=8), st.floats(0, 12))
def test_the_holder_has_given_up_before_anybody_else_may_take_over(
    renewals: list[tuple[float, float, float]], pause: float
) -> None:
    """Each renewal is asked for, then written, then seen by the other; the other may look whenever he likes."""
    now, until, observation = 0.0, 0.0, UNSEEN
    for number, (before, writing, seeing) in enumerate(renewals):
        asked = now + before
        if asked >= until and number:
            break  # Who has given up renews nothing.
        now, until = asked + writing, asked + GIVE_UP_SECONDS
        observation = observation.then(lease("holder", number), now + seeing)
    if renewals and observation.is_free("other", now + pause):
        assert now + pause >= until


class Ended(BaseException):
    """Instead of the end of the process."""


class Candidate:
    """One of several processes; its thread is the test's."""

    def __init__(self, server: ApiServer) -> None:
        self.leader = Leader(lambda: Api.of_token(server.url, "", "token"), *WHERE)

    def turn(self) -> bool:
        self.leader._renew_or_look()
        return self.leader.leads


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[ApiServer]:
    new = ApiServer()
    yield new
    new.stop()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    def end(message: str, status: int, error: BaseException | None = None) -> None:
        raise Ended(message)

    new = Clock()
    monkeypatch.setattr(leader, "clock", new)
    monkeypatch.setattr(process, "end", end)
    return new


@pytest.fixture
def two(server: ApiServer, time: Clock) -> tuple[Candidate, Candidate]:
    return Candidate(server), Candidate(server)


def test_one_leads_and_the_other_takes_over_ten_seconds_after_it_saw_the_last_renewal(
    two: tuple[Candidate, Candidate], time: Clock
) -> None:
    one, other = two
    assert one.leader.missing
    assert one.turn()
    assert not other.turn()
    assert not other.leader.missing
    for _ in range(6):
        time.now += 2
        assert one.turn()
        assert not other.turn()
    time.now += LEASE_SECONDS - 0.1
    assert not other.turn()
    time.now += 0.1
    assert other.turn()
    with pytest.raises(Ended, match="holds Lease"):
        one.turn()


def test_no_write_goes_out_seven_seconds_after_the_last_renewal(
    two: tuple[Candidate, Candidate], time: Clock, server: ApiServer
) -> None:
    one, _ = two
    with pytest.raises(Ended):
        one.leader.check()
    one.turn()
    time.now += GIVE_UP_SECONDS - 0.1
    api = Api.of_token(server.url, "", "token", fence=one.leader.check)
    api.create("/api/v1/namespaces/shire/configmaps", {"metadata": {"name": "ring", "namespace": "shire"}})
    time.now += 0.1
    asked = len(server.requests)
    writes: tuple[Callable[[], Json], ...] = (
        lambda: api.create("/api/v1/namespaces/shire/configmaps", {}),
        lambda: api.patch("/api/v1/namespaces/shire/configmaps/ring", {}),
        lambda: api.apply("/api/v1/namespaces/shire/configmaps/ring", "{}", "me", force=True),
        lambda: api.replace("/api/v1/namespaces/shire/configmaps/ring", {}),
        lambda: api.delete("/api/v1/namespaces/shire/configmaps/ring", {}),
    )
    for write in writes:
        with pytest.raises(Ended, match="not renewed for 7 s"):
            write()
    assert len(server.requests) == asked
    assert api.get("/api/v1/namespaces/shire/configmaps/ring")


def test_a_renewal_counts_from_when_it_was_asked_for(
    two: tuple[Candidate, Candidate], time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = two
    one.turn()
    real = Api.replace

    def slow(self: Api, path: str, body: Json) -> Json:
        answer = real(self, path, body)
        time.now += 5
        return answer

    monkeypatch.setattr(Api, "replace", slow)
    one.turn()
    time.now += GIVE_UP_SECONDS - 5
    with pytest.raises(Ended):
        one.leader.check()


def test_who_was_stopped_and_not_followed_goes_on(two: tuple[Candidate, Candidate], time: Clock) -> None:
    one, _ = two
    one.turn()
    time.now += 30
    assert one.turn()
    one.leader.check()


def test_released_it_is_taken_at_once_and_nothing_more_is_written(two: tuple[Candidate, Candidate]) -> None:
    one, other = two
    one.turn()
    assert not other.turn()
    one.leader.release()
    assert other.turn()


def test_a_lease_that_somebody_deletes_is_held_by_one(
    two: tuple[Candidate, Candidate], server: ApiServer, time: Clock
) -> None:
    one, other = two
    one.turn()
    other.turn()
    server.remove(LEASES, *WHERE)
    time.now += 2
    assert other.turn()
    with pytest.raises(Ended):
        one.turn()


def test_an_api_that_does_not_answer_is_waited_for(
    two: tuple[Candidate, Candidate], server: ApiServer, time: Clock
) -> None:
    one, _ = two
    server.stop()
    assert not one.turn()
    assert one.leader.missing
    server.start()
    assert one.turn()
