"""Ways to a tool, tried one after the other, and what the one that did has found."""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.toolbox import store
from lab.toolbox.errors import MissingError, ToolError

NO_SPACE = os.strerror(errno.ENOSPC).lower()
"""Go's programs, `go` and `pulumi` among them, have the same words in small letters."""


@dataclass(frozen=True)
class Found:
    """Where a tool is, where it came from, and whether getting it took any work."""

    path: Path
    source: str
    fetched: bool


def first(tool: str, ways: Mapping[str, Callable[[], Found]]) -> Found:
    """What the first way that does has found; a ToolError with the reason of each if none does.

    A full disk is an OSError at once, as the next way would find it full, too.
    """
    reasons = []
    for way, try_it in ways.items():
        try:
            return try_it()
        except (MissingError, OSError) as reason:
            if NO_SPACE in str(reason).lower():
                raise OSError(f"{tool}: {way}: {reason}; tools are kept in {store.root()}") from None
            reasons.append(f"  {way}: {reason}")
    raise ToolError("\n".join([f"{tool} cannot be had. Tried, in this order:", *reasons]))
