"""How an API server is reached: by the context's proxy, else by that of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from federation.clusters.connection import connect, get
from kube.errors import CredentialsError

pytestmark = pytest.mark.unit

SERVER = "http://api.example:6443"


@pytest.fixture
def proxy() -> Iterator[str]:
    """One that answers each request itself, with what it was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f'"{self.path}"'.encode())

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def of(**cluster: Any) -> dict[str, Any]:
    return {
        "clusters": [{"name": "x", "cluster": {"server": SERVER, **cluster}}],
        "users": [],
        "contexts": [{"name": "x", "context": {"cluster": "x"}}],
        "current-context": "x",
    }


def test_the_environments_proxy_is_gone_by(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with connect(of()) as api:
        assert get(api, "/api") == f"{SERVER}/api"


def test_the_contexts_own_proxy_comes_before_it(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with connect(of(**{"proxy-url": proxy})) as api:
        assert get(api, "/api") == f"{SERVER}/api"


def test_a_proxy_that_is_none_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://u:secret@proxy.example")
    with pytest.raises(CredentialsError, match="the proxy that the environment names for it is not") as caught:
        connect(of())
    assert "secret" not in str(caught.value)
