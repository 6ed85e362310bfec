"""The processes that the host has started: each can be interrupted, and none outlives the host."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

SECONDS_TO_END = 3
"""Pulumi gives the host 5 s to end; a process that is interrupted gets less, and is killed then."""


class Children:
    """Starts processes, and ends those that run when it is told to."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def start(self, command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A process in a group of its own, so that an interrupt of Pulumi's reaches it once, through us."""
        with self._lock:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, **options)
            self._running.add(process)
        try:
            with process:
                yield process
        finally:
            with self._lock:
                self._running.discard(process)

    def interrupt(self) -> None:
        """Send SIGINT to each, and kill what has not ended after `SECONDS_TO_END`."""
        with self._lock:
            running = list(self._running)
        for process in running:
            interrupt(process)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Send SIGINT to a process that runs, and kill its group if that has not ended it after `SECONDS_TO_END`."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()


def output(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """What a process writes to its two pipes, as it writes it: {`stdout` or `stderr`: bytes}."""
    with selectors.DefaultSelector() as pipes:
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert pipe is not None
            pipes.register(pipe, selectors.EVENT_READ, name)
        while pipes.get_map():
            for key, _ in pipes.select():
                if part := os.read(key.fd, 1 << 16):
                    yield {key.data: part}
                else:
                    pipes.unregister(key.fileobj)
