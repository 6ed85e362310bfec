"""A member's withdrawal from the names: what is asked of the federation API, and how long it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kube.watching
from controllers.names.objects import FederatedService, LastSeen, dns_endpoint
from provider import withdrawal
from provider.resource import GivenUpError, ProviderError, Work
from provider.withdrawal import DNS_ENDPOINTS, Withdrawal
from tests.kube_api import ApiServer, Json
from tests.provider_calls import Called

pytestmark = pytest.mark.unit

CLUSTERS = "/apis/cluster.karmada.io/v1alpha1/clusters"
LEAVING = {"federation/leaving": "true"}


class Api(ApiServer):
    """A federation API with gondor, and the clock of who waits beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []
        self.while_sleeping: Callable[[], None] = lambda: None
        """What happens meanwhile, each time."""
        self.put(CLUSTERS, {"metadata": {"name": "gondor"}})

    @property
    def annotations(self) -> Any:
        """Of the Cluster."""
        return (self.get(CLUSTERS, "", "gondor") or {})["metadata"].get("annotations", {})

    @property
    def patches(self) -> int:
        return sum(method == "PATCH" for method, _ in self.requests)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    server = Api()

    async def sleep(_: Work, seconds: float) -> None:
        server.slept.append(seconds)
        server.while_sleeping()

    monkeypatch.setattr(Work, "sleep", sleep)
    monkeypatch.setattr(withdrawal, "monotonic", lambda: sum(server.slept))
    yield server
    server.stop()


