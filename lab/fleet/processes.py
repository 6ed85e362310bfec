"""Processes known by pid and start time: the pair names one process for ever, a pid alone does not."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.fleet.waiting import wait_until

KILL_SECONDS = 20


@dataclass(frozen=True)
class Process:
    pid: int
    start: str
    """Field 22 of /proc/PID/stat, in clock ticks since the machine booted."""

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """What `echo PID START > file` left; None when nothing (or only half of it) was written."""
        try:
            pid, start = file.read_text().split()
            return cls(int(pid), start)
        except (FileNotFoundError, ValueError):
            return None

    def alive(self) -> bool:
        stat = _stat(self.pid)
        return stat is not None and stat[19] == self.start and stat[0] not in "ZX"

    def kill(self) -> None:
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            wait_until(f"process {self.pid} to end", lambda: not self.alive(), KILL_SECONDS)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third (the state) on; the second may hold spaces."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
