"""The process: serves on a port of its own choice, which it prints for Pulumi, until Pulumi ends."""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import NoReturn

THREADS = 64
"""Calls of APIs that may be under way at once; members that do not answer hold theirs for up to 20 s."""


def main() -> None:
    """Serve until SIGINT, SIGTERM or the end of stdin, whose other end Pulumi holds: it ends when Pulumi does."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: _end())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        _only_protocol("pulumi", "runtime", "proto")
        asyncio.run(_serve())
    except ImportError as error:
        sys.exit(f"error: {error}: {sys.executable} has not what requirements.txt lists; make a .venv with it")


def _only_protocol(*names: str) -> None:
    """Have `pulumi.runtime.proto` imported without the SDK around it, which takes half a second of each run."""
    for depth in range(1, len(names) + 1):
        name = ".".join(names[:depth])
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}")
        package = ModuleType(name)
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules[name] = package


async def _serve() -> None:
    from provider import serving  # noqa: PLC0415 - it imports the protocol

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    server, port = await serving.start()
    print(port, flush=True)
    await server.wait_for_termination()


def _end_with_input() -> None:
    while os.read(0, 1024):
        pass
    _end()


def _end() -> NoReturn:
    """At once, also in the middle of a request: threads that wait for an API would be waited for otherwise."""
    # The client of Kubernetes takes away its files with keys there.
    atexit._run_exitfuncs()
    os._exit(0)


if __name__ == "__main__":
    main()
