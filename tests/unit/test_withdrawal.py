"""A member's withdrawal from the names: what is asked of the federation API, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3

from federation.clusters import connection
from kube.errors import ApiError
from provider import clusters, withdrawal
from provider.resource import GivenUpError, ProviderError, Work
from provider.withdrawal import Withdrawal
from tests.provider_calls import Called

pytestmark = pytest.mark.unit

KUBECONFIG = """\
clusters: [{name: c, cluster: {server: https://api.example}}]
contexts: [{name: c, context: {cluster: c, user: c}}]
current-context: c
"""

PROPS = {"cluster": "gondor", "kubeconfig": KUBECONFIG, "ttl": 30}
STATE = PROPS | {"drift": ""}
CLUSTER = "/apis/cluster.karmada.io/v1alpha1/clusters/gondor"


class Api:
    """What was sent, and how long was slept."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []
        self.slept: list[float] = []
        self.is_interrupted = False
        """Whether Pulumi is interrupted in the wait."""
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


@contextmanager
def _connected(_: object) -> Iterator[None]:
    yield None


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    new = Api()
    monkeypatch.setattr(clusters, "connect", _connected)
    monkeypatch.setattr(withdrawal, "send", new.send)
    monkeypatch.setattr(connection, "get", new.get)

    async def sleep(_: Work, seconds: float) -> None:
        new.slept.append(seconds)
        if new.is_interrupted:
            raise GivenUpError

    monkeypatch.setattr(Work, "sleep", sleep)
    return new


def test_leaving_marks_the_cluster_and_outlasts_the_ttl(api: Api) -> None:
    provider = Called(Withdrawal)
    provider.delete(STATE)
    assert provider.told == []
    assert api.sent == [("PATCH", CLUSTER, {"metadata": {"annotations": {"federation/leaving": "true"}}})]
    assert api.slept == [35]


@pytest.mark.parametrize(("ttl", "seconds", "told"), [(895, 900, 0), (896, 900, 1), (86400, 900, 1)])
def test_nobody_waits_longer_than_a_quarter_of_an_hour_and_what_that_means_is_told(
    api: Api, ttl: int, seconds: int, told: int
) -> None:
    provider = Called(Withdrawal)
    provider.delete(STATE | {"ttl": ttl})
    assert api.slept == [seconds]
    assert provider.told == told * [
        f"gondor leaves after 900 s, which is before the TTL of {ttl} s is over: "
        "resolvers and clients that have asked for its names until now may use its addresses until then"
    ]


def test_a_leave_that_is_interrupted_takes_its_mark_off_again(api: Api) -> None:
    api.is_interrupted = True
    with pytest.raises(GivenUpError):
        Called(Withdrawal).delete(STATE)
    assert [body["metadata"]["annotations"]["federation/leaving"] for *_, body in api.sent] == ["true", None]


def test_a_mark_that_an_interrupted_leave_cannot_take_off_is_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(_: Work, seconds: float) -> None:
        api.failure = urllib3.exceptions.HTTPError("no route")
        raise GivenUpError

    monkeypatch.setattr(Work, "sleep", interrupted)
    with pytest.raises(ProviderError, match=r"Cluster gondor is still marked as leaving.*--refresh.*no route"):
        Called(Withdrawal).delete(STATE)


def test_joining_takes_the_mark_of_a_leave_that_was_given_up(api: Api) -> None:
    assert Called(Withdrawal).create(PROPS) == STATE
    assert api.sent == [("PATCH", CLUSTER, {"metadata": {"annotations": {"federation/leaving": None}}})]
    assert api.slept == []


@pytest.mark.parametrize("failure", [ApiError(status=404), urllib3.exceptions.HTTPError("no route")])
def test_nobody_waits_for_a_cluster_that_is_gone_or_an_api_that_is_silent(api: Api, failure: Exception) -> None:
    api.failure = failure
    Called(Withdrawal).delete(STATE)
    assert api.slept == []


def test_an_api_that_refuses_is_an_error(api: Api) -> None:
    api.failure = ApiError(status=403)
    with pytest.raises(ProviderError, match="the federation API answered 403"):
        Called(Withdrawal).delete(STATE)


def test_another_ttl_or_kubeconfig_is_noted_down_and_nobody_is_asked(api: Api) -> None:
    assert Called(Withdrawal).update(STATE, PROPS | {"ttl": 60}) == STATE | {"ttl": 60}
    assert api.sent == []


def test_a_mark_on_a_member_that_stays_is_drift_and_taken_away(api: Api) -> None:
    assert Called(Withdrawal).read(STATE)["drift"] == ""
    api.annotations = {"federation/leaving": "true"}
    found = Called(Withdrawal).read(STATE)
    assert found["drift"] == "Cluster gondor is marked as leaving"
    assert Called(Withdrawal).stale(found, PROPS) == ["drift"]
    assert Called(Withdrawal).update(found, PROPS) == STATE
    assert api.sent == [("PATCH", CLUSTER, {"metadata": {"annotations": {"federation/leaving": None}}})]


def test_a_cluster_that_is_gone_has_no_mark(api: Api) -> None:
    api.failure = ApiError(status=404)
    assert Called(Withdrawal).read(STATE)["drift"] == ""
