"""A direct line to an API server, for the few questions that Pulumi's resources cannot answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from federation import credentials
from federation.kubeconfig import Kubeconfig, cluster
from kube.client import JSON, MERGE_PATCH, Client

TIMEOUT = (5, 15)
"""Seconds to connect and to answer."""


def connect(kubeconfig: Kubeconfig) -> Client:
    """A client for the kubeconfig of one context that asks once: its callers say at once what does not answer.

    Raises CredentialsError where the context has none that are any good.
    """
    known = credentials.resolved(kubeconfig)
    return Client(cluster(known), known["users"][0]["user"] if known["users"] else {})


def get(api: Client, path: str) -> Any:
    """The object at `path`, as JSON has it.

    Raises ApiError for an answer that is not one, urllib3's HTTPError where there is no answer.
    """
    return api.ask("GET", path, seconds=TIMEOUT)


def send(api: Client, method: str, path: str, body: Mapping[str, Any]) -> None:
    """POST or DELETE with a JSON body, or PATCH with a merge patch; raises as `get` does."""
    api.call(method, path, body=body, content=MERGE_PATCH if method == "PATCH" else JSON, seconds=TIMEOUT)
