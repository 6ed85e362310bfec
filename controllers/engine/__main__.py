"""The process: arguments, log, signals, and everything put together."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path

from controllers.engine.controller import Controller, Settings
from controllers.engine.kinds import API_VERSIONS, NAMESPACE
from controllers.engine.manifest import names_in
from controllers.engine.metrics import Metrics
from controllers.runtime import process
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from controllers.runtime.serving import Answer, serve, verdict
from federation.names import LABEL_RULE, NAME_RULE, is_label, is_name

log = logging.getLogger("controllers.engine")
KINDS = tuple(kind for kind in API_VERSIONS if kind != NAMESPACE)


def main(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    process.begin()
    loop, metrics = Loop(), Metrics()
    settings = Settings(options.federation, options.kinds, options.clusters)
    controller = Controller(settings, partial(Api.of_kubeconfig, options.kubeconfig), loop, metrics)

    def live() -> Answer:
        return verdict([] if loop.is_alive else ["the loop is stuck"])

    def healthy() -> Answer:
        stuck = [] if loop.is_alive else ["the loop is stuck"]
        return verdict([*stuck, *(f"not yet seen: {stream}" for stream in controller.missing)])

    host, port = serve(
        options.listen, {"/livez": live, "/healthz": healthy, "/metrics": lambda: (HTTPStatus.OK, metrics.text())}
    )
    log.info(f"serving on {host}:{port}; federation {settings.federation} carries {', '.join(settings.kinds)}")
    try:
        controller.start()
        loop.run()
    except Exception as error:
        process.end("the loop broke", 1, error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("controllers.engine", description=__doc__)
    add = parser.add_argument
    add("--kubeconfig", type=Path, required=True, help="file whose current context is the federation API")
    add("--federation", type=_label, required=True, help="name of the federation")
    add("--kinds", type=_kinds, default=(), help=f"what to carry, separated by commas (nothing), of {', '.join(KINDS)}")
    add("--clusters", type=_clusters, default=(), help="the only clusters to carry to, separated by commas (all)")
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


def _kinds(text: str) -> Sequence[str]:
    kinds = tuple(dict.fromkeys(names_in(text)))
    for kind in kinds:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f"{kind!r} is not one of {', '.join(KINDS)}")
    return kinds


def _clusters(text: str) -> Sequence[str]:
    for name in names_in(text):
        if not is_name(name):
            raise argparse.ArgumentTypeError(f"{name!r} is not {NAME_RULE}")
    return tuple(names_in(text))


if __name__ == "__main__":
    main(sys.argv[1:])
