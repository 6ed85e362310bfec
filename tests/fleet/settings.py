"""The configuration of the stack under test, changed for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import yaml

from lab.federation import UNATTENDED
from tests.fleet.conftest import CONFIGURATION, Clusters, Federation

Member = dict[str, Any]
TTL = 5
"""Seconds; each leave waits for it, and 5 more."""

MORDOR: Member = {"name": "mordor", "context": "mordor", "region": "south", "clusterDns": "none"}
"""A third member, without a node."""


def start_mordor(clusters: Clusters) -> None:
    """Have its cluster run, beside the others of the fleet."""
    clusters.fleet("up", "--api-only", "mordor", "--kubeconfig", str(clusters.kubeconfig))


def set_members(federation: Federation, change: Callable[[Sequence[Member]], Sequence[Member]]) -> None:
    """Write what `change` makes of the members of stack dev, and a TTL to wait for, into the stack's settings."""
    settings = yaml.safe_load(federation.stack.settings.read_text())
    members = yaml.safe_load(CONFIGURATION)["config"]["federation:members"]
    settings["config"]["federation:members"] = list(change(members))
    settings["config"]["federation:dns"]["ttl"] = TTL
    federation.stack.settings.write_text(yaml.safe_dump(settings))


@contextmanager
def configured(federation: Federation, change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """The federation with what `change` makes of its configuration, by key; in the end it is as it was."""
    before = federation.stack.settings.read_text()
    settings = yaml.safe_load(before)
    change(settings["config"])
    federation.stack.settings.write_text(yaml.safe_dump(settings))
    try:
        converge(federation)
        yield
    finally:
        federation.stack.settings.write_text(before)
        converge(federation)


def converge(federation: Federation) -> tuple[str, float]:
    """What a `pulumi up` that ends well prints, and how many seconds it takes."""
    code, log, seconds = federation.pulumi("up", *UNATTENDED)
    assert code == 0, log[-8000:]
    return log, seconds
