"""The way to a member's API: where it is, by its Cluster, and the credentials that the federation API has for it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

from controllers.runtime.api import Api
from controllers.runtime.objects import Key
from kube.errors import CredentialsError


class MemberCredentialsError(CredentialsError):
    """What the federation API has does not lead to a member; other CredentialsErrors are of the line to that API."""


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

    Raises what Api's calls raise for the federation API, and MemberCredentialsError for a Secret that lacks something,
    and for what cannot be used.
    """
    namespace, name = secret
    with federation() as api:
        fence = api.fence
        data = api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}").get("data") or {}
    where = f"Secret {namespace}/{name} in the federation API"
    needed = ("token",) if endpoint.insecure else ("caBundle", "token")
    missing = [key for key in needed if not data.get(key)]
    if missing:
        raise MemberCredentialsError(f"{where} has no {' and no '.join(missing)}")
    try:
        ca, token = (b64decode(data.get(key, "")).decode() for key in ("caBundle", "token"))
    except ValueError:
        raise MemberCredentialsError(f"{where} has a caBundle or token that is no text") from None
    try:
        return Api.of_token(endpoint.url, ca, token, insecure=endpoint.insecure, proxy=endpoint.proxy, fence=fence)
    except CredentialsError as error:
        raise MemberCredentialsError(f"{where} cannot be used: {error}") from None
    except ValueError as error:
        raise MemberCredentialsError(f"the Cluster's spec.proxyURL cannot be used: {error}") from None
