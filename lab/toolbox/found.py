"""Ways to a tool, tried one after the other, and what the one that did has found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.toolbox.errors import MissingError, ToolError


@dataclass(frozen=True)
class Found:
    """Where a tool is, where it came from, and whether getting it took any work."""

    path: Path
    source: str
    fetched: bool


def first(tool: str, ways: Mapping[str, Callable[[], Found]]) -> Found:
    """What the first way that does has found; one error with the reason of each if none does."""
    reasons = []
    for way, try_it in ways.items():
        try:
            return try_it()
        except MissingError as reason:
            reasons.append(f"  {way}: {reason}")
    raise ToolError("\n".join([f"{tool} cannot be had. Tried, in this order:", *reasons]))
