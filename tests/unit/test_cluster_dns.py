"""A member's cluster DNS: which ConfigMap is changed, how, and what Pulumi is told. The API is one of our own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from federation.clusters.connection import connect
from provider.cluster_dns import config_maps, corefile, kube_system, kubedns
from provider.cluster_dns.config_maps import ClusterDnsError, ConfigMaps
from provider.cluster_dns.lookup import Lookup
from provider.cluster_dns.resource import ClusterDns
from provider.resource import ProviderError
from tests.kube_api import ApiServer
from tests.provider_calls import Called

pytestmark = pytest.mark.unit

NAMES = ("coredns", "rke2-coredns-rke2-coredns", "coredns-custom", "kube-dns", "team-dns")
CONFIG_MAPS, DEPLOYMENTS = "/api/v1/configmaps", "/apis/apps/v1/deployments"
COREFILE = ". {\n    kubernetes cluster.local\n    reload\n}"
CUSTOM = COREFILE + "\nimport /etc/coredns/custom/*.server\n"
LOOKUP = Lookup("fellowship", "example.com", ("10.90.0.5",), "middle-earth", ("minas-tirith",))
OTHER = Lookup("dev", "dev.example.com", (), "middle-earth", ())
BEFORE: list[ConfigMaps] = [
    {"coredns": {"Corefile": COREFILE, "more": "text"}},
    {
        "coredns": {"Corefile": COREFILE},
        "coredns-custom": {"a.server": "a.org {\n}\n"},
        "kube-dns": {"federations": "a=b.c"},
    },
    {"coredns": {"Corefile": CUSTOM}},
    {"coredns": {"Corefile": CUSTOM}, "coredns-custom": {"a.server": "a.org {\n}\n"}},
    {"rke2-coredns-rke2-coredns": {"Corefile": COREFILE}, "kube-dns": {}},
    {"kube-dns": {"stubDomains": '{ "a.org": ["1.2.3.4"] }\n', "upstreamNameservers": '["8.8.8.8"]'}},
    {"kube-dns": {}},
]
WITHOUT_RELOAD: ConfigMaps = {"coredns": {"Corefile": COREFILE.replace("reload", "cache")}}


@pytest.fixture
def api() -> Iterator[ApiServer]:
    server = ApiServer()
    yield server
    server.stop()


def props(server: ApiServer, **changes: Any) -> dict[str, Any]:
    """The properties of the resource, as Pulumi hands them to its provider."""
    cluster = {"name": "c", "cluster": {"server": server.url}}
    context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
    user = {"name": "c", "user": {"token": "secret"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "c"}
    known = {
        "member": "gondor",
        "kubeconfig": yaml.safe_dump(config),
        "federation": "fellowship",
        "zone": "example.com",
    }
    place = {"region": "middle-earth", "zones": ["minas-tirith"], "servers": ["10.90.0.5"]}
    return known | place | changes


def made(server: ApiServer, **changes: Any) -> dict[str, Any]:
    """The state of the resource when it is in order."""
    return props(server, **changes) | {"drift": "", "layout": corefile.layout()}


def put(server: ApiServer, found: ConfigMaps) -> None:
    for name, data in found.items():
        server.put(
            CONFIG_MAPS,
            {"metadata": {"name": name, "namespace": "kube-system"}, **({"data": dict(data)} if data else {})},
        )


def put_deployment(server: ApiServer, name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "kube-system"}
    return server.put(DEPLOYMENTS, {"metadata": metadata, "spec": {"template": {"metadata": {}, "spec": {}}}})


def data(server: ApiServer) -> ConfigMaps:
    objects = {name: server.get(CONFIG_MAPS, "kube-system", name) for name in NAMES}
    return {name: found.get("data", {}) for name, found in objects.items() if found}


@pytest.mark.parametrize("before", BEFORE)
def test_what_was_joined_is_left_as_it_was(before: ConfigMaps) -> None:
    joined = config_maps.joined(before, LOOKUP, None)
    both = config_maps.joined(joined, OTHER, None)
    assert len(config_maps.changed(before, joined)) == len(config_maps.changed(joined, both)) == 1
    assert config_maps.joined(joined, LOOKUP, None) == joined
    assert config_maps.joined(both, LOOKUP, LOOKUP) == both
    for last, first in ((LOOKUP, OTHER), (OTHER, LOOKUP)):
        alone = config_maps.left(both, first)
        assert alone == config_maps.joined(before, last, None)
        assert not config_maps.changed(before, config_maps.left(alone, last))


@pytest.mark.parametrize(
    ("before", "name"),
    [
        *((before, "coredns") for before in BEFORE[:2]),
        *((before, "coredns-custom") for before in BEFORE[2:4]),
        (BEFORE[4], "rke2-coredns-rke2-coredns"),
        *((before, "kube-dns") for before in BEFORE[5:]),
    ],
)
def test_only_the_config_map_that_is_read_there_changes(before: ConfigMaps, name: str) -> None:
    assert config_maps.changed(before, config_maps.joined(before, LOOKUP, None)) == [name]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize(
    "changes", [{"servers": ()}, {"servers": ("10.90.0.6",)}, {"zone": "example.org"}, {"federation": "ring"}]
)
def test_a_changed_lookup_takes_the_place_of_the_old(before: ConfigMaps, changes: dict[str, Any]) -> None:
    changed = Lookup(**(vars(LOOKUP) | changes))
    joined = config_maps.joined(config_maps.joined(before, LOOKUP, None), changed, LOOKUP)
    assert joined == config_maps.joined(before, changed, None)
    assert not config_maps.changed(before, config_maps.left(joined, changed))


def test_server_blocks_move_to_the_custom_config_map_once_it_is_imported() -> None:
    joined = config_maps.joined({"coredns": {"Corefile": COREFILE + "\n"}}, LOOKUP, None)
    imports = joined["coredns"]["Corefile"] + "import custom/*.server\n"
    moved = config_maps.joined({"coredns": {"Corefile": imports}}, LOOKUP, LOOKUP)
    assert moved["coredns"] == {"Corefile": COREFILE + "\nimport custom/*.server\n"}
    assert list(moved["coredns-custom"]) == ["federation-fellowship.server"]


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ({}, "namespace kube-system has neither ConfigMap coredns nor rke2-.* with a Corefile, nor kube-dns; another"),
        ({"coredns": {"other": ""}}, "namespace kube-system has neither"),
        (
            {"coredns": {"Corefile": COREFILE + "\nexample.com {\n}\n"}},
            "ConfigMap kube-system/coredns: line 5: example.com:53",
        ),
        (
            {"coredns": {"Corefile": CUSTOM}, "coredns-custom": {"a.server": "example.com {\n}"}},
            "ConfigMap kube-system/coredns: a.server line 1",
        ),
        ({"kube-dns": {"federations": "fellowship=example.org"}}, "ConfigMap kube-system/kube-dns: federations has"),
    ],
)
def test_what_cannot_be_joined_is_told_with_the_config_map(found: ConfigMaps, problem: str) -> None:
    with pytest.raises(ClusterDnsError, match=problem):
        config_maps.joined(found, LOOKUP, None)


def test_nothing_is_taken_out_between_damaged_markers() -> None:
    text = config_maps.joined({"coredns": {"Corefile": COREFILE}}, LOOKUP, None)["coredns"]["Corefile"]
    with pytest.raises(ClusterDnsError, match="line 5: '# BEGIN federation fellowship' lacks its counterpart"):
        config_maps.left({"coredns": {"Corefile": text.replace("# END", "# end")}}, LOOKUP)


@pytest.mark.parametrize("before", [BEFORE[0], BEFORE[3], WITHOUT_RELOAD])
def test_a_leave_says_where_a_corefile_is_no_good_and_leaves_one_alone_that_has_nothing_of_ours(
    api: ApiServer, before: ConfigMaps
) -> None:
    put(api, before)
    put_deployment(api, "coredns")
    provider = Called(ClusterDns)
    provider.create(props(api))
    joined = data(api)
    text = joined["coredns"]["Corefile"]
    put(api, {**joined, "coredns": {**joined["coredns"], "Corefile": f"{text}\nshire {{\n"}})
    broken, line = data(api), text.count("\n") + 2
    with pytest.raises(ProviderError) as told:
        provider.delete(props(api))
    assert str(told.value) == (
        f"member gondor: ConfigMap kube-system/coredns: line {line}: the brace that opens here is not closed; "
        "put that right, or set clusterDns: none for the member"
    )
    assert data(api) == broken

    put(api, {**before, "coredns": {"Corefile": "shire {\n"}})
    left = data(api)
    provider.delete(props(api))
    assert data(api) == left


@pytest.mark.parametrize("before", [BEFORE[0], WITHOUT_RELOAD])
def test_our_part_that_was_broken_by_hand_is_put_back_and_taken_out(api: ApiServer, before: ConfigMaps) -> None:
    put(api, before)
    put_deployment(api, "coredns")
    provider = Called(ClusterDns)
    provider.create(props(api))
    good = data(api)
    for mend in (lambda: provider.update(made(api), props(api)), lambda: provider.delete(props(api))):
        text = good["coredns"]["Corefile"].replace("    loadbalance\n    rewrite", "    loadbalance {\n    rewrite")
        assert text != good["coredns"]["Corefile"]
        put(api, {"coredns": {**good["coredns"], "Corefile": text}})
        assert provider.read(made(api))["drift"] == "ConfigMap kube-system/coredns is not as it was left"
        assert provider.problems(None, props(api)) == {}
        mend()
        assert data(api) in (good, before)
    assert data(api) == before


@pytest.mark.parametrize("before", BEFORE[:-1])
def test_pulumi_creates_reads_updates_and_deletes(api: ApiServer, before: ConfigMaps) -> None:
    put(api, before)
    provider = Called(ClusterDns)
    assert provider.problems(None, props(api)) == {}
    assert provider.create(props(api)) == made(api)
    assert data(api) == config_maps.joined(before, LOOKUP, None)

    assert provider.read(made(api)) == made(api)
    assert provider.stale(made(api), props(api)) == []

    assert provider.update(made(api), props(api, zone="example.org")) == made(api, zone="example.org")
    assert data(api) == config_maps.joined(before, Lookup(**(vars(LOOKUP) | {"zone": "example.org"})), None)

    provider.delete(props(api, zone="example.org"))
    assert data(api) == before
    provider.delete(props(api))
    assert data(api) == before


def test_a_change_by_hand_is_seen_and_put_back(api: ApiServer) -> None:
    put(api, BEFORE[0])
    provider = Called(ClusterDns)
    provider.create(props(api))
    good = data(api)
    put(
        api,
        {
            "coredns": {
                **good["coredns"],
                "Corefile": good["coredns"]["Corefile"].replace("denial 9984 5", "denial 9984 50"),
            }
        },
    )
    found = provider.read(made(api))
    assert found["drift"] == "ConfigMap kube-system/coredns is not as it was left"
    assert provider.stale(found, props(api)) == ["drift"]
    provider.update(found, props(api))
    assert data(api) == good

    put(api, {"coredns": {"Corefile": "example.com {\n}\n" + good["coredns"]["Corefile"]}})
    found = provider.read(made(api))
    assert found["drift"].startswith("ConfigMap kube-system/coredns: line 1: example.com:53 has")


def test_another_kubeconfig_is_an_update_that_touches_nothing(api: ApiServer) -> None:
    put(api, BEFORE[0])
    provider = Called(ClusterDns)
    provider.create(props(api))
    renewed = props(api, kubeconfig=props(api)["kubeconfig"] + "# renewed\n")
    api.requests.clear()
    assert provider.update(made(api), renewed) == made(api) | renewed
    assert {method for method, _ in api.requests} == {"GET"}


def test_a_config_map_made_for_the_federation_goes_with_the_last_one(api: ApiServer) -> None:
    put(api, BEFORE[2])
    provider = Called(ClusterDns)
    dev = props(api, federation="dev", zone="dev.example.com")
    provider.create(props(api))
    provider.create(dev)
    provider.delete(props(api))
    assert list(data(api)["coredns-custom"]) == ["federation-dev.server"]
    provider.delete(dev)
    assert data(api) == BEFORE[2]


def test_a_config_map_that_was_there_stays_though_empty(api: ApiServer) -> None:
    before = {**BEFORE[2], "coredns-custom": {}}
    put(api, before)
    provider = Called(ClusterDns)
    provider.create(props(api))
    provider.delete(props(api))
    assert data(api) == before


def test_kube_dns_without_a_config_map_gets_one(api: ApiServer) -> None:
    api.put(DEPLOYMENTS, {"metadata": {"name": "kube-dns", "namespace": "kube-system"}})
    provider = Called(ClusterDns)
    provider.create(props(api))
    assert data(api) == {"kube-dns": kubedns.with_part({}, LOOKUP)}
    provider.delete(props(api))
    assert data(api) == {}


def meddled(api: ApiServer, times: int) -> Callable[[ConfigMaps], ConfigMaps]:
    """A plan during which somebody else writes, the first so many times."""
    left = iter(range(times))

    def plan(found: ConfigMaps) -> ConfigMaps:
        if (turn := next(left, None)) is not None:
            put(api, {"coredns": {**found["coredns"], "theirs": str(turn)}})
        return config_maps.joined(found, LOOKUP, None)

    return plan


def named(name: str) -> Lookup:
    return Lookup(**(vars(LOOKUP) | {"config_map": name}))


@pytest.mark.parametrize("before", [BEFORE[0], BEFORE[3], BEFORE[4], BEFORE[5], {}])
@pytest.mark.parametrize("text", [COREFILE, CUSTOM])
def test_a_config_map_that_is_named_has_the_federation_and_no_other(before: ConfigMaps, text: str) -> None:
    found = {**before, "team-dns": {"Corefile": text}}
    joined = config_maps.joined(found, named("team-dns"), None)
    assert config_maps.changed(found, joined) == ["coredns-custom" if text == CUSTOM else "team-dns"]
    assert not config_maps.changed(found, config_maps.left(joined, named("team-dns")))


@pytest.mark.parametrize("found", [*BEFORE, {"team-dns": {"other": ""}}])
def test_a_config_map_that_is_named_and_not_there_is_refused(found: ConfigMaps) -> None:
    with pytest.raises(ClusterDnsError, match="namespace kube-system has no ConfigMap team-dns with a Corefile"):
        config_maps.joined(found, named("team-dns"), None)


@pytest.mark.parametrize("before", BEFORE[:-1])
def test_another_name_takes_the_federation_along(api: ApiServer, before: ConfigMaps) -> None:
    before = {**before, "team-dns": {"Corefile": COREFILE}}
    put(api, before)
    provider = Called(ClusterDns)
    known, own = props(api), props(api, configMap="team-dns")
    provider.create(known)
    assert provider.problems(known, own) == {}
    assert provider.update(made(api), own, known) == made(api, configMap="team-dns")
    assert data(api) == config_maps.joined(before, named("team-dns"), None)
    assert provider.read(made(api, configMap="team-dns"))["drift"] == ""
    assert provider.update(made(api, configMap="team-dns"), known, own) == made(api)
    assert data(api) == config_maps.joined(before, LOOKUP, None)
    provider.delete(known)
    assert data(api) == before


def test_what_somebody_else_writes_meanwhile_is_kept(api: ApiServer) -> None:
    put(api, BEFORE[0])
    with connect(yaml.safe_load(props(api)["kubeconfig"])) as client:
        kube_system.change(client, [LOOKUP], meddled(api, 2))
    assert data(api)["coredns"]["theirs"] == "1"
    assert data(api) == config_maps.joined(data(api), LOOKUP, LOOKUP)


def test_it_gives_up_when_somebody_else_never_stops(api: ApiServer) -> None:
    put(api, BEFORE[0])
    with connect(yaml.safe_load(props(api)["kubeconfig"])) as client, pytest.raises(ClusterDnsError, match="5 times"):
        kube_system.change(client, [LOOKUP], meddled(api, 9))
    assert "fellowship" not in data(api)["coredns"]["Corefile"]


def test_a_member_that_does_not_answer_or_refuses_is_named(api: ApiServer) -> None:
    provider = Called(ClusterDns)
    api.tokens = {"another"}
    with pytest.raises(ProviderError, match="member gondor: its API answered 401"):
        provider.create(props(api))
    api.stop()
    with pytest.raises(ProviderError, match=f"member gondor: its API at {api.url} cannot be reached: .*refused"):
        provider.delete(props(api))


def test_server_blocks_that_are_written_in_a_new_way_are_taken_up(api: ApiServer) -> None:
    assert Called(ClusterDns).stale(made(api) | {"layout": "older"}, props(api)) == ["layout"]


def test_no_part_of_a_kubeconfig_is_in_an_error(api: ApiServer) -> None:
    with pytest.raises(ProviderError) as told:
        Called(ClusterDns).create(props(api, kubeconfig="token: [secret"))
    assert str(told.value) == "member gondor: the kubeconfig for its API is not YAML"


def test_a_member_that_is_given_up_is_left_without_asking_it(api: ApiServer) -> None:
    provider = Called(ClusterDns, gone=("rohan", "gondor"))
    api.stop()
    provider.delete(props(api))
    with pytest.raises(ProviderError, match="cannot be reached"):
        provider.delete(props(api, member="edoras"))
