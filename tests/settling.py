"""Wait until this machine is idle enough to measure on: clusters go on working for a while after they are up."""

from __future__ import annotations

from pathlib import Path

from lab.fleet.waiting import wait_until

IDLE_SHARE = 0.7
WINDOW_TICKS = 200
"""Ticks (hundredths of a second, of all cores together) that a look must span to count."""


def settle() -> None:
    """Return once the processors were idle for most of a second; gives up after two minutes."""
    total, idle = _ticks()

    def calm() -> bool:
        nonlocal total, idle
        now, now_idle = _ticks()
        if now - total < WINDOW_TICKS:
            return False
        share = (now_idle - idle) / (now - total)
        total, idle = now, now_idle
        return share >= IDLE_SHARE

    wait_until(f"{IDLE_SHARE:.0%} of the processors to be idle", calm, 120)


def _ticks() -> tuple[int, int]:
    """All ticks since the machine booted, and the idle ones."""
    counts = [int(count) for count in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return sum(counts), counts[3]
