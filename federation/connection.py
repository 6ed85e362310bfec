"""A direct line to an API server, for the few questions that Pulumi's resources cannot answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock
from typing import Any

from kubernetes import client, config

from federation.kubeconfig import Kubeconfig

TIMEOUT = (5, 15)
"""Seconds to connect and to answer."""
_LOADING = Lock()


def connect(kubeconfig: Kubeconfig) -> client.ApiClient:
    """A client for the kubeconfig's current context that asks once: its callers say at once what does not answer."""
    settings = client.Configuration()
    settings.retries = False
    # It remembers its files with certificates and keys before it has written them: another thread may find one empty.
    with _LOADING:
        config.load_kube_config_from_dict(dict(kubeconfig), client_configuration=settings)  # type: ignore[no-untyped-call]
    return client.ApiClient(settings)


def get(api: client.ApiClient, path: str) -> Any:
    """The object at `path`, as JSON has it.

    Raises client.ApiException for an answer that is not one, urllib3's HTTPError where there is no answer.
    """
    return json.loads(_call(api, "GET", path, None))


def send(api: client.ApiClient, method: str, path: str, body: Mapping[str, Any]) -> None:
    """POST or DELETE with a JSON body, or PATCH with a merge patch; raises as `get` does."""
    _call(api, method, path, body)


def _call(api: client.ApiClient, method: str, path: str, body: Mapping[str, Any] | None) -> str:
    # Not by client.CoreV1Api and the like: importing their thousand models takes half a second of every run.
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    request = api.param_serialize(
        method, path, header_params={"Content-Type": kind}, body=body, auth_settings=["BearerToken"]
    )
    answer = api.call_api(*request, _request_timeout=TIMEOUT)
    content = str(answer.read(), "utf-8", "replace")  # type: ignore[no-untyped-call]
    if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        raise client.ApiException(status=answer.status, reason=answer.reason, body=content)
    return content
