"""A direct line to an API server, for the few questions that Pulumi's resources cannot answer."""

from __future__ import annotations

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
