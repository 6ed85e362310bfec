"""A direct line to an API server, for the few questions that Pulumi's resources cannot answer."""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from federation.clusters import credentials, proxies
from federation.settings import syntax
from federation.settings.kubeconfig import PROXY, Kubeconfig, cluster
from kube.client import JSON, MERGE_PATCH, Client
from kube.errors import ApiError, CredentialsError

TIMEOUT = (5, 15)
"""Seconds to connect and to answer."""
P = ParamSpec("P")
T = TypeVar("T")


def connect(kubeconfig: Kubeconfig) -> Client:
    """A client for the kubeconfig of one context that asks once: its callers say at once what does not answer.

    It goes by the proxy that the environment names where the context names none, as Pulumi's provider does. Raises
    CredentialsError where the context has none that are any good, and for such a proxy that is none.
    """
    known = credentials.resolved(kubeconfig)
    entry = cluster(known)
    if not entry.get(PROXY) and (proxy := proxies.proxy_for(entry["server"], os.environ)):
        if not syntax.is_proxy(proxy):
            # Not shown, as a password may be in it.
            raise CredentialsError(f"the proxy that the environment names for it is not {syntax.PROXY_RULE}")
        entry = {**entry, PROXY: proxy}
    return Client(entry, known["users"][0]["user"] if known["users"] else {})


def get(api: Client, path: str) -> Any:
    """The object at `path`, as JSON has it.

    Raises ApiError for an answer that is not one, urllib3's HTTPError where there is no answer.
    """
    return api.ask("GET", path, seconds=TIMEOUT)


def find(api: Client, path: str) -> Any:
    """The object at `path`, or None where there is none; raises as `get` does."""
    try:
        return get(api, path)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def send(api: Client, method: str, path: str, body: Mapping[str, Any]) -> None:
    """POST or DELETE with a JSON body, or PATCH with a merge patch; raises as `get` does."""
    api.call(method, path, body=body, content=MERGE_PATCH if method == "PATCH" else JSON, seconds=TIMEOUT)


async def aside(ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `ask` returns or raises, asked in a thread: a hook that waits itself keeps all other resources waiting.

    It is a thread of its own, as each of the loop's threads may be waiting for a resource that waits for a hook.
    """
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, lambda: context.run(ask, *args, **kwargs))