def props(api: Api, **changes: Any) -> dict[str, Any]:
    config = {
        "clusters": [{"name": "c", "cluster": {"server": api.url}}],
        "users": [{"name": "c", "user": {"token": "mellon"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "current-context": "c",
    }
    return {"cluster": "gondor", "kubeconfig": json.dumps(config), "ttl": 30, **changes}


def state(api: Api, **changes: Any) -> dict[str, Any]:
    return {**props(api), "drift": "", **changes}


def records(service: str, *clusters: str) -> Json:
    """As dns-controller writes them while it knows these clusters."""
    seen = LastSeen(ready=dict.fromkeys(clusters, True))
    return dns_endpoint(FederatedService(("shire", service), "uid"), (), 30, seen)


def interrupted() -> None:
    raise GivenUpError


def test_leaving_marks_the_cluster_and_outlasts_the_ttl(api: Api) -> None:
    provider = Called(Withdrawal)
    provider.delete(state(api))
    assert provider.told == []
    assert api.annotations == LEAVING
    assert api.slept == [35]


def test_a_zone_that_others_publish_gets_the_time_that_they_take(api: Api) -> None:
    Called(Withdrawal).delete(state(api, publishedWithin=60))
    assert api.slept == [90]


@pytest.mark.parametrize(("ttl", "seconds", "told"), [(895, 900, 0), (896, 900, 1), (86400, 900, 1)])
def test_nobody_waits_longer_than_a_quarter_of_an_hour_and_what_that_means_is_told(
    api: Api, ttl: int, seconds: int, told: int
) -> None:
    provider = Called(Withdrawal)
    provider.delete(state(api, ttl=ttl))
    assert api.slept == [seconds]
    assert provider.told == told * [
        f"gondor leaves after 900 s, which is before the TTL of {ttl} s is over: "
        "resolvers and clients that have asked for its names until now may use its addresses until then"
    ]


def test_the_ttl_begins_when_all_records_are_written_without_the_cluster(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube.watching, "PAGE", "2")
    services = ["one", "two", "three", "four", "five"]
    for service in services:
        api.put(DNS_ENDPOINTS, records(service, "gondor", "rohan"))

    def write() -> None:
        if services:
            api.put(DNS_ENDPOINTS, records(services.pop(0), "rohan"))

    api.while_sleeping = write
    provider = Called(Withdrawal)
    provider.delete(state(api))
    assert api.slept == [0.5, 1, 2, 4, 8, 35]
    assert provider.told == []


@pytest.mark.parametrize("annotation", [None, "", "[]", '{"ready": 3}', '{"ready": {}, "shares": {"gondor-2": {}}}'])
def test_records_that_are_somebody_elses_or_do_not_say_what_they_are_from_keep_nobody_waiting(
    api: Api, annotation: str | None
) -> None:
    odd, theirs = records("web"), records("theirs", "gondor")
    odd["metadata"]["annotations"] = {"federation/seen": annotation} if annotation is not None else None
    theirs["metadata"]["labels"] = {}
    for each in (odd, theirs):
        api.put(DNS_ENDPOINTS, each)
    Called(Withdrawal).delete(state(api))
    assert api.slept == [35]


@pytest.mark.parametrize(
    ("services", "named"), [(["web"], "shire/web"), (["web", "api", "mail"], "shire/api and 2 more")]
)
def test_records_that_nobody_writes_are_waited_for_a_minute_and_told(api: Api, services: list[str], named: str) -> None:
    for service in services:
        api.put(DNS_ENDPOINTS, records(service, "gondor"))
    provider = Called(Withdrawal)
    provider.delete(state(api))
    *looks, ttl = api.slept
    assert 60 <= sum(looks) <= 60 + withdrawal.LONGEST_PAUSE
    assert ttl == 35
    assert provider.told == [
        "gondor leaves, though its names may not be gone after 60 s: dns-controller, in the host cluster, has not "
        f"written the records of {named} without it; until it does, clients may be led to its addresses"
    ]


def test_an_api_that_does_not_show_the_records_holds_up_nobody_for_longer(api: Api) -> None:
    api.forbidden = {DNS_ENDPOINTS}
    provider = Called(Withdrawal)
    provider.delete(state(api))
    assert 60 <= sum(api.slept[:-1]) <= 60 + withdrawal.LONGEST_PAUSE
    (told,) = provider.told
    assert "the records cannot be looked at: the federation API answered 403" in told

    api.forbidden, api.answers = set(), {DNS_ENDPOINTS: []}
    provider.delete(state(api))
    assert "the records cannot be looked at: the federation API answered nonsense" in provider.told[-1]


def test_an_api_that_is_gone_for_a_moment_is_asked_again(api: Api) -> None:
    api.put(DNS_ENDPOINTS, records("web", "gondor"))

    def come_back() -> None:
        api.while_sleeping = lambda: None
        api.start()
        api.put(DNS_ENDPOINTS, records("web"))

    def go() -> None:
        api.while_sleeping = come_back
        api.stop()

    api.while_sleeping = go
    provider = Called(Withdrawal)
    provider.delete(state(api))
    assert api.slept == [0.5, 1, 35]
    assert provider.told == []


def test_a_federation_without_the_kind_has_no_records_to_wait_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    # Answered 404, as is the list of a kind that is not served.
    monkeypatch.setattr(withdrawal, "DNS_ENDPOINTS", f"{DNS_ENDPOINTS}/none")
    Called(Withdrawal).delete(state(api))
    assert api.slept == [35]


@pytest.mark.parametrize("endpoints", [[], [records("web", "gondor")]])
def test_a_leave_that_is_interrupted_takes_its_mark_off_again(api: Api, endpoints: list[Json]) -> None:
    for each in endpoints:
        api.put(DNS_ENDPOINTS, each)
    api.while_sleeping = interrupted
    with pytest.raises(GivenUpError):
        Called(Withdrawal).delete(state(api))
    assert api.patches == 2
    assert api.annotations == {}


def test_a_mark_that_an_interrupted_leave_cannot_take_off_is_told(api: Api) -> None:
    def interrupted_and_cut_off() -> None:
        api.stop()
        raise GivenUpError

    api.while_sleeping = interrupted_and_cut_off
    with pytest.raises(ProviderError, match=r"Cluster gondor is still marked as leaving.*--refresh.*cannot be reached"):
        Called(Withdrawal).delete(state(api))


def test_joining_takes_the_mark_of_a_leave_that_was_given_up(api: Api) -> None:
    api.put(CLUSTERS, {"metadata": {"name": "gondor", "annotations": LEAVING}})
    assert Called(Withdrawal).create(props(api)) == state(api)
    assert api.annotations == {}
    assert api.slept == []


def test_nobody_waits_for_a_cluster_that_is_gone(api: Api) -> None:
    api.remove(CLUSTERS, "", "gondor")
    Called(Withdrawal).delete(state(api))
    assert api.slept == []


def test_nobody_waits_for_an_api_that_is_silent(api: Api) -> None:
    api.stop()
    Called(Withdrawal).delete(state(api))
    assert api.slept == []


def test_an_api_that_refuses_is_an_error(api: Api) -> None:
    api.refused_methods = {("PATCH", CLUSTERS)}
    with pytest.raises(ProviderError, match="the federation API answered 403"):
        Called(Withdrawal).delete(state(api))


def test_another_ttl_or_kubeconfig_is_noted_down_and_nobody_is_asked(api: Api) -> None:
    assert Called(Withdrawal).update(state(api), props(api, ttl=60)) == state(api, ttl=60)
    assert api.requests == []


def test_a_mark_on_a_member_that_stays_is_drift_and_taken_away(api: Api) -> None:
    assert Called(Withdrawal).read(state(api))["drift"] == ""
    api.put(CLUSTERS, {"metadata": {"name": "gondor", "annotations": LEAVING}})
    found = Called(Withdrawal).read(state(api))
    assert found["drift"] == "Cluster gondor is marked as leaving"
    assert Called(Withdrawal).stale(found, props(api)) == ["drift"]
    assert Called(Withdrawal).update(found, props(api)) == state(api)
    assert api.annotations == {}


def test_a_cluster_that_is_gone_has_no_mark(api: Api) -> None:
    api.remove(CLUSTERS, "", "gondor")
    assert Called(Withdrawal).read(state(api))["drift"] == ""
