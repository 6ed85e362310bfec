"""Pulumi's protocol without the SDK around it, which takes half a second of CPU to import: once for each process."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


def import_alone() -> None:
    """Have `pulumi.runtime.proto` imported by itself from here on; ModuleNotFoundError where there is no Pulumi."""
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}")
        package = ModuleType(name)
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules[name] = package
