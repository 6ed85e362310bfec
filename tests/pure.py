"""Holds the marks `unit` and `component` to what they say: such a test starts no process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
"""What Python tells its audit hooks of new processes."""


class Watch:
    """Refuses new processes while a test runs that may have none."""

    def __init__(self) -> None:
        self._test: str | None = None
        sys.addaudithook(self._hook)

    @contextmanager
    def over(self, item: pytest.Item) -> Iterator[None]:
        """Watch over one test, its fixtures included."""
        marks = {mark.name for mark in item.iter_markers()}
        self._test = item.nodeid if marks & {"unit", "component"} and "programs" not in marks else None
        try:
            yield
        finally:
            self._test = None

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._test and event in STARTS:
            raise AssertionError(f"{self._test} starts a process ({event} {arguments[:2]}): mark it programs")
