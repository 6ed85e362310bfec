"""The process: arguments, log, signals, and everything put together."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path

from controllers.runtime import process
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from controllers.runtime.serving import Answer, serve, verdict
from controllers.zone.contents import Zone
from controllers.zone.metrics import Metrics
from controllers.zone.rdata import NAME_RULE, is_name
from controllers.zone.writer import Settings, Writer
from federation.names import LABEL_RULE, ZONE_RULE, is_label, is_zone, zone_of

log = logging.getLogger("controllers.zone")


def main(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    process.begin()
    if options.first and options.file.exists():
        # Of the run before, and as old as that: an answer, where the federation API may have none. The writer that
        # comes after this renews it.
        process.end(f"{options.file} is there", 0)
    loop, metrics = Loop(), Metrics()
    settings = Settings(Zone(options.zone, options.name_server, options.ttl), options.file, options.serial_namespace)

    def done() -> None:
        if options.first:
            process.end(f"{options.file} is written", 0)

    writer = Writer(settings, partial(Api.of_kubeconfig, options.kubeconfig), loop, metrics, done)

    def live() -> Answer:
        return verdict([] if loop.is_alive else ["the loop is stuck"])

    def healthy() -> Answer:
        stuck = [] if loop.is_alive else ["the loop is stuck"]
        return verdict(stuck if writer.is_written else [*stuck, "the zone is not yet written"])

    if not options.first:
        host, port = serve(
            options.listen, {"/livez": live, "/healthz": healthy, "/metrics": lambda: (HTTPStatus.OK, metrics.text())}
        )
        log.info(f"serving on {host}:{port}; zone {options.zone} is written to {options.file}")
    try:
        writer.start()
        loop.run()
    except Exception as error:
        process.end("the loop broke", 1, error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("controllers.zone", description=__doc__)
    add = parser.add_argument
    add("--kubeconfig", type=Path, required=True, help="file whose current context is the federation API")
    add("--zone", type=_zone, required=True, help="DNS zone to write")
    add("--file", type=Path, required=True, help="the zone file")
    add("--name-server", type=_name, required=True, help="name of the zone's name server")
    add("--ttl", type=int, default=30, help="seconds, of records without one and of `no such name` (30)")
    add("--serial-namespace", type=_label, required=True, help="namespace in the federation API that has the serial")
    add("--first", action="store_true", help="end when there is a file, be it of the run before")
    add(
        "--listen",
        type=process.address,
        default=("0.0.0.0", 8081),
        help="address and port of the probes (0.0.0.0:8081)",
    )
    return parser


def _zone(text: str) -> str:
    if not is_zone(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {ZONE_RULE}")
    return zone_of(text)


def _name(text: str) -> str:
    if not is_name(zone_of(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not {NAME_RULE}")
    return zone_of(text)


def _label(text: str) -> str:
    if not is_label(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {LABEL_RULE}")
    return text


if __name__ == "__main__":
    main(sys.argv[1:])
