"""Run the real `__main__.py` for one topology, as Pulumi's language host runs it, against a recording monitor."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime.mocks import MockEngine, MockSettings

from federation import immutable
from federation.clusters import identity
from federation.clusters.identity import Unreachable
from federation.settings import kubeconfig
from tests import archives
from tests.component.cloud import CANARY, Cloud, pem
from tests.component.recording import Record, RecordingMonitor
from tests.strategies import changed, encoded

ROOT = Path(__file__).resolve().parents[2]
PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
DEFAULTS = {f"{PROJECT['name']}:{key}": of["default"] for key, of in PROJECT["config"].items() if "default" in of}
DEV: Mapping[str, Any] = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]

HOST, GONDOR, ROHAN = "rivendell", "gondor_needs-no_king", "rohan"
UIDS: Mapping[str, str | Unreachable] = {context: f"uid-of-{context}" for context in (HOST, GONDOR, ROHAN)}


def run(
    folder: Path,
    changes: Mapping[str, Any] | None = None,
    answers: Mapping[str, str | Unreachable] = UIDS,
    *,
    store: immutable.Size | None = None,
    preview: bool = False,
    engine: str = "karmada",
    clusters: Mapping[str, Mapping[str, Any]] | None = None,
    record: Record | None = None,
) -> Record:
    """Run the program in `folder` with the dev stack's configuration and `changes` to it; returns what it did.

    `answers` is who is behind each context, `store` the etcd that the host has already, `clusters`, by context, what
    else the kubeconfig says of its cluster; a key with None is left out. Give a `record` to see what was registered
    before an error.
    Runs know nothing of each other: what Pulumi keeps between calls, it keeps in the context that ends with the run.
    """
    record = Record() if record is None else record
    _write_kubeconfig(folder / ".fleet" / "kubeconfig", clusters or {})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        chosen = changed(DEV, {"federation:engine": engine, **(changes or {})})
        crds = {"federation:crds": archives.small(folder / "crds.tar.gz")} if engine == "karmada" else {}
        given = {**DEFAULTS, **crds, **chosen}
        patch.setenv("PULUMI_CONFIG", json.dumps(encoded(given)))
        patch.setattr(identity, "identify", lambda contexts: {context: answers[context] for context in contexts})
        patch.setattr(immutable, "size", lambda host, namespace: store)
        contextvars.Context().run(_run, record, preview)
    return record


def _run(record: Record, preview: bool) -> None:
    logger = logging.Logger("pulumi")
    logger.addHandler(_Warnings(record.warnings))
    pulumi.runtime.configure(
        MockSettings(  # type: ignore[no-untyped-call]
            monitor=RecordingMonitor(Cloud(), record),
            engine=MockEngine(logger),
            project=PROJECT["name"],
            stack="dev",
            dry_run=preview,
            outputs=set(),
        )
    )
    asyncio.run(pulumi.runtime.run_in_stack(_main))


def _main() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


class _Warnings(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())


def _write_kubeconfig(path: Path, clusters: Mapping[str, Mapping[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    key = pem("EC PRIVATE KEY", CANARY)
    entries = [
        kubeconfig.with_client_certificate(context, f"https://{context}.example:6443", "ca", "certificate", key)
        for context in (HOST, GONDOR, ROHAN)
    ]
    merged = kubeconfig.merge(entries)
    for each in merged["clusters"]:
        said = {**each["cluster"], **clusters.get(each["name"], {})}
        each["cluster"] = {key: value for key, value in said.items() if value is not None}
    path.write_text(kubeconfig.dump(merged))
