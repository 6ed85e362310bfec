"""How an API server is reached: by the context's proxy, else by that of the environment."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from federation.clusters.connection import aside, connect, get
from kube.errors import CredentialsError
from tests.unit.test_identity import api, context

pytestmark = pytest.mark.unit

SERVER = "http://api.example:6443"


@pytest.fixture
def proxy() -> Iterator[str]:
    """One that answers each request itself, with what it was asked for."""
    with api(lambda asked: (200, json.dumps(asked))) as url:
        yield url


def of(**cluster: Any) -> dict[str, Any]:
    return {**context(SERVER), "clusters": [{"name": "c", "cluster": {"server": SERVER, **cluster}}]}


def test_the_environments_proxy_is_gone_by(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with connect(of()) as client:
        assert get(client, "/api") == f"{SERVER}/api"


def test_the_contexts_own_proxy_comes_before_it(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with connect(of(**{"proxy-url": proxy})) as client:
        assert get(client, "/api") == f"{SERVER}/api"


def test_a_proxy_that_is_none_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://u:secret@proxy.example")
    with pytest.raises(CredentialsError, match="the proxy that the environment names for it is not") as caught:
        connect(of())
    assert "secret" not in str(caught.value)


def test_what_is_asked_aside_waits_for_none_of_the_loops_threads_which_wait_for_it() -> None:
    answered = threading.Event()

    async def hook_of_a_resource_that_all_threads_wait_for() -> bool:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            loop.set_default_executor(pool)
            registered = loop.run_in_executor(None, answered.wait, 10)
            await aside(answered.set)
            return await registered

    assert asyncio.run(hook_of_a_resource_that_all_threads_wait_for())


def test_what_is_asked_aside_is_in_the_context_of_who_asks_and_raises_there() -> None:
    stack = ContextVar("stack", default="none")

    def ask() -> None:
        raise LookupError(stack.get())

    async def hook() -> None:
        stack.set("dev")
        await aside(ask)

    with pytest.raises(LookupError, match="dev"):
        asyncio.run(hook())
