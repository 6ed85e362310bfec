"""The mark `needs("karmada")`: a test that itself calls a program is not run where that program cannot be had.

The mark stands on single tests only. On a module, a class or a fixture it would take tests along that need nothing.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path

import pytest

from toolbox import pins, store
from toolbox.bundle import from_bundle
from toolbox.errors import MissingError
from toolbox.own import on_path
from toolbox.pins import Pin

REASON = "needs "
"""What the reason of such a skip begins with; the name of the need follows."""
NEEDS = {
    "cloud-dns mock": ("mock-cloud-dns",),
    "coredns": ("coredns",),
    "external-dns": ("external-dns",),
    "gcp plugin": ("pulumi-resource-gcp",),
    "karmada": ("karmada",),
    "karmada-crds": ("karmada-crds",),
    "kubernetes plugin": ("pulumi-resource-kubernetes",),
    "openssl": ("openssl",),
    "pulumi": ("pulumi",),
    "tls plugin": ("pulumi-resource-tls",),
}
"""The names that the mark takes, and the tools of the toolbox, or programs of the machine, that each stands for."""


def apply(items: Iterable[pytest.Item]) -> None:
    """Skip what needs a program that is not here; a UsageError for a mark that stands elsewhere or names nothing."""
    for item in items:
        for node, mark in item.iter_markers_with_node("needs"):
            if node is not item:
                raise pytest.UsageError(
                    f"{node.nodeid}: the mark needs{mark.args} stands on a {type(node).__name__.lower()}; "
                    "it is allowed on single test functions only, on those that call the program"
                )
            for name in mark.args or ("",):
                if name not in NEEDS:
                    raise pytest.UsageError(f"{item.nodeid}: needs({name!r}): allowed are {', '.join(sorted(NEEDS))}")
                if not here(name):
                    item.add_marker(pytest.mark.skip(reason=REASON + name))


def unmet(reports: Iterable[object]) -> dict[str, int]:
    """How many of these skipped tests were not run for each need; a test with two counts for the first."""
    reasons = (report.longrepr for report in reports if isinstance(report, pytest.TestReport))
    texts = (longrepr[2].removeprefix("Skipped: ") for longrepr in reasons if isinstance(longrepr, tuple))
    return dict(Counter(text.removeprefix(REASON) for text in texts if text.startswith(REASON)))


@cache
def here(name: str) -> bool:
    """Whether the program can be had without a download: from PATH, the cache, a bundle, or Pulumi's home."""
    return all(_tool_is_here(tool) for tool in NEEDS[name])


def _tool_is_here(tool: str) -> bool:
    pin = next((pin for pin in (*pins.PINS, *pins.PLUGINS, *pins.ARCHIVES) if pin.name == tool), None)
    if pin is None:
        return shutil.which(tool) is not None
    if pin in pins.PLUGINS and _has(partial(_installed, pin)):
        return True
    return all(
        _has(partial(on_path, pin, program))
        or store.holds((store.home(pin) / (program + pin.suffix)).resolve())
        or _has(partial(from_bundle, pin, program))
        for program in pin.programs
    )


def _has(way: Callable[[], object]) -> bool:
    try:
        way()
    except MissingError:
        return False
    return True


def _installed(pin: Pin) -> None:
    own = store.root() / "pulumi-home"
    for home in (Path(os.environ.get("PULUMI_HOME") or own), own):
        if (home / "plugins" / f"{pin.name.removeprefix('pulumi-')}-v{pin.version}" / pin.name).is_file():
            return
    raise MissingError("not installed")
