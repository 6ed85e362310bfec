"""The process: arguments, log, signals, and everything put together."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial

from controllers.engine.api_writer import COMPONENT
from controllers.engine.controller import Controller, Settings
from controllers.engine.metrics import Metrics
from controllers.runtime import arguments, leader, process
from controllers.runtime.api import Api
from controllers.runtime.leader import Leader
from controllers.runtime.loop import Loop
from controllers.runtime.objects import names_in
from kube.kinds import API_VERSIONS, NAMESPACE

log = logging.getLogger("controllers.engine")
KINDS = tuple(kind for kind in API_VERSIONS if kind != NAMESPACE)


def main(given: Sequence[str]) -> None:
    options = _parser().parse_args(given)
    connect = partial(Api.of_kubeconfig, options.kubeconfig)
    election = Leader(partial(connect, seconds=leader.ANSWER_SECONDS), options.lease_namespace, COMPONENT)
    process.begin(election.release)
    loop, metrics = Loop(), Metrics()
    metrics.leads.set_function(lambda: election.leads)
    settings = Settings(options.federation, options.kinds, options.clusters)
    # Whatever it writes, in the federation API or in a member, goes through a line that asks first whether it leads.
    controller = Controller(settings, partial(connect, fence=election.check), loop, metrics)

    def missing() -> list[str]:
        """Who stands by is ready to take over once it has seen the Lease."""
        unseen = [f"not yet seen: {stream}" for stream in controller.missing] if election.leads else []
        return election.missing or unseen

    process.run(
        loop,
        options.listen,
        missing=missing,
        figures=metrics.text,
        start=lambda: election.start(controller.start),
        about=f"federation {settings.federation} carries {', '.join(settings.kinds)}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = arguments.parser("controllers.engine", __doc__)
    add = parser.add_argument
    add("--federation", type=arguments.label, required=True, help="name of the federation")
    add("--lease-namespace", required=True, help="namespace in the federation API of the Lease by which one leads")
    add("--kinds", type=_kinds, default=(), help=f"what to carry, separated by commas (nothing), of {', '.join(KINDS)}")
    add("--clusters", type=_clusters, default=(), help="the only clusters to carry to, separated by commas (all)")
    return parser


def _kinds(text: str) -> Sequence[str]:
    kinds = tuple(dict.fromkeys(names_in(text)))
    for kind in kinds:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f"{kind!r} is not one of {', '.join(KINDS)}")
    return kinds


def _clusters(text: str) -> Sequence[str]:
    return tuple(map(arguments.name, names_in(text)))


if __name__ == "__main__":
    main(sys.argv[1:])
