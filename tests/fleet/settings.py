"""The configuration of the stack under test, changed for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import yaml

from embedded.federation import UNATTENDED
from tests.fleet.conftest import CONFIGURATION, Federation

Member = dict[str, Any]
TTL = 5
"""Seconds; each leave waits for it, and 5 more."""


def set_members(federation: Federation, change: Callable[[Sequence[Member]], Sequence[Member]], ttl: int = TTL) -> None:
    """Write what `change` makes of the members of stack dev, and the TTL, into the stack's settings."""
    settings = yaml.safe_load(federation.stack.settings.read_text())
    members = yaml.safe_load(CONFIGURATION)["config"]["federation:members"]
    settings["config"]["federation:members"] = list(change(members))
    settings["config"]["federation:dns"]["ttl"] = ttl
    federation.stack.settings.write_text(yaml.safe_dump(settings))


def converge(federation: Federation) -> tuple[str, float]:
    """What a `pulumi up` that ends well prints, and how many seconds it takes."""
    code, log, seconds = federation.pulumi("up", *UNATTENDED)
    assert code == 0, log[-8000:]
    return log, seconds
