"""Figures that tests measure, printed together at the end of the run."""

from __future__ import annotations


class Figures:
    """Seconds (or another unit) by what they measure, in the order of measuring."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float, str]] = []

    def add(self, what: str, value: float, unit: str = "s") -> None:
        self.rows.append((what, value, unit))
