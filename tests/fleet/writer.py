"""A client that writes to a federation API all along, and knows afterwards what was acknowledged, and when."""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread, get_ident
from typing import Any, Self

import requests
import yaml

from lab.fleet.private import write_private

CONFIG_MAPS = "/api/v1/namespaces/kube-public/configmaps"
"""In a namespace that Karmada never propagates: what is looked at here is the API."""
OBJECT_WRITES = 50
"""After so many writes into one object the next is made."""
PAUSE = 0.05
"""Seconds between two writes."""
TIMEOUT = (2, 5)
"""Seconds to connect and to be answered; without an answer a write is not acknowledged, and the next is tried."""


class Writer:
    """Writes, from entering to leaving it, with the kubeconfig in this file, which is read anew after each failure."""

    def __init__(self, name: str, kubeconfig: Path) -> None:
        """`name` is the beginning of its objects' names."""
        self.last_failure = "none"
        self._name, self._kubeconfig = name, kubeconfig
        self._written: defaultdict[str, set[str]] = defaultdict(set)
        """The keys that were acknowledged, by object."""
        self._times: list[float] = []
        """Of beginning, each acknowledgement, and end (time.monotonic)."""
        self._ended = Event()
        self._thread = Thread(target=self._run, name=f"writer {name}", daemon=True)

    def __enter__(self) -> Self:
        self._times.append(time.monotonic())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._times.append(time.monotonic())

    @property
    def count(self) -> int:
        """How many writes were acknowledged, so far."""
        return sum(map(len, list(self._written.values())))

    def gap(self, since: float = 0) -> float:
        """The longest time without an acknowledged write from `since` (time.monotonic) on, in seconds."""
        before = [at for at in self._times if at <= since][-1:]
        return max(later - earlier for earlier, later in pairwise([*before, *(at for at in self._times if at > since)]))

    def lost(self) -> list[str]:
        """What was acknowledged, and is not there."""
        written = {name: set(keys) for name, keys in list(self._written.items())}
        with self._connect() as session:
            found = {name: self._read(session, name) for name in written}
        return [f"{name}/{key}" for name, keys in written.items() for key in sorted(keys - found[name].keys())]

    def _run(self) -> None:
        number = 0
        while not self._ended.is_set():
            # A new session after each failure: on a connection to a process that is gone, nobody ever answers.
            with self._connect() as session:
                try:
                    while not self._ended.wait(PAUSE):
                        number += 1
                        self._write(session, f"{self._name}-{number // OBJECT_WRITES}", str(number))
                except requests.RequestException as error:
                    self.last_failure = str(error)

    def _write(self, session: requests.Session, name: str, key: str) -> None:
        if name not in self._written:
            made = session.post(self._url, json={"metadata": {"name": name}}, timeout=TIMEOUT)
            # It may be there already, made by a write whose acknowledgement was lost.
            if made.status_code != HTTPStatus.CONFLICT:
                _check(made)
        merge = {"Content-Type": "application/merge-patch+json"}
        _check(session.patch(f"{self._url}/{name}", json={"data": {key: name}}, headers=merge, timeout=TIMEOUT))
        self._written[name].add(key)
        self._times.append(time.monotonic())

    def _read(self, session: requests.Session, name: str) -> dict[str, Any]:
        answer = session.get(f"{self._url}/{name}", timeout=30)
        _check(answer)
        found: dict[str, Any] = answer.json().get("data", {})
        return found

    def _connect(self) -> requests.Session:
        config = yaml.safe_load(self._kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._url = f"{cluster['server']}{CONFIG_MAPS}"
        session = requests.Session()
        session.trust_env = False
        session.verify = self._file("ca", cluster["certificate-authority-data"])
        session.cert = (
            self._file("certificate", user["client-certificate-data"]),
            self._file("key", user["client-key-data"]),
        )
        return session

    def _file(self, name: str, encoded: str) -> str:
        path = self._kubeconfig.with_name(f"{self._name}.{name}.{get_ident()}")
        write_private(path, base64.b64decode(encoded))
        return str(path)


def _check(answer: requests.Response) -> None:
    if not answer.ok:
        raise requests.HTTPError(f"{answer.status_code} {answer.text[:300]}")
