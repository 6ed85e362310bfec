"""A signal that a thread beside the main one gets: Python runs its handlers in the main one, which has to be woken."""

from __future__ import annotations

import ctypes
import signal
from pathlib import Path


def to_another_thread(process: int, number: signal.Signals) -> None:
    """What the kernel may do as well with a signal for the process."""
    thread = next(each for each in _threads(process) if each != process)
    assert ctypes.CDLL(None, use_errno=True).tgkill(process, thread, number) == 0, ctypes.get_errno()


def _threads(process: int) -> list[int]:
    return [int(each.name) for each in Path(f"/proc/{process}/task").iterdir()]
