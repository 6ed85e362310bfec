"""A member's withdrawal from the names: what is asked of the federation API, and how long it takes."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import urllib3
from kubernetes import client

from federation.dns import withdrawal
from federation.dns.withdrawal import Provider

pytestmark = pytest.mark.unit

PROPS = {"cluster": "gondor", "kubeconfig": "{}", "ttl": 30}
CLUSTER = "/apis/cluster.karmada.io/v1alpha1/clusters/gondor"


class Api:
    """What was sent, and how long was slept."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.slept: list[float] = []
        self.failure: Exception | None = None
        self.annotations: dict[str, str] = {}

    def get(self, _: Any, path: str) -> Any:
        if self.failure:
            raise self.failure
        assert path == CLUSTER
        return {"metadata": {"annotations": self.annotations}}

    def send(self, _: Any, *request: Any) -> None:
        if self.failure:
            raise self.failure
        self.sent.append(request)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    new = Api()
    monkeypatch.setattr(withdrawal, "connect", lambda _: nullcontext())
    monkeypatch.setattr(withdrawal, "send", new.send)
    monkeypatch.setattr(withdrawal, "get", new.get)
    monkeypatch.setattr(withdrawal, "sleep", new.slept.append)
    return new


def test_leaving_marks_the_cluster_and_outlasts_the_ttl(api: Api) -> None:
    Provider().delete("gondor", PROPS)
    assert api.sent == [("PATCH", CLUSTER, {"metadata": {"annotations": {"federation/leaving": "true"}}})]
    assert api.slept == [35]


def test_joining_takes_the_mark_of_a_leave_that_was_given_up(api: Api) -> None:
    assert Provider().create(PROPS).outs == PROPS
    assert api.sent == [("PATCH", CLUSTER, {"metadata": {"annotations": {"federation/leaving": None}}})]
    assert api.slept == []


@pytest.mark.parametrize("failure", [client.ApiException(status=404), urllib3.exceptions.HTTPError("no route")])
def test_nobody_waits_for_a_cluster_that_is_gone_or_an_api_that_is_silent(api: Api, failure: Exception) -> None:
    api.failure = failure
    Provider().delete("gondor", PROPS)
    assert api.slept == []


def test_an_api_that_refuses_is_an_error(api: Api) -> None:
    api.failure = client.ApiException(status=403)
    with pytest.raises(client.ApiException):
        Provider().delete("gondor", PROPS)


@pytest.mark.parametrize(("change", "changes"), [({}, False), ({"ttl": 60}, True), ({"kubeconfig": "new"}, True)])
def test_what_it_waits_for_and_whom_it_asks_can_change(change: dict[str, Any], changes: bool) -> None:
    assert Provider().diff("gondor", PROPS, PROPS | change).changes is changes


def test_a_mark_on_a_member_that_stays_is_drift_and_taken_away(api: Api) -> None:
    assert (Provider().read("gondor", PROPS).outs or {})["drift"] == ""
    api.annotations = {"federation/leaving": "true"}
    found = Provider().read("gondor", PROPS).outs or {}
    assert found["drift"] == "Cluster gondor is marked as leaving"
    assert Provider().diff("gondor", found, PROPS).changes
    assert Provider().update("gondor", found, PROPS).outs == PROPS
    assert api.sent == [("PATCH", CLUSTER, {"metadata": {"annotations": {"federation/leaving": None}}})]


def test_a_cluster_that_is_gone_has_no_mark(api: Api) -> None:
    api.failure = client.ApiException(status=404)
    assert (Provider().read("gondor", PROPS).outs or {})["drift"] == ""
