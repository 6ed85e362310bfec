"""How external-dns writes into a zone: what each kind of zone tells the publisher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pulumi import Input, Output


@dataclass(frozen=True)
class Publication:
    """What external-dns is started with, besides what holds for every zone."""

    arguments: Sequence[Input[str]]
    environment: Mapping[str, str]
    files: Mapping[str, Input[str]]
    """Credentials, by file name."""
    one_family: bool
    """Whether it cannot keep IPv4 and IPv6 addresses at one name."""
    own_records: Mapping[str, Output[Sequence[str]]]
    """What is to be published besides the names of Services: addresses by name."""
