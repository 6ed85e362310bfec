"""CoreDNS without the plugin reload: when it is restarted, and that no failure forgets it."""

from __future__ import annotations

import pytest

from federation.settings.keys import CLUSTER_DNS
from provider.cluster_dns import config_maps
from provider.cluster_dns.config_maps import ConfigMaps
from provider.cluster_dns.resource import ClusterDns
from provider.resource import BegunError, ProviderError
from tests.kube_api import ApiServer
from tests.provider_calls import Called
from tests.unit.test_cluster_dns import (
    BEFORE,
    CONFIG_MAPS,
    CUSTOM,
    DEPLOYMENTS,
    LOOKUP,
    WITHOUT_RELOAD,
    api,
    data,
    made,
    props,
    put,
    put_deployment,
)

__all__ = ["api"]

pytestmark = pytest.mark.unit

WITHOUT_RELOAD_BUT_CUSTOM: ConfigMaps = {"coredns": {"Corefile": CUSTOM.replace("reload", "cache")}}
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def restarts(server: ApiServer, name: str = "coredns") -> dict[str, str]:
    """The annotations of the pods of this Deployment, which only a restart gives them."""
    found = server.get(DEPLOYMENTS, "kube-system", name) or {}
    annotations: dict[str, str] = found["spec"]["template"]["metadata"].get("annotations", {})
    return annotations


def test_coredns_is_restarted_only_if_it_does_not_reload(api: ApiServer) -> None:
    put_deployment(api, "coredns")
    provider = Called(ClusterDns)
    put(api, BEFORE[0])
    provider.create(props(api))
    assert restarts(api) == {}

    put(api, WITHOUT_RELOAD)
    provider.create(props(api))
    assert set(restarts(api)) == {RESTARTED, CLUSTER_DNS}
    api.requests.clear()
    provider.update(made(api), props(api))
    assert {method for method, _ in api.requests} == {"GET"}

    api.remove(DEPLOYMENTS, "kube-system", "coredns")
    with pytest.raises(
        ProviderError, match="member gondor: its CoreDNS has neither the plugin reload nor a Deployment coredns"
    ):
        provider.delete(props(api))


@pytest.mark.parametrize(
    ("given", "name"), [({}, "rke2-coredns-rke2-coredns"), ({"configMap": "team-dns"}, "team-dns")]
)
def test_what_does_not_reload_is_restarted_by_the_name_of_its_config_map(
    api: ApiServer, given: dict[str, str], name: str
) -> None:
    put(api, {name: WITHOUT_RELOAD["coredns"]})
    provider = Called(ClusterDns)
    with pytest.raises(ProviderError, match=f"neither the plugin reload nor a Deployment {name} to be restarted"):
        provider.create(props(api, **given))
    for each in (name, "coredns"):
        put_deployment(api, each)
    provider.create(props(api, **given))
    assert restarts(api, name)
    assert not restarts(api, "coredns")


def test_what_was_written_before_a_failure_is_not_forgotten(api: ApiServer) -> None:
    """CoreDNS has no plugin reload, and its Deployment cannot be restarted: but the ConfigMap is written."""
    put(api, WITHOUT_RELOAD)
    put_deployment(api, "coredns")
    provider = Called(ClusterDns)
    api.refused_methods = {("PATCH", DEPLOYMENTS)}
    with pytest.raises(BegunError, match=r"member gondor: its API answered 403 .*; ConfigMap coredns was written"):
        provider.create(props(api))
    api.refused_methods = {("PATCH", CONFIG_MAPS)}
    # The ConfigMap is right already; what is left is the restart.
    provider.update(made(api), props(api))
    assert restarts(api)
    put(api, BEFORE[0])
    with pytest.raises(ProviderError) as refused:
        provider.create(props(api))
    assert type(refused.value) is ProviderError


@pytest.mark.parametrize("before", [WITHOUT_RELOAD, WITHOUT_RELOAD_BUT_CUSTOM])
def test_coredns_is_restarted_after_a_leave_that_failed_at_it(api: ApiServer, before: ConfigMaps) -> None:
    put(api, before)
    put_deployment(api, "coredns")
    provider = Called(ClusterDns)
    dev = props(api, federation="dev", zone="dev.example.com")
    provider.create(props(api))
    provider.create(dev)
    both = restarts(api)
    api.refused_methods = {("PATCH", DEPLOYMENTS)}
    with pytest.raises(ProviderError, match="its API answered 403"):
        provider.delete(dev)
    api.refused_methods = set()
    provider.delete(dev)
    alone = restarts(api)
    assert alone[CLUSTER_DNS] != both[CLUSTER_DNS]

    api.refused_methods = {("PATCH", DEPLOYMENTS)}
    with pytest.raises(ProviderError, match="its API answered 403"):
        provider.delete(props(api))
    assert data(api) == before
    assert restarts(api) == alone
    api.refused_methods = set()
    provider.delete(props(api))
    # A template that lacks it is another one: that is a restart, too.
    assert set(restarts(api)) == {RESTARTED}


def test_what_a_version_without_the_checksum_has_restarted_is_restarted_when_it_leaves(api: ApiServer) -> None:
    put(api, config_maps.joined(WITHOUT_RELOAD, LOOKUP, None))
    put_deployment(api, "coredns")
    Called(ClusterDns).delete(props(api))
    assert set(restarts(api)) == {RESTARTED}
