"""dns.googleapis.com on the fleet's bridge: what stands between external-dns's google provider and mock-cloud-dns.

The provider has no flag for another endpoint and always speaks https, but goes through the configured proxy and trusts
its CA bundle. So this is a proxy that answers every CONNECT itself, with a certificate of its own, and hands what is
inside to the mock. It also gives out tokens, for a service account whose `token_uri` leads here.
"""

from __future__ import annotations

import json
import socket
import ssl
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fleet.self_signed import pem, write_pair

HOST = "dns.googleapis.com"


class GoogleFront:
    """Listens while it is entered; its files are in `folder`.

    `url` is the proxy, `authority` (PEM) what is to be trusted behind it, `key` the file of the service account's key.
    """

    def __init__(self, mock: tuple[str, int], folder: Path, listen: str) -> None:
        pair, self.key = folder / "front.pem", folder / "key.json"
        self.authority = write_pair(pair, x509.DNSName(HOST))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pair)
        self._server = ThreadingHTTPServer((listen, 0), _handler(mock, tls))
        self.url = f"http://{listen}:{self._server.server_address[1]}"
        self.key.write_text(json.dumps(_service_account(f"{self.url}/token")))

    def __enter__(self) -> GoogleFront:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(mock: tuple[str, int], tls: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            with tls.wrap_socket(self.connection, server_side=True) as client, socket.create_connection(mock) as server:
                back = Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()

        def do_POST(self) -> None:
            token = {"access_token": "mock", "token_type": "Bearer", "expires_in": 3600}
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(token).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _service_account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = {"client_email": "test@my-project.iam.gserviceaccount.com", "project_id": "my-project"}
    return {"type": "service_account", "private_key": pem(key), "token_uri": token_uri, **account}
