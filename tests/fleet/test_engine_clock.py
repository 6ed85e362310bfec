"""An engine whose clock is an hour ahead of all others (libfaketime)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.fleet.waiting import wait_until
from lab.toolbox import debian
from tests.fleet.engine_lab import API, MEMBERS, Lab, running, seconds_until

AHEAD = {"FAKETIME": "+1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("engine")) as found:
        found.join_both(60)
        yield found


def faked() -> dict[str, str]:
    debian.bring("faketime")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {**AHEAD, "LD_PRELOAD": str(library)}


def test_a_clock_that_is_an_hour_ahead_takes_no_lease_early_and_gives_none_up(lab: Lab) -> None:
    right = lab.engine
    assert right is not None
    wrong = lab.another("ahead", environment=faked())
    began = time.monotonic()
    wait_until("15 s to be over", lambda: time.monotonic() > began + 15, 30)
    assert right.leads
    assert not wrong.leads
    before = {member: lab.ready(member) for member in MEMBERS}
    right.process.terminate()
    seconds_until("the one that is ahead to lead", lambda: wrong.leads, 30)
    lab.kubectl(API, "create", "namespace", "bree")
    lab.kubectl(API, "create", "configmap", "pony", "-n", "bree")
    seconds_until(
        "its object in both", lambda: all(lab.get(each, "configmap", "pony", "-n", "bree") for each in MEMBERS)
    )
    assert {member: lab.ready(member) for member in MEMBERS} == before
    # Its renewals are dated an hour from now.
    last = lab.another("last")
    wrong.process.kill()
    assert seconds_until("one that is right to lead", lambda: last.leads, 60) < 15
    assert {member: lab.ready(member) for member in MEMBERS} == before


def test_a_member_that_dies_is_told_of_by_a_clock_that_is_ahead(lab: Lab) -> None:
    lab.stop()
    lab.another("ahead", environment=faked())
    # To stop it takes a while on a busy machine, and belongs to its silence.
    began = time.monotonic()
    lab.fleet("stop", "gondor", "--only", "kube-apiserver")
    wait_until("not Ready", lambda: lab.ready("gondor").get("status") == "False", 60)
    # Not at the first question without an answer, which comes within 5 s; on a busy machine some fail before.
    assert time.monotonic() - began > 15
    assert lab.is_ready("rohan")
    lab.fleet("start", "gondor")
    seconds_until("Ready", lambda: lab.is_ready("gondor"), 60)
