"""What a preview tells of a member's cluster DNS, before the update would fail at it."""

from __future__ import annotations

from typing import Any

import pytest

from provider.cluster_dns.config_maps import ConfigMaps
from provider.cluster_dns.resource import ClusterDns
from provider.values import UNKNOWN
from tests.kube_api import ApiServer
from tests.provider_calls import Called
from tests.unit.test_cluster_dns import BEFORE, COREFILE, api, props, put
from tests.unit.test_provider_edge import check

__all__ = ["api"]

pytestmark = pytest.mark.unit

TAKEN: ConfigMaps = {"coredns": {"Corefile": f"{COREFILE}\nexample.com {{\n}}\n"}}


def test_a_preview_tells_what_is_in_the_way_and_asks_only_when_something_changes(api: ApiServer) -> None:
    put(api, TAKEN)
    provider = Called(ClusterDns)
    assert provider.problems(None, props(api))["member"] == (
        "ConfigMap kube-system/coredns: line 5: example.com:53 has a server block already; "
        "put that right, or set clusterDns: none for the member"
    )
    api.requests.clear()
    assert provider.problems(props(api), props(api)) == {}
    assert api.requests == []
    api.stop()
    assert provider.problems(None, props(api)) == {}


@pytest.mark.parametrize("servers", [UNKNOWN, [UNKNOWN], ["10.90.0.5", UNKNOWN]])
@pytest.mark.parametrize("old", [None, {"zone": "example.org", "servers": []}])
def test_a_preview_that_does_not_know_the_servers_yet_tells_what_is_in_the_way(
    api: ApiServer, servers: object, old: dict[str, Any] | None
) -> None:
    put(api, TAKEN)
    provider, before = Called(ClusterDns), old and props(api, **old)
    assert "line 5: example.com:53 has" in provider.problems(before, props(api, servers=servers))["member"]
    api.requests.clear()
    assert provider.problems(before, props(api, servers=servers, kubeconfig=UNKNOWN)) == {}
    assert api.requests == []
    api.stop()
    assert provider.problems(before, props(api, servers=servers)) == {}


@pytest.mark.parametrize("before", BEFORE[:-1])
@pytest.mark.parametrize("is_known", [False, True])
def test_what_the_federation_wrote_before_is_not_in_its_way(api: ApiServer, before: ConfigMaps, is_known: bool) -> None:
    put(api, before)
    provider = Called(ClusterDns)
    provider.create(props(api))
    assert provider.problems(props(api) if is_known else None, props(api, servers=UNKNOWN)) == {}


def test_what_kube_dns_has_for_the_zone_may_be_the_servers_that_are_unknown_yet(api: ApiServer) -> None:
    put(api, {"kube-dns": {"stubDomains": '{"example.com": ["10.90.0.6"]}'}})
    provider = Called(ClusterDns)
    assert provider.problems(None, props(api, servers=UNKNOWN)) == {}
    assert "sends example.com to 10.90.0.6 already" in provider.problems(None, props(api))["member"]


def test_the_first_preview_tells_what_is_in_the_way_of_the_zone(api: ApiServer) -> None:
    """Its servers are known only when the Service has an address."""
    put(api, TAKEN)
    found = check("ClusterDns", props(api, servers=UNKNOWN))
    assert found["member"].startswith("ConfigMap kube-system/coredns: line 5: example.com:53 has a server block")
