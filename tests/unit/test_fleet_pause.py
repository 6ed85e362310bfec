"""The processes that hold a pod's and a cluster's namespaces: what is left to them is reaped."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab.fleet.images import PAUSE
from lab.fleet.sandbox import INIT, require
from lab.fleet.waiting import wait_until

pytestmark = [pytest.mark.unit, pytest.mark.programs]

LEAVES_A_CHILD = ["sh", "-c", 'sleep 0.1 & echo $!; exec "$@"', "sh"]
"""What it goes on as has a child that it did not start, as process 1 gets them."""


def of_a_pod() -> list[str]:
    return [require("busybox", "busybox-static"), "sh", *PAUSE[1:]]


def of_a_cluster() -> list[str]:
    return ["sh", "-c", INIT.splitlines()[-1]]


@pytest.fixture(params=[of_a_pod, of_a_cluster])
def holder(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """It runs, with a child that is left to it: the process that its first line of output names."""
    command = [*LEAVES_A_CHILD, *request.param()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        yield process
        with suppress(ProcessLookupError):  # Of the shell, its own child is left.
            os.killpg(process.pid, signal.SIGKILL)


def test_what_is_left_to_it_is_reaped_and_it_goes_on(holder: subprocess.Popen[str]) -> None:
    assert holder.stdout
    child = Path("/proc", holder.stdout.readline().strip())
    wait_until("the child to be reaped", lambda: not child.exists(), 10)
    assert holder.poll() is None
    holder.terminate()
    holder.wait(10)
