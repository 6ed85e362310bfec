"""A member's API as a network or an overloaded server spoils it: what stands between the engine and the member."""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from tests.fleet.self_signed import write_pair
from tests.kube_api import DroppingServer

SILENT_SECONDS = 600.0


@dataclass(frozen=True)
class Request:
    """One that came through, whatever became of it."""

    at: float
    """By time.monotonic."""
    method: str
    path: str
    """With the query."""


class MemberFront:
    """Listens while it is entered, and hands on what it hears, with the credentials that it hears."""

    def __init__(self, target: str, authority: str, folder: Path) -> None:
        """`target` is the URL of the member's API, whose certificate is signed by `authority` (PEM)."""
        self.requests: list[Request] = []
        self.delay = 0.0
        """Seconds that each answer is late."""
        self.retry_after: int | None = None
        """Answers 429 and these seconds to whatever is asked for."""
        self.closes_watches = False
        """Answers each watch with its end."""
        self._target = urlsplit(target)
        self._trust = ssl.create_default_context(cadata=authority)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        pairs = {days: folder / f"front{days}.pem" for days in (1, -1)}
        self.authority = "".join(write_pair(pair, address, days) for days, pair in pairs.items())
        """PEM; trusts the certificate that is expired, too."""
        self._contexts = {days: _context(pair) for days, pair in pairs.items()}
        self._server = _Server(self)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        self.expired = False

    def __enter__(self) -> MemberFront:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.drop_connections()

    def drop_connections(self) -> None:
        """As a server that is started anew does."""
        self._server.drop_connections()

    @property
    def tls(self) -> ssl.SSLContext:
        """For the next connection."""
        return self._contexts[-1 if self.expired else 1]

    def connect(self) -> http.client.HTTPSConnection:
        """To the member."""
        assert self._target.hostname is not None
        return http.client.HTTPSConnection(
            self._target.hostname, self._target.port, context=self._trust, timeout=SILENT_SECONDS
        )


class _Server(DroppingServer):
    def __init__(self, front: MemberFront) -> None:
        self._front = front
        super().__init__(("127.0.0.1", 0), _handler(front))

    def finish_request(self, request: Any, client_address: Any) -> None:
        with suppress(OSError), self._front.tls.wrap_socket(request, server_side=True) as secured:
            # It has taken the plain connection's place.
            self.connections.add(secured)
            super().finish_request(secured, client_address)


def _handler(front: MemberFront) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            front.requests.append(Request(time.monotonic(), self.command, self.path))
            time.sleep(front.delay)
            if front.retry_after is not None:
                self._answer(429, {"kind": "Status", "code": 429, "message": "too many requests"})
            elif front.closes_watches and "watch=true" in self.path:
                self._answer(200, None)
            else:
                self._hand_on(body)

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_PATCH(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def _answer(self, status: int, obj: dict[str, Any] | None) -> None:
            content = json.dumps(obj).encode() if obj else b""
            self.send_response(status)
            if front.retry_after is not None:
                self.send_header("Retry-After", str(front.retry_after))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _hand_on(self, body: bytes) -> None:
            headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Connection")}
            member = front.connect()
            try:
                member.request(self.command, self.path, body or None, headers)
                answer = member.getresponse()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                while data := answer.read1(1 << 16):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True
            finally:
                member.close()

        def log_message(self, *_: object) -> None:
            """The requests are kept."""

    return Handler


def _context(pair: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    return context
