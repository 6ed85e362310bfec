"""The processes of a run, by session: Pulumi puts each of its helpers into a process group of its own, not more."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

SESSION, STARTED = 3, 19
"""Fields of /proc/PID/stat after the name, which is in brackets."""


@dataclass(frozen=True)
class Process:
    """A process; another one with the same id has started at another time."""

    pid: int
    started: str
    command: str

    def alive(self) -> bool:
        found = _read(self.pid)
        return found is not None and found[0].started == self.started

    def kill(self) -> None:
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def of_session(leader: int) -> list[Process]:
    """All living processes of the session that this process leads, or led."""
    found = (_read(int(entry.name)) for entry in Path("/proc").glob("[0-9]*"))
    return [process for process, session in filter(None, found) if session == leader]


def _read(pid: int) -> tuple[Process, int] | None:
    """A living process and its session."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else (Process(pid, fields[STARTED], command), int(fields[SESSION]))
