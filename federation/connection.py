"""A direct line to an API server, for the few questions that Pulumi's resources cannot answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import quote

from kubernetes import client, config
from urllib3 import HTTPHeaderDict

from federation import credentials
from federation.credentials import CredentialsError
from federation.kubeconfig import Kubeconfig

TIMEOUT = (5, 15)
"""Seconds to connect and to answer."""
_LOADING = Lock()


def connect(kubeconfig: Kubeconfig) -> client.ApiClient:
    """A client for the kubeconfig of one context that asks once: its callers say at once what does not answer.

    Raises CredentialsError where the context has none that are any good.
    """
    known = credentials.resolved(kubeconfig)
    settings = client.Configuration()
    settings.retries = False
    # It remembers its files with certificates and keys before it has written them: another thread may find one empty.
    with _LOADING:
        config.load_kube_config_from_dict(dict(known), client_configuration=settings)  # type: ignore[no-untyped-call]
    api = client.ApiClient(settings)
    for each in known["users"]:
        if not (settings.api_key or settings.cert_file):
            raise CredentialsError("its credentials come to nothing, and it would be asked as system:anonymous")
        _impersonate(api, each["user"])
    return api


def get(api: client.ApiClient, path: str) -> Any:
    """The object at `path`, as JSON has it.

    Raises client.ApiException for an answer that is not one, urllib3's HTTPError where there is no answer.
    """
    return json.loads(_call(api, "GET", path, None))


def send(api: client.ApiClient, method: str, path: str, body: Mapping[str, Any]) -> None:
    """POST or DELETE with a JSON body, or PATCH with a merge patch; raises as `get` does."""
    _call(api, method, path, body)


def _impersonate(api: client.ApiClient, user: Mapping[str, Any]) -> None:
    """Ask as whom the kubeconfig says, as kubectl and Pulumi's provider do."""
    extra = user.get("as-user-extra") or {}
    told = [
        ("Impersonate-User", user.get("as")),
        ("Impersonate-Uid", user.get("as-uid")),
        *(("Impersonate-Group", group) for group in user.get("as-groups") or ()),
        *((f"Impersonate-Extra-{quote(key, safe='')}", each) for key, values in extra.items() for each in values),
    ]
    headers = [(name, str(value)) for name, value in told if value]
    if not headers:
        return
    pool: Any = api.rest_client.pool_manager
    ask = pool.request

    def request(method: str, url: str, **options: Any) -> Any:
        # A header may be there several times, which the client's own do not know.
        every = HTTPHeaderDict(options.pop("headers", None) or {})
        for name, value in headers:
            every.add(name, value)
        return ask(method, url, headers=every, **options)

    pool.request = request


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
