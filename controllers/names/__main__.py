"""The process: arguments, log, signals, and everything put together."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path

from controllers.names.controller import Controller, Settings
from controllers.names.metrics import Metrics
from controllers.names.resolve import look_up
from controllers.runtime import process
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from controllers.runtime.serving import Answer, serve, verdict
from federation.names import LABEL_RULE, ZONE_RULE, is_label, is_zone, zone_of

log = logging.getLogger("controllers.names")


def main(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    process.begin()
    loop, metrics = Loop(), Metrics()
    settings = Settings(options.federation, options.zone, options.ttl, options.withdraw_after)
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
        process.end("the loop broke", 1, error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("controllers.names", description=__doc__)
    add = parser.add_argument
    add("--kubeconfig", type=Path, required=True, help="file whose current context is the federation API")
    add("--federation", type=_label, required=True, help="name of the federation")
    add("--zone", type=_zone, required=True, help="DNS zone of the records")
    add("--ttl", type=int, default=30, help="seconds, of every record (30)")
    add("--withdraw-after", type=float, default=0, help="seconds that a cluster may be not Ready (0)")
    add(
        "--listen",
        type=process.address,
        default=("0.0.0.0", 8080),
        help="address and port of the probes (0.0.0.0:8080)",
    )
    return parser


def _label(text: str) -> str:
    if not is_label(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {LABEL_RULE}")
    return text


def _zone(text: str) -> str:
    if not is_zone(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {ZONE_RULE}")
    return zone_of(text)


if __name__ == "__main__":
    main(sys.argv[1:])
