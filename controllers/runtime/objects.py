"""Objects of an API as JSON has them, and what they are known by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name; the namespace of what is in none is empty."""


def key_of(obj: Json) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def names_in(text: str) -> Iterable[str]:
    """The names of a list like `gondor, rohan`."""
    return [name for name in (part.strip() for part in text.split(",")) if name]


def now() -> str:
    """As Kubernetes writes times: RFC 3339, in whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
