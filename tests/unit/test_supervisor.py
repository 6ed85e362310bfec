"""Who runs the zone's writer: starts it anew whatever becomes of it, and ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from controllers.runtime.supervisor import FIRST_PAUSE, GOOD_SECONDS, LONGEST_PAUSE, pause_after
from lab.fleet.waiting import wait_until

pytestmark = pytest.mark.unit

CHILD = """
import os, pathlib, sys, time
with pathlib.Path(sys.argv[1]).open("a") as file:
    print(os.getpid(), file=file)
time.sleep(60)
"""


def test_the_pauses_grow_to_their_longest_and_begin_anew_after_a_good_run() -> None:
    pauses = [0.0]
    for _ in range(7):
        pauses.append(pause_after(0.1, pauses[-1]))
    assert pauses[1:] == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE, LONGEST_PAUSE]
    assert pause_after(GOOD_SECONDS, LONGEST_PAUSE) == FIRST_PAUSE


@pytest.mark.programs
def test_who_is_killed_is_started_anew_and_ends_with_its_supervisor(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    runs, log = tmp_path / "runs", tmp_path / "log"
    runs.touch()
    command = [sys.executable, "-m", "controllers.runtime.supervisor", "1", "child", str(runs)]
    path = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    with log.open("wb") as file:
        supervisor = subprocess.Popen(command, stderr=file, env={**os.environ, "PYTHONPATH": path})
    try:
        for number in (1, 2):
            wait_until(f"run {number}", lambda number=number: len(runs.read_text().split()) == number, 20)  # type: ignore[misc]
            child = int(runs.read_text().split()[-1])
            if number == 1:
                os.kill(child, signal.SIGKILL)
        assert "child ended with -9; it is started again in 1 s" in log.read_text()
        supervisor.terminate()
        assert supervisor.wait(10) == 0
    finally:
        supervisor.kill()
        supervisor.wait(10)
    assert not Path(f"/proc/{child}").exists()
