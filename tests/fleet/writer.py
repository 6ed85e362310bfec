"""A client that writes to a federation API all along, and knows afterwards what was acknowledged, and when."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import requests
import yaml

from fleet.private import write_private

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
LABEL = "federation-tests/writer"
PERIOD = 0.1
"""Seconds between two writes."""
TIMEOUT = (2, 5)
"""Seconds to connect and to be answered; without an answer a write is not acknowledged, and the next is tried."""


class Writer:
    """Creates one ConfigMap after the other, as long as the `with` lasts; they never reach a member."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._server = cluster["server"]
        self._files = {
            name: _file(folder / name, data)
            for name, data in (
                ("ca", cluster["certificate-authority-data"]),
                ("certificate", user["client-certificate-data"]),
                ("key", user["client-key-data"]),
            )
        }
        self._session = self._connected()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._acknowledged: list[tuple[float, str]] = []
        """When each answer came, and what it was given to."""
        self.last_failure = "none"

    def __enter__(self) -> Self:
        self._session.delete(f"{self._server}{CONFIG_MAPS}", params={"labelSelector": LABEL}, timeout=30)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def acknowledged(self) -> int:
        """How many writes were, so far."""
        return len(self._acknowledged)

    def gap(self, since: float) -> float:
        """The longest time between two acknowledged writes from `since` (time.monotonic) on, in seconds."""
        times = [at for at, _ in self._acknowledged]
        before = [at for at in times if at <= since][-1:]
        return max(later - earlier for earlier, later in pairwise([*before, *(at for at in times if at > since)]))

    def lost(self) -> list[str]:
        """What was acknowledged, and is not there as it was written."""
        answer = self._session.get(f"{self._server}{CONFIG_MAPS}", params={"labelSelector": LABEL}, timeout=30)
        answer.raise_for_status()
        found = {each["metadata"]["name"]: each["data"] for each in answer.json()["items"]}
        return [name for _, name in self._acknowledged if found.get(name) != {"written": name}]

    def _run(self) -> None:
        number = 0
        while not self._end.wait(PERIOD):
            number += 1
            if self._write(name := f"written-{number}"):
                self._acknowledged.append((time.monotonic(), name))

    def _write(self, name: str) -> bool:
        labels = {LABEL: "all", "federation/propagate": "false"}
        body: Mapping[str, Any] = {"metadata": {"name": name, "labels": labels}, "data": {"written": name}}
        try:
            answer = self._session.post(f"{self._server}{CONFIG_MAPS}", json=body, timeout=TIMEOUT)
        except requests.RequestException as error:
            self.last_failure = str(error)
            # On a connection to a process that is gone, nobody ever answers.
            self._session = self._connected()
            return False
        if answer.status_code != HTTPStatus.CREATED:
            self.last_failure = f"{answer.status_code} {answer.text[:300]}"
        return answer.status_code == HTTPStatus.CREATED

    def _connected(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = self._files["ca"]
        session.cert = (self._files["certificate"], self._files["key"])
        return session


def _file(path: Path, encoded: str) -> str:
    write_private(path, base64.b64decode(encoded))
    return str(path)
