"""How external-dns writes into a zone: what the zone tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pulumi import Input


@dataclass(frozen=True)
class Publication:
    """What external-dns is started with, besides what holds for every zone."""

    arguments: Sequence[Input[str]]
    environment: Mapping[str, str]
    files: Mapping[str, Input[str]]
    """Credentials, by file name."""
