"""Two engines on real API servers: one leads, and another takes over when it is stopped, killed or ended."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import requests

from lab.fleet.waiting import wait_until
from lab.toolbox import tool
from tests.figures import Figures
from tests.fleet.engine_lab import API, MEMBERS, NAMESPACE, Engine, Lab, configmap, running, seconds_until

pytestmark = pytest.mark.speed

OBJECTS = 60
TAKEN_OVER = 15.0
RELEASED = 3.0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("engine")) as found:
        found.join_both(60)
        found.kubectl(API, "create", "namespace", NAMESPACE)
        yield found


@pytest.fixture
def leader(lab: Lab) -> Engine:
    """The one that leads."""
    assert lab.engine is not None
    wait_until("one to lead", lambda: lab.engine is not None and lab.engine.leads, 30)
    return lab.engine


@pytest.fixture
def standby(lab: Lab, leader: Engine) -> Engine:
    """One that stands by; in the next test it is the one that leads."""
    new = lab.engine = lab.another(f"standby{len(lab.engines)}")
    return new


def write(lab: Lab, value: int) -> None:
    lab.apply(API, *(configmap(f"n{number}", str(value)) for number in range(OBJECTS)))


def values(lab: Lab, member: str) -> set[str]:
    shown = lab.kubectl(member, "get", "configmaps", "-n", NAMESPACE, "-o", "jsonpath={.items[*].data.value}")
    return set(shown.split())


def wait_for(lab: Lab, value: int) -> None:
    wanted = {str(value)}
    seconds_until(f"{value} in both", lambda: all(values(lab, each) == wanted for each in MEMBERS), 60)


@contextmanager
def watched(lab: Lab, member: str) -> Iterator[dict[str, list[int]]]:
    """All values that each object in the member has while the block runs, complete when it has ended."""
    seen: dict[str, list[int]] = {}
    form = 'jsonpath={.metadata.name} {.data.value}{"\\n"}'
    command = [str(tool("kubectl")), "--kubeconfig", str(lab.kubeconfig), "--context", member, "-n", NAMESPACE]
    with subprocess.Popen(
        [*command, "get", "configmaps", "--watch", "-o", form], stdout=subprocess.PIPE, text=True
    ) as watching:
        try:
            yield seen
        finally:
            watching.terminate()
        assert watching.stdout is not None
        for name, value in re.findall(r"(n\d+) (\d+)", watching.stdout.read()):
            seen.setdefault(name, []).append(int(value))


def test_one_leads_and_the_other_is_ready_and_says_that_it_stands_by(lab: Lab, leader: Engine, standby: Engine) -> None:
    assert leader.leads
    assert not standby.leads
    assert requests.get(f"{standby.url}/healthz", timeout=30).ok
    assert "stands by: " in standby.log.read_text()
    lease = lab.get(API, "lease", "federation-controller-manager", "-n", "federation-system")
    assert lease is not None
    assert lease["spec"]["holderIdentity"] in leader.log.read_text()
    write(lab, 1)
    wait_for(lab, 1)
    standby.process.kill()
    lab.engine = leader


def test_one_that_is_stopped_for_30_seconds_brings_nothing_old_back(
    lab: Lab, leader: Engine, standby: Engine, figures: Figures
) -> None:
    with ExitStack() as stack:
        histories = [stack.enter_context(watched(lab, each)) for each in MEMBERS]
        write(lab, 2)
        leader.stays_ended = True
        # It has them before it, and some of them on their way.
        leader.process.send_signal(signal.SIGSTOP)
        stopped = time.time()
        try:
            write(lab, 3)
            seconds_until("the other to lead", lambda: standby.leads, 60)
            # Meanwhile kubectl has written, which takes as long as it takes.
            seconds = standby.led_from - stopped
            figures.add("engine: leader stopped to next one leading", seconds)
            wait_for(lab, 3)
            wait_until("30 s to be over", lambda: time.time() > stopped + 30, 60)
        finally:
            leader.process.send_signal(signal.SIGCONT)
        assert leader.process.wait(10) == 1
        assert "no longer leads" in leader.log.read_text()
        wait_for(lab, 3)
        write(lab, 4)
        wait_for(lab, 4)
    assert seconds < TAKEN_OVER
    for history in histories:
        assert len(history) == OBJECTS
        assert [name for name, seen in history.items() if seen != sorted(seen) or seen[-1] != 4] == []


def test_one_that_is_killed_is_followed_within_15_seconds(
    lab: Lab, leader: Engine, standby: Engine, figures: Figures
) -> None:
    leader.process.kill()
    seconds = seconds_until("the other to lead", lambda: standby.leads, 60)
    figures.add("engine: leader killed to next one leading", seconds)
    write(lab, 5)
    wait_for(lab, 5)
    assert seconds < TAKEN_OVER


def test_one_that_is_ended_is_followed_at_once(lab: Lab, leader: Engine, standby: Engine, figures: Figures) -> None:
    leader.process.terminate()
    seconds = seconds_until("the other to lead", lambda: standby.leads, 60)
    figures.add("engine: leader ended to next one leading", seconds)
    assert leader.process.wait(10) == 0
    write(lab, 6)
    wait_for(lab, 6)
    assert seconds < RELEASED
