"""The process: arguments, log, signals, and everything put together."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from controllers.runtime import arguments, process
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from controllers.zone.contents import Apex
from controllers.zone.metrics import Metrics
from controllers.zone.rdata import DNS_NAME_RULE, is_dns_name
from controllers.zone.writer import Settings, Writer
from federation.settings.syntax import zone_of

log = logging.getLogger("controllers.zone")


def main(given: Sequence[str]) -> None:
    options = _parser().parse_args(given)
    process.begin()
    if options.first and options.file.exists():
        # Of the run before, and as old as that: an answer, where the federation API may have none. The writer that
        # comes after this renews it.
        process.end(f"{options.file} is there", 0)
    loop, metrics = Loop(), Metrics()
    apex = Apex(options.zone, options.name_server, options.ttl)
    settings = Settings(apex, options.file, options.serial_namespace, options.ask)

    def done() -> None:
        if options.first:
            process.end(f"{options.file} is written", 0)

    writer = Writer(settings, partial(Api.of_kubeconfig, options.kubeconfig), loop, metrics, done)

    if options.first:
        # An init container has no probes; what it waits for ends it.
        writer.start()
        loop.run()
    process.run(
        loop,
        options.listen,
        missing=lambda: [] if writer.is_written else ["the zone is not yet written"],
        figures=metrics.text,
        start=writer.start,
        about=f"zone {options.zone} is written to {options.file}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser("controllers.zone", __doc__, port=8081)
    add = parser.add_argument
    add("--zone", type=arguments.zone, required=True, help="DNS zone to write")
    add("--file", type=Path, required=True, help="the zone file")
    add("--name-server", type=_name, required=True, help="name of the zone's name server")
    add("--ttl", type=int, default=30, help="seconds, of records without one and of `no such name` (30)")
    namespace = "namespace in the federation API that has the serial and the federation's own DNSEndpoint"
    add("--serial-namespace", type=arguments.label, required=True, help=namespace)
    ask = "address and port of the name server that reads the file, to be asked what it has loaded (nobody is)"
    add("--ask", type=arguments.address, help=ask)
    add("--first", action="store_true", help="end when there is a file, be it of the run before")
    return parser


def _name(text: str) -> str:
    if not is_dns_name(zone_of(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not {DNS_NAME_RULE}")
    return zone_of(text)


if __name__ == "__main__":
    main(sys.argv[1:])
