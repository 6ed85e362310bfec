"""The process: arguments, log, signals, and everything put together."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial

from controllers.names.controller import Controller, Settings
from controllers.names.metrics import Metrics
from controllers.names.resolve import look_up
from controllers.runtime import arguments, process
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop

log = logging.getLogger("controllers.names")


def main(given: Sequence[str]) -> None:
    options = _parser().parse_args(given)
    process.begin()
    loop, metrics = Loop(), Metrics()
    settings = Settings(options.federation, options.zone, options.ttl, options.withdraw_after)
    controller = Controller(settings, partial(Api.of_kubeconfig, options.kubeconfig), look_up, loop, metrics)

    process.run(
        loop,
        options.listen,
        missing=lambda: [f"not yet seen: {stream}" for stream in controller.missing],
        figures=metrics.text,
        start=controller.start,
        about=f"names are SERVICE.NAMESPACE.{settings.federation}.svc.{settings.zone}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser("controllers.names", __doc__)
    add = parser.add_argument
    add("--federation", type=arguments.label, required=True, help="name of the federation")
    add("--zone", type=arguments.zone, required=True, help="DNS zone of the records")
    add("--ttl", type=int, default=30, help="seconds, of every record (30)")
    add("--withdraw-after", type=float, default=0, help="seconds that a cluster may be not Ready (0)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
