"""Which versions of a user's own program fit, and how to ask it."""

import functools
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECONDS_TO_ANSWER = 5


@dataclass(frozen=True)
class Version:
    """As much of a version as compatibility depends on."""

    major: int
    minor: int


@dataclass(frozen=True)
class Rule:
    """What fits a pinned version: in words that go before it, and as a test of (found, pinned)."""

    words: str
    fits: Callable[[Version, Version], bool]


SAME_MINOR = Rule("the same major.minor as", lambda found, pinned: found == pinned)
WITHIN_ONE_MINOR = Rule(
    "at most one minor away from",
    lambda found, pinned: found.major == pinned.major and abs(found.minor - pinned.minor) <= 1,
)
NOT_OLDER = Rule(
    "the same major as, and no older minor than,",
    lambda found, pinned: found.major == pinned.major and found.minor >= pinned.minor,
)


@dataclass(frozen=True)
class Ask:
    """The arguments that make a program tell its version, and the rule for what it tells."""

    arguments: tuple[str, ...]
    rule: Rule


def fits(rule: Rule, answer: str, pinned: str) -> bool:
    """Whether a program that gave this answer can stand in for the pinned version."""
    found, wanted = parse(answer), parse(pinned)
    return found is not None and wanted is not None and rule.fits(found, wanted)


def parse(text: str) -> Version | None:
    """The first version in `text`: programs answer with anything from `v3.260.0` to a paragraph."""
    match = re.search(r"(?<![\d.])(\d+)\.(\d+)", text)
    return Version(int(match[1]), int(match[2])) if match else None


@functools.cache
def answer(program: Path, arguments: tuple[str, ...]) -> str:
    """What the program prints when asked; nothing when it cannot be run, fails or takes too long."""
    try:
        asked = subprocess.run(
            [program, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS_TO_ANSWER,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # external-dns answers on stderr; of the others only warnings go there.
    return (asked.stdout or asked.stderr) if asked.returncode == 0 else ""
