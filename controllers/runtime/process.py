"""A controller as a process: its log, its probes, its loop and its end."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from controllers.runtime.loop import Loop
from controllers.runtime.serving import Answer, serve, verdict

log = logging.getLogger(__name__)

ABOUT = ("service", "cluster", "stream", "records", "object")
"""What a line of the log may be about, besides its message."""


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {about: getattr(record, about) for about in ABOUT if hasattr(record, about)}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def begin(finish: Callable[[], None] = lambda: None) -> None:
    """Log JSON lines to stderr; `finish` and end with 0 on SIGTERM, and end with 1 when any thread breaks."""

    def terminate(*_: object) -> None:
        finish()
        end("ended by SIGTERM", 0)

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    signal.signal(signal.SIGTERM, terminate)
    # A stream whose thread is gone would be a silent one for ever: better to begin anew.
    threading.excepthook = lambda error: end(f"thread {error.thread and error.thread.name} broke", 1, error.exc_value)


def end(message: str, status: int, error: BaseException | None = None) -> None:
    """At once, whatever the threads are at: a write arrives in whole or not at all, and the next run looks again."""
    log.log(logging.ERROR if status else logging.INFO, message, exc_info=error)
    os._exit(status)


def run(
    loop: Loop,
    listen: tuple[str, int],
    *,
    missing: Callable[[], list[str]],
    figures: Callable[[], bytes],
    start: Callable[[], None],
    about: str,
) -> None:
    """Serve probes and figures, start, and run the loop for ever; a loop that breaks ends the process with 1.

    The process is live while its loop moves, and ready while besides nothing is `missing`.
    """

    def stuck() -> list[str]:
        return [] if loop.is_alive else ["the loop is stuck"]

    pages: dict[str, Callable[[], Answer]] = {
        "/livez": lambda: verdict(stuck()),
        "/healthz": lambda: verdict([*stuck(), *missing()]),
        "/metrics": lambda: (HTTPStatus.OK, figures()),
    }
    host, port = serve(listen, pages)
    log.info(f"serving on {host}:{port}; {about}")
    try:
        start()
        loop.run()
    except Exception as error:
        end("the loop broke", 1, error)
