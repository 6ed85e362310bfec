"""Calls of a cluster's API; what goes wrong is told in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
import yaml

from federation.clusters.connection import connect
from federation.settings import kubeconfig
from kube.client import Client
from kube.errors import ApiError, CredentialsError
from provider.resource import ProviderError

FAILURES = (ApiError, urllib3.exceptions.HTTPError, CredentialsError, OSError)


class UnreachableError(ProviderError):
    """An API that does not answer."""


@contextmanager
def opened(whose: str, text: str) -> Iterator[Client]:
    """A client for the kubeconfig `text`. Raises ProviderError for what goes wrong, which begins with `whose`."""
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        # Its words would show a part of the kubeconfig.
        raise ProviderError(f"the kubeconfig for {whose} is not YAML") from None
    try:
        with connect(config) as api:
            yield api
    except urllib3.exceptions.HTTPError as error:
        where = f"{whose} at {kubeconfig.server(config)}"
        raise UnreachableError(f"{where} cannot be reached: {error.__cause__ or error}") from None
    except FAILURES as error:
        raise ProviderError(words(whose, error)) from None


def words(whose: str, error: Exception) -> str:
    """What an error says."""
    match error:
        case ApiError():
            return f"{whose} answered {error.status} {error.reason}: {error.body}"
        case urllib3.exceptions.HTTPError():
            return f"{whose} cannot be reached: {error.__cause__ or error}"
        case CredentialsError() | OSError():
            return f"the credentials for {whose} do not work: {error}"
    return str(error)
