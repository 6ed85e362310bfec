"""`python -m tests.scale`: what the built-in engine needs with 2, 4 and 8 real members, and with 30 stand-ins.

Of each size: until all are Ready, what the engine uses while nothing happens, and what objects cost. It ends with 1
where the growth by members is more than linear.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.engine_lab import API, Lab, running, seconds_until
from tests.fleet.engine_load import Load, Usage
from tests.scale.stand_ins import standing_in

REAL = ("gondor", "rohan", "shire", "bree", "mordor", "lorien", "erebor", "moria")
SIZES = (2, 4, 8)
STAND_INS = 30
OBJECTS = 200
IDLE_SECONDS = 60
SLACK = 1.5
"""Growth of CPU by object and member, from the smallest to the largest size, that still counts as linear."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    members: str
    ready: float
    idle_cpu: float
    """Seconds of CPU a minute."""
    memory: float
    """MiB, while nothing happens."""
    seconds: float
    """From the first object written until all are in all members."""
    cpu: float
    """Milliseconds for an object in a member."""
    loaded: float
    """MiB, with the objects."""

    def __str__(self) -> str:
        return (
            f"| {self.members} | {self.ready:.1f} s | {self.idle_cpu:.1f} s/min | {self.memory:.0f} MiB "
            f"| {self.seconds:.1f} s | {self.cpu:.1f} ms | {self.loaded:.0f} MiB |"
        )


def main() -> int:
    rows = []
    print("| members | all Ready | CPU idle | memory idle | 200 objects in all | CPU an object and member | memory |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), REAL) as lab:
        load = Load(lab)
        load.begin()
        joined: list[str] = []
        for size in SIZES:
            began = time.monotonic()
            for name in REAL[len(joined) : size]:
                lab.join(name)
                joined.append(name)
            rows.append(_measure(lab, load, joined, f"{size}", began))
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), ()) as lab,
        standing_in(STAND_INS, Path(folder)) as urls,
    ):
        load = Load(lab)
        load.begin()
        names = [f"stand-in-{number}" for number in range(STAND_INS)]
        began = time.monotonic()
        for name, url in zip(names, urls, strict=True):
            lab.stand_in(name, url)
        _measure(lab, load, names, f"{STAND_INS} stand-ins", began)
    growth = rows[-1].cpu / rows[0].cpu
    print(f"CPU for an object in a member, with {SIZES[-1]} members to that with {SIZES[0]}: {growth:.2f}")
    return 0 if growth <= SLACK else 1


def _measure(lab: Lab, load: Load, members: Sequence[str], called: str, began: float) -> Row:
    left = {*members}

    def all_ready() -> bool:
        left.difference_update([each for each in left if lab.is_ready(each)])
        return not left

    seconds_until(f"{called} Ready", all_ready, 120)
    ready = time.monotonic() - began
    before = Usage.of(lab)
    time.sleep(IDLE_SECONDS)  # Nothing is awaited: the time itself is what is measured over.
    idle = Usage.of(lab)
    names = [f"load-{number}" for number in range(OBJECTS)]
    wanted = OBJECTS * len(members)
    applied = lab.metric("federation_applied_total")
    started = time.monotonic()
    load.create(names)
    # By the engine's own count: to ask all members over and over would take the CPU that is measured.
    seconds_until("all objects in all", lambda: lab.metric("federation_applied_total") - applied >= wanted, 600)
    seconds = time.monotonic() - started
    full = Usage.of(lab)
    row = Row(
        called,
        ready,
        (idle.cpu - before.cpu) * 60 / IDLE_SECONDS,
        idle.memory,
        seconds,
        (full.cpu - idle.cpu) * 1000 / wanted,
        full.memory,
    )
    print(row, flush=True)
    load.delete(names)
    seconds_until("all objects gone", lambda: not load.names(API), 600)
    return row


if __name__ == "__main__":
    sys.exit(main())
