"""A kube-apiserver on an etcd, as processes on loopback: what the API itself does with an object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.fleet.private import write_private
from lab.fleet.waiting import wait_until
from lab.toolbox import tool
from tests.programs.zone_lab import free_port, process

Json = dict[str, Any]
ADMINISTRATOR = "speak-friend-and-enter"
"""His token, in a file that lives as long as the API."""
ACCOUNT_KEYS = ("service-account-key-file", "service-account-signing-key-file")


@dataclass(frozen=True)
class Api:
    """The API, asked as its administrator."""

    url: str
    certificate: Path
    """Its own, signed by itself."""

    def ask(
        self, method: str, path: str, body: Json | None = None, kind: str = "application/json"
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {ADMINISTRATOR}", "Content-Type": kind}
        trusted = str(self.certificate)
        return requests.request(method, self.url + path, json=body, headers=headers, verify=trusted, timeout=30)

    def create(self, path: str, body: Json) -> Json:
        return self._taken(self.ask("POST", path, body))

    def patch(self, path: str, body: Json) -> Json:
        """The object after this was merged into it."""
        return self._taken(self.ask("PATCH", path, body, "application/merge-patch+json"))

    def ready(self) -> bool:
        try:
            return self.certificate.exists() and self.ask("GET", "/readyz").ok
        except requests.RequestException:
            return False

    @staticmethod
    def _taken(answer: requests.Response) -> Json:
        assert answer.ok, answer.text
        taken: Json = answer.json()
        return taken


@contextmanager
def api_server(folder: Path, *flags: str) -> Iterator[Api]:
    """Started with these flags beside those that say where its files are."""
    store, peers, port = free_port(), free_port(), free_port()
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    write_private(folder / "accounts.key", pem)
    write_private(folder / "tokens", f'{ADMINISTRATOR},administrator,1,"system:masters"\n'.encode())
    etcd: Sequence[str | Path] = [
        *(tool("etcd"), f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn"),
        *(f"--{flag}=http://127.0.0.1:{store}" for flag in ("listen-client-urls", "advertise-client-urls")),
        *(f"--{flag}=http://127.0.0.1:{peers}" for flag in ("listen-peer-urls", "initial-advertise-peer-urls")),
        f"--initial-cluster=default=http://127.0.0.1:{peers}",
    ]
    server: Sequence[str | Path] = [
        *(tool("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{store}", f"--cert-dir={folder}"),
        *(
            "--bind-address=127.0.0.1",
            "--advertise-address=192.0.2.1",
            f"--secure-port={port}",
            f"--token-auth-file={folder / 'tokens'}",
        ),
        *(f"--{flag}={folder / 'accounts.key'}" for flag in ACCOUNT_KEYS),
        *("--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/12"),
        *("--authorization-mode=RBAC", "--profiling=false", *flags),
    ]
    api = Api(f"https://127.0.0.1:{port}", folder / "apiserver.crt")
    with process(etcd, folder / "etcd.log"), process(server, folder / "api.log") as running:

        def answers() -> bool:
            assert running.poll() is None, (folder / "api.log").read_text()
            return api.ready()

        wait_until("the API server to be ready", answers, 90)
        yield api
