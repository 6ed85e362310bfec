"""Stand-ins for members: API servers in one process of Python that keep what they are given, and no more.

They show what many members cost the engine. They do not show how fast a member is.
"""

from __future__ import annotations

import multiprocessing
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from cryptography import x509

from tests.fleet.self_signed import write_pair
from tests.kube_api import ApiServer


@contextmanager
def standing_in(count: int, folder: Path) -> Iterator[Sequence[str]]:
    """The https URLs of so many, on loopback; they end with the block."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(count, folder / "stand-ins.pem", theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(30):
            raise TimeoutError("the stand-ins did not start within 30 s")
        yield ours.recv()
    finally:
        process.kill()
        process.join(10)


def _serve(count: int, pair: Path, tell: Connection) -> None:
    write_pair(pair, x509.DNSName("localhost"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair)
    servers = [ApiServer(tls) for _ in range(count)]
    tell.send([server.url for server in servers])
    tell.recv()  # Nothing comes: it serves until it is killed.
