"""The process: serves on a port of its own choice, which it prints for Pulumi, until Pulumi ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from language_host import protocol

THREADS = 64
"""Calls of APIs that may be under way at once; members that do not answer hold theirs for up to 20 s."""

ENDINGS = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Serve until SIGINT, SIGTERM or the end of stdin, whose other end Pulumi holds: it ends when Pulumi does."""
    for each in ENDINGS:
        signal.signal(each, lambda *_: _end())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        protocol.import_alone()
        asyncio.run(_serve())
    except ImportError as error:
        sys.exit(f"error: {error}: {sys.executable} has not what requirements.txt lists; make a .venv with it")


async def _serve() -> None:
    from provider import serving  # noqa: PLC0415 - it imports the protocol

    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS))
    for each in ENDINGS:
        # The loop may be waiting, and only its own handlers wake it whichever thread gets the signal.
        loop.add_signal_handler(each, _end)
    server, port = await serving.start()
    print(port, flush=True)
    await server.wait_for_termination()


def _end_with_input() -> None:
    while os.read(0, 1024):
        pass
    _end()


def _end() -> NoReturn:
    """At once, also in the middle of a request: threads that wait for an API would be waited for otherwise."""
    os._exit(0)


if __name__ == "__main__":
    main()
