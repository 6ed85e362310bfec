"""Connections that are opened side by side: the client of Kubernetes shares its files with keys among them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kubernetes import config

from federation.connection import connect

pytestmark = pytest.mark.unit

THREADS = 8


def test_one_at_a_time_writes_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    writing: list[int] = []
    together: list[int] = []
    ready, passed = threading.Barrier(THREADS), threading.Event()

    def load(_: Any, client_configuration: Any) -> None:
        writing.append(1)
        together.append(len(writing))
        # Long enough for any other that may come in.
        passed.wait(0.02)
        writing.pop()

    def open_one(_: int) -> None:
        ready.wait(10)
        connect({"users": []})

    monkeypatch.setattr(config, "load_kube_config_from_dict", load)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(open_one, range(THREADS)))
    assert together == [1] * THREADS
