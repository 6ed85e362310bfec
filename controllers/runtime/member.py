"""The way to a member's API: where it is, by its Cluster, and the credentials that the federation API has for it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

from controllers.runtime.api import Api
from controllers.runtime.objects import Key


class CredentialsError(ValueError):
    """The federation API does not have what leads to a member."""


@dataclass(frozen=True)
class Endpoint:
    """Where a member's API is, and how it is reached."""

    url: str
    insecure: bool
    """Whether any certificate will do."""
    proxy: str
    """URL of the HTTP proxy on the way; empty: none."""


def connect(federation: Callable[[], Api], secret: Key, endpoint: Endpoint) -> Api:
    """A line to a member, with the credentials that this Secret has now, and with the fence of the federation's line.

    Raises what Api's calls raise for the federation API, and CredentialsError for a Secret that lacks something.
    """
    namespace, name = secret
    with federation() as api:
        fence = api.fence
        data = api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}").get("data") or {}
    where = f"Secret {namespace}/{name} in the federation API"
    needed = ("token",) if endpoint.insecure else ("caBundle", "token")
    missing = [key for key in needed if not data.get(key)]
    if missing:
        raise CredentialsError(f"{where} has no {' and no '.join(missing)}")
    try:
        ca, token = (b64decode(data.get(key, "")).decode() for key in ("caBundle", "token"))
    except ValueError:
        raise CredentialsError(f"{where} has a caBundle or token that is no text") from None
    return Api.of_token(endpoint.url, ca, token, insecure=endpoint.insecure, proxy=endpoint.proxy, fence=fence)
