"""The process: arguments, log, signals, and everything put together."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path

from dns_controller.api import Api
from dns_controller.controller import Controller, Settings
from dns_controller.loop import Loop
from dns_controller.metrics import Metrics
from dns_controller.resolve import look_up
from dns_controller.serving import Answer, serve, verdict
from federation.names import LABEL_RULE, ZONE_RULE, is_label, is_zone, zone_of

log = logging.getLogger("dns_controller")

ABOUT = ("service", "cluster", "stream", "records")
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


def main(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    signal.signal(signal.SIGTERM, lambda *_: _end("ended by SIGTERM", 0))
    # A stream whose thread is gone would be a silent one for ever: better to begin anew.
    threading.excepthook = lambda error: _end(f"thread {error.thread and error.thread.name} broke", 1, error.exc_value)

    loop, metrics = Loop(), Metrics()
    settings = Settings(options.federation, options.zone, options.ttl, options.withdraw_after, options.one_family)
    controller = Controller(settings, partial(Api.of_kubeconfig, options.kubeconfig), look_up, loop, metrics)

    def live() -> Answer:
        return verdict([] if loop.is_alive else ["the loop is stuck"])

    def healthy() -> Answer:
        stuck = [] if loop.is_alive else ["the loop is stuck"]
        return verdict([*stuck, *(f"not yet seen: {stream}" for stream in controller.missing)])

    host, port = serve(
        options.listen, {"/livez": live, "/healthz": healthy, "/metrics": lambda: (HTTPStatus.OK, metrics.text())}
    )
    log.info(f"serving on {host}:{port}; names are svc.ns.{settings.federation}.svc.{settings.zone}")
    try:
        controller.start()
        loop.run()
    except Exception as error:
        _end("the loop broke", 1, error)


def _end(message: str, status: int, error: BaseException | None = None) -> None:
    """At once, whatever the threads are at: a write arrives in whole or not at all, and the next run looks again."""
    log.log(logging.ERROR if status else logging.INFO, message, exc_info=error)
    os._exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("dns_controller", description=__doc__)
    add = parser.add_argument
    add("--kubeconfig", type=Path, required=True, help="file whose current context is the federation API")
    add("--federation", type=_label, required=True, help="name of the federation")
    add("--zone", type=_zone, required=True, help="DNS zone of the records")
    add("--ttl", type=int, default=30, help="seconds, of every record (30)")
    add("--withdraw-after", type=float, default=0, help="seconds that a cluster may be not Ready (0)")
    add("--one-family", action="store_true", help="give a name either IPv4 or IPv6 addresses")
    add("--listen", type=_listen, default=("0.0.0.0", 8080), help="address and port of the probes (0.0.0.0:8080)")
    return parser


def _label(text: str) -> str:
    if not is_label(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {LABEL_RULE}")
    return text


def _zone(text: str) -> str:
    if not is_zone(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {ZONE_RULE}")
    return zone_of(text)


def _listen(text: str) -> tuple[str, int]:
    address, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not ADDRESS:PORT")
    return address, int(port)


if __name__ == "__main__":
    main(sys.argv[1:])
