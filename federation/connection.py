"""A direct line to an API server, for the few questions that Pulumi's resources cannot answer."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from kubernetes import client, config

from federation.kubeconfig import Kubeconfig

TIMEOUT = (5, 15)
"""Seconds to connect and to answer."""


def connect(kubeconfig: Kubeconfig) -> client.ApiClient:
    """A client for the kubeconfig's current context that asks once: its callers say at once what does not answer."""
    settings = client.Configuration()
    settings.retries = False
    config.load_kube_config_from_dict(dict(kubeconfig), client_configuration=settings)  # type: ignore[no-untyped-call]
    return client.ApiClient(settings)


def get(api: client.ApiClient, path: str) -> Any:
    """The object at `path`, as JSON has it.

    Raises client.ApiException for an answer that is not one, urllib3's HTTPError where there is no answer.
    """
    # Not by client.CoreV1Api and the like: importing their thousand models takes half a second of every run.
    request = api.param_serialize("GET", path, auth_settings=["BearerToken"])
    answer = api.call_api(*request, _request_timeout=TIMEOUT)
    body = answer.read()  # type: ignore[no-untyped-call]
    if answer.status != HTTPStatus.OK:
        raise client.ApiException(status=answer.status, reason=answer.reason, body=body)
    return json.loads(body)
