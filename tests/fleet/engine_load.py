"""Many objects for the built-in engine to carry, and what it uses of the machine meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.engine_lab import API, Lab

NAMESPACE = "load"
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
OURS = {"labelSelector": "of=load"}


@dataclass(frozen=True)
class Usage:
    """Of a process, so far."""

    cpu: float
    """Seconds."""
    memory: float
    """MiB, now."""

    @classmethod
    def of(cls, lab: Lab) -> Usage:
        """Of the engine."""
        assert lab.engine is not None
        pid = lab.engine.process.pid
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = sum(int(fields[index]) for index in (11, 12))
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return cls(ticks / os.sysconf("SC_CLK_TCK"), int(status["VmRSS"].split()[0]) / 1024)


class Load:
    """ConfigMaps of a namespace of their own, written without kubectl, which would be the slowest part."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def begin(self) -> None:
        self._lab.kubectl(API, "create", "namespace", NAMESPACE)

    def create(self, names: Iterable[str]) -> None:
        with self._lab.api(API) as api:
            for name in names:
                metadata = {"name": name, "namespace": NAMESPACE, "labels": {"of": "load"}}
                api.create(MAPS, {"metadata": metadata, "data": {"text": name * 10}})

    def delete(self, names: Iterable[str]) -> None:
        with self._lab.api(API) as api:
            for name in names:
                api.delete(f"{MAPS}/{name}", {})

    def names(self, context: str) -> frozenset[str]:
        """Of those that are there."""
        with self._lab.api(context) as api:
            items = api.list_metadata(MAPS, **OURS)["items"] or ()
            return frozenset(item["metadata"]["name"] for item in items)
