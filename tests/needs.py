"""The mark `needs("karmada")`: a test that itself calls a program is not run where that program cannot be had.

The mark stands on single tests only. On a module, a class or a fixture it would take tests along that need nothing.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import get_args

import pytest

from federation.settings.schema import EngineName
from lab.fleet import images, published
from lab.toolbox import pins, plugins, tools

REASON = "needs "
"""What the reason of such a skip begins with; the name of the need follows."""
VARIABLE = "FEDERATION_ENGINE"
"""Names the engine of the federation on the fleet (builtin). With `builtin`, tests of Karmada itself are not run."""
NEEDS = {
    "cloud-dns mock": ("mock-cloud-dns",),
    "coredns": ("coredns",),
    "docker-registry": ("docker-registry", "skopeo"),
    "external-dns": ("external-dns",),
    "go": ("go",),
    "gcp plugin": ("pulumi-resource-gcp",),
    "karmada": ("karmada",),
    "karmadactl": ("karmadactl",),
    "karmada-crds": ("karmada-crds",),
    "kubernetes plugin": ("pulumi-resource-kubernetes",),
    "openssl": ("openssl",),
    "pulumi": ("pulumi",),
}
"""The names that the mark takes, and what each stands for: tools and images of the toolbox, programs of the machine."""


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


def engine() -> EngineName:
    """The engine that the tests on the fleet work with; a UsageError for a word that is none."""
    word = os.environ.get(VARIABLE, "builtin")
    allowed: tuple[EngineName, ...] = get_args(EngineName)
    for name in allowed:
        if word == name:
            return name
    raise pytest.UsageError(f"{VARIABLE}: {word!r}: allowed are {', '.join(allowed)}")


@cache
def here(name: str) -> bool:
    """Whether the program or image can be had without a download or a build: from PATH, the cache or a bundle."""
    return all(_is_here(each) for each in NEEDS[name])


def _is_here(name: str) -> bool:
    if name == "karmada" and engine() != name:
        return False
    if name in pins.IMAGES:
        kept = all(published.archive(image, images.cache() / "images").exists() for image in pins.IMAGES[name])
        return kept or bool(os.environ.get(published.MIRROR))
    for pin in pins.PLUGINS:
        if pin.name == name:
            return plugins.is_here(pin)
    for pin in (*pins.PINS, *pins.ARCHIVES):
        if pin.name == name:
            return all(tools.is_here(pin, program) for program in pin.programs)
    return shutil.which(name) is not None
