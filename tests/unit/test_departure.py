"""A member's departure: what the built-in engine is told of one that is gone for good, and of no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kube.errors import ApiError
from provider import clusters, departure
from provider.departure import Departure
from provider.resource import ProviderError
from tests.provider_calls import Called

pytestmark = pytest.mark.unit

PROPS = {"cluster": "mordor", "kubeconfig": "current-context: c"}
TOLD = (
    "PATCH",
    "/apis/cluster.karmada.io/v1alpha1/clusters/mordor",
    {"metadata": {"annotations": {"federation/unreachable": "true"}}},
)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    requests: list[tuple[Any, ...]] = []

    @contextmanager
    def connected(_: object) -> Iterator[None]:
        yield None

    monkeypatch.setattr(clusters, "connect", connected)
    monkeypatch.setattr(departure, "send", lambda _, *request: requests.append(request))
    return requests


def test_a_member_that_is_gone_for_good_is_told_to_the_engine(sent: list[tuple[Any, ...]]) -> None:
    Called(Departure, gone=("mordor",)).delete(PROPS)
    assert sent == [TOLD]


def test_of_any_other_the_engine_is_told_nothing(sent: list[tuple[Any, ...]]) -> None:
    Called(Departure, gone=("gondor",)).delete(PROPS)
    assert sent == []


@pytest.mark.parametrize(("status", "fails"), [(404, False), (403, True)])
def test_a_cluster_that_is_gone_needs_nothing_and_what_else_is_wrong_is_said(
    sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, status: int, fails: bool
) -> None:
    def refuse(*_: object) -> None:
        raise ApiError(status=status, reason="refused")

    monkeypatch.setattr(departure, "send", refuse)
    if fails:
        with pytest.raises(ProviderError, match="the federation API answered 403 refused"):
            Called(Departure, gone=("mordor",)).delete(PROPS)
    else:
        Called(Departure, gone=("mordor",)).delete(PROPS)
