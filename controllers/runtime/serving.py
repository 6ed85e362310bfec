"""What the controller tells the kubelet and Prometheus over HTTP: /livez, /healthz and /metrics."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = tuple[HTTPStatus, bytes]


def serve(listen: tuple[str, int], pages: dict[str, Callable[[], Answer]]) -> tuple[str, int]:
    """Serves the pages from a thread of its own; returns the address, with the port chosen if `listen` has 0."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            page = pages.get(self.path)
            status, body = page() if page else (HTTPStatus.NOT_FOUND, " ".join(pages).encode())
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes are asked every few seconds; not worth a line."""

    server = ThreadingHTTPServer(listen, Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, name="serving", daemon=True).start()
    host, port = server.server_address[:2]
    return str(host), port


def verdict(problems: list[str]) -> Answer:
    """200 if there are no problems, else 503 and the problems, one a line."""
    status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
    return status, "".join(f"{problem}\n" for problem in problems or ["ok"]).encode()
