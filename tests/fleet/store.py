"""The store behind the zone, opened by hand: etcd's HTTP gateway through a forwarded port."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fleet.forwarding import NAMESPACE, forwarded
from toolbox import tool

Value = Mapping[str, Any]


@dataclass(frozen=True)
class Store:
    """The records as SkyDNS keeps them: /skydns/com/example/.../<any> and a JSON value."""

    url: str
    tls: ssl.SSLContext

    @classmethod
    @contextmanager
    def of(cls, kubeconfig: Path, context: str, folder: Path) -> Iterator[Store]:
        """The store of the federation whose host the context leads to; its credentials are put into the folder."""
        kubectl = [str(tool("kubectl")), "--kubeconfig", str(kubeconfig), "--context", context, "-n", NAMESPACE]
        secret = json.loads(
            subprocess.check_output([*kubectl, "get", "secret", "federation-dns-files", "-o", "json"], text=True)
        )
        for name, data in secret["data"].items():
            (folder / name).write_bytes(base64.b64decode(data))
        tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        tls.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        with forwarded(kubeconfig, context, "dns-etcd-client", 2379) as port:
            yield cls(f"https://localhost:{port}", tls)

    def below(self, name: str) -> Mapping[str, Value]:
        """All values of a name, by key."""
        prefix = f"{_path(name)}/"
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self._call("range", {"key": _encode(prefix), "range_end": _encode(end)}).get("kvs", [])
        return {_decode(each["key"]): json.loads(_decode(each["value"])) for each in found}

    def put(self, key: str, value: Value) -> None:
        self._call("put", {"key": _encode(key), "value": _encode(json.dumps(value))})

    def delete(self, key: str) -> None:
        self._call("deleterange", {"key": _encode(key)})

    def _call(self, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url}/v3/kv/{verb}", json.dumps(body).encode())
        with urllib.request.urlopen(request, context=self.tls, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer


def key(name: str, label: str) -> str:
    """Where one value of a name stands."""
    return f"{_path(name)}/{label}"


def _path(name: str) -> str:
    return "/".join(["/skydns", *reversed(name.split("."))])


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    return base64.b64decode(text).decode()
