"""The built-in engine and a member whose API is slow, overloaded or badly served, while the other one is well."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from itertools import pairwise

import pytest

from federation.settings import access
from kube.errors import ApiError
from lab.fleet.waiting import wait_until
from tests.figures import Figures
from tests.fleet.engine_lab import API, NAMESPACE, Lab, configmap, running, seconds_until
from tests.fleet.member_front import MemberFront

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
SPOILT, WELL = "gondor", "rohan"
SOON = 8.0
"""Seconds; the slow member takes longer for a single answer."""
TRIES = 3
ALL_KINDS = tuple(access.RESOURCES)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("engine"), kinds=ALL_KINDS) as found:
        found.kubectl(API, "create", "namespace", NAMESPACE)
        yield found


@pytest.fixture(scope="module")
def front(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemberFront]:
    """What stands before one of both members, which are Ready."""
    with MemberFront(*lab.server(SPOILT), tmp_path_factory.mktemp("front")) as found:
        lab.join(SPOILT, behind=(found.url, found.authority))
        lab.join(WELL)
        for member in (SPOILT, WELL):
            seconds_until(f"{member} Ready", lambda member=member: lab.is_ready(member), 60)  # type: ignore[misc]
        write(lab, "first")
        seconds_until("it in both", lambda: all(value(lab, each, "first") for each in (SPOILT, WELL)), 60)
        yield found


def write(lab: Lab, name: str, value: str = "1") -> None:
    with lab.api(API) as api:
        api.apply(f"{MAPS}/{name}", json.dumps(configmap(name, value)), "test", force=True)


def value(lab: Lab, member: str, name: str) -> str | None:
    with lab.api(member) as api:
        try:
            return str(api.get(f"{MAPS}/{name}")["data"]["value"])
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None


def write_and_wait_for_the_well_one(lab: Lab, name: str) -> None:
    write(lab, name)
    assert seconds_until(f"{name} in {WELL}", lambda: value(lab, WELL, name)) < SOON


def broken(lab: Lab) -> tuple[int, float]:
    """Another one after the engine was started anew, or a stream of it broke."""
    assert lab.engine is not None
    return lab.engine.process.pid, lab.metric("federation_stream_failures_total")


def test_with_all_kinds_an_idle_member_is_asked_at_most_20_times_a_minute(
    lab: Lab, front: MemberFront, figures: Figures
) -> None:
    for _ in range(TRIES):
        before, began = broken(lab), time.monotonic()
        wait_until("two minutes to be over", lambda began=began: time.monotonic() > began + 120, 150)  # type: ignore[misc]
        asked = [f"{each.method} {each.path}" for each in front.requests if each.at > began]
        # A stream that broke is begun anew, which says nothing of a member that is idle.
        if broken(lab) == before:
            break
    streams = [each.partition("?")[0] for each in asked if "watch=true" in each]
    assert len(streams) == len(set(streams)), streams
    # The streams of 12 kinds are each asked for again after four minutes or more: some of them, or none, in these two.
    a_minute = (len(asked) - len(streams)) / 2 + (len(ALL_KINDS) + 1) / 4
    figures.add("engine: requests to an idle member in a minute", a_minute, "requests")
    assert a_minute <= 20, asked


def test_a_member_that_takes_10_seconds_for_each_answer_keeps_nobody_waiting(lab: Lab, front: MemberFront) -> None:
    front.delay = 10.0
    try:
        write_and_wait_for_the_well_one(lab, "slow")
        seconds_until("it in the slow one", lambda: value(lab, SPOILT, "slow"), 90)
        assert lab.is_ready(SPOILT)
    finally:
        front.delay = 0.0
    write(lab, "slow", "2")
    seconds_until("the change", lambda: value(lab, SPOILT, "slow") == "2", 60)


def test_a_member_that_answers_429_is_left_alone_for_as_long_as_it_asks(lab: Lab, front: MemberFront) -> None:
    front.retry_after = 4
    began = time.monotonic()
    try:
        for number in range(3):
            write_and_wait_for_the_well_one(lab, f"busy{number}")
        wait_until("it to be asked again", lambda: len(asked_for_objects(front, began)) >= 3, 60)
    finally:
        front.retry_after = None
    times = asked_for_objects(front, began)
    assert [later - sooner for sooner, later in pairwise(times) if later - sooner < 3.9] == []
    seconds_until("all in it", lambda: all(value(lab, SPOILT, f"busy{number}") for number in range(3)), 60)
    assert lab.is_ready(SPOILT)


def asked_for_objects(front: MemberFront, since: float) -> list[float]:
    """When the member was asked for single objects."""
    return [each.at for each in front.requests if each.at > since and f"/namespaces/{NAMESPACE}" in each.path]


def test_a_member_that_ends_each_watch_at_once_gets_its_objects_and_is_asked_once_a_second(
    lab: Lab, front: MemberFront
) -> None:
    front.closes_watches = True
    front.drop_connections()
    try:
        began = time.monotonic()
        write_and_wait_for_the_well_one(lab, "watched")
        seconds_until("it in the other", lambda: value(lab, SPOILT, "watched"), 60)
        wait_until("some watches", lambda: time.monotonic() > began + 10, 20)
        watches = [each for each in front.requests if each.at > began and "/configmaps?watch=true" in each.path]
        assert len(watches) < (time.monotonic() - began) * 1.5
    finally:
        front.closes_watches = False
    lab.kubectl(SPOILT, "delete", "configmap", "watched", "-n", NAMESPACE)
    seconds_until("it made again", lambda: value(lab, SPOILT, "watched"), 30)


def test_a_member_with_an_expired_certificate_is_not_ready_and_says_why(lab: Lab, front: MemberFront) -> None:
    front.expired = True
    front.drop_connections()
    try:
        write_and_wait_for_the_well_one(lab, "expired")
        seconds_until("it to be not Ready", lambda: lab.ready(SPOILT).get("status") == "False", 90)
        assert "certificate has expired" in lab.ready(SPOILT)["message"]
        assert lab.is_ready(WELL)
        write_and_wait_for_the_well_one(lab, "expired2")
    finally:
        front.expired = False
    seconds_until("it to be Ready", lambda: lab.is_ready(SPOILT), 60)
    seconds_until("both in it", lambda: all(value(lab, SPOILT, each) for each in ("expired", "expired2")), 60)


def test_after_all_that_nothing_of_it_broke(lab: Lab, front: MemberFront) -> None:
    assert '"trace"' not in lab.log.read_text()
    write(lab, "last")
    seconds_until("it in both", lambda: all(value(lab, each, "last") for each in (SPOILT, WELL)))
