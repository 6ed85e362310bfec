"""The plan of a Service's records: federation v1's vectors, what differs from v1 on purpose, and what always holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.names.plan import Addresses, Plan, RecordSet, Shard, plan
from federation.settings.names import ServiceNames
from federation.settings.syntax import is_label

pytestmark = pytest.mark.unit

WEB = ServiceNames("web", "default", "fellowship", "example.com")
ROOT = "web.default.fellowship.svc"


def shard(cluster: str, region: str, zones: str, *addresses: str, hosts: str = "", ready: bool = True) -> Shard:
    return Shard(
        cluster, region, tuple(zones.split()), frozenset(addresses), frozenset(hosts.split()), ready, withdrawn=False
    )


def planned(*shards: Shard, **resolved: Collection[str]) -> dict[str, str]:
    """The plan of `web` as text: name below the zone and above the Service, to type and targets."""
    result = plan(WEB, shards, {f"{host}.net": frozenset(addresses) for host, addresses in resolved.items()})
    return {f"{_short(record.name)} {record.type}": " ".join(map(_short, record.targets)) for record in result.records}


def _short(name: str) -> str:
    if not name.startswith(ROOT):
        return name
    return name.removeprefix(ROOT).removesuffix(".example.com").lstrip(".") or "global"


C1 = shard("c1", "r1", "z1", "10.0.0.1")
C2 = shard("c2", "r1", "z2", "10.0.0.2")
C3 = shard("c3", "r3", "z3", "10.0.0.3")


def test_v1_all_clusters_healthy() -> None:
    assert planned(C1, C2, C3) == {
        "global A": "10.0.0.1 10.0.0.2 10.0.0.3",
        "r1 A": "10.0.0.1 10.0.0.2",
        "r3 A": "10.0.0.3",
        "z1.r1 A": "10.0.0.1",
        "z2.r1 A": "10.0.0.2",
        "z3.r3 A": "10.0.0.3",
    }


def test_v1_a_cluster_without_endpoints_points_one_level_up() -> None:
    assert planned(C1, replace(C2, ready=False), C3) == {
        "global A": "10.0.0.1 10.0.0.3",
        "r1 A": "10.0.0.1",
        "r3 A": "10.0.0.3",
        "z1.r1 A": "10.0.0.1",
        "z2.r1 CNAME": "r1",
        "z3.r3 A": "10.0.0.3",
    }


def test_v1_no_cluster_healthy_ends_in_no_global_name() -> None:
    assert planned(*(replace(each, ready=False) for each in (C1, C2, C3))) == {
        "r1 CNAME": "global",
        "r3 CNAME": "global",
        "z1.r1 CNAME": "r1",
        "z2.r1 CNAME": "r1",
        "z3.r3 CNAME": "r3",
    }


def test_a_cluster_without_an_address_is_led_to_those_that_have_one() -> None:
    assert planned(C1, replace(C3, addresses=frozenset())) == planned(C1) | {"r3 CNAME": "global", "z3.r3 CNAME": "r3"}


def test_v1_without_any_address_there_are_no_names() -> None:
    assert planned(replace(C1, addresses=frozenset())) == planned() == {}


def test_a_withdrawn_cluster_keeps_its_names_and_they_lead_to_a_living_one() -> None:
    assert planned(C1, replace(C3, withdrawn=True)) == {
        "global A": "10.0.0.1",
        "r1 A": "10.0.0.1",
        "r3 CNAME": "global",
        "z1.r1 A": "10.0.0.1",
        "z3.r3 CNAME": "r3",
    }


def test_every_zone_has_its_name_and_a_cluster_without_zones_has_none() -> None:
    assert planned(shard("c1", "r1", "z2 z1 z2", "10.0.0.1"), shard("c2", "r1", "", "10.0.0.2")) == {
        "global A": "10.0.0.1 10.0.0.2",
        "r1 A": "10.0.0.1 10.0.0.2",
        "z1.r1 A": "10.0.0.1",
        "z2.r1 A": "10.0.0.1",
    }


def test_equal_zone_names_in_two_regions_are_two_zones() -> None:
    records = planned(shard("c1", "r1", "a", "10.0.0.1"), shard("c2", "r2", "a", "10.0.0.2"))
    assert (records["a.r1 A"], records["a.r2 A"]) == ("10.0.0.1", "10.0.0.2")


def test_two_clusters_in_one_zone_share_its_set_in_the_order_of_addresses() -> None:
    assert planned(shard("c2", "R1", "Z", "10.0.0.10"), shard("c1", "r1", "z", "10.0.0.9")) == {
        "global A": "10.0.0.9 10.0.0.10",
        "r1 A": "10.0.0.9 10.0.0.10",
        "z.r1 A": "10.0.0.9 10.0.0.10",
    }


def test_each_version_of_ip_has_its_set() -> None:
    assert planned(shard("c1", "r1", "", "10.0.0.1", "2001:DB8::1"), shard("c2", "r2", "", "2001:db8::2")) == {
        "global A": "10.0.0.1",
        "global AAAA": "2001:db8::1 2001:db8::2",
        "r1 A": "10.0.0.1",
        "r1 AAAA": "2001:db8::1",
        "r2 AAAA": "2001:db8::2",
    }


@pytest.mark.parametrize(("region", "zones"), [("us_east", "z1"), ("r1", "z1 z_2"), ("", "z1"), ("r.1", "")])
def test_a_cluster_whose_place_is_no_label_counts_in_the_global_name_only(region: str, zones: str) -> None:
    odd = shard("odd", region, zones, "10.0.0.9")
    result = plan(WEB, [C1, odd], {})
    assert result.records == (RecordSet(WEB.at(), "A", ("10.0.0.1", "10.0.0.9")), *plan(WEB, [C1], {}).records[1:])
    assert len(result.warnings) == 1
    assert "cluster odd counts in the global name only" in result.warnings[0]


def test_v1_a_single_host_name_is_resolved_too() -> None:
    assert planned(shard("c1", "r1", "z1", hosts="lb.net"), lb=["10.0.0.1"]) == {
        "global A": "10.0.0.1",
        "r1 A": "10.0.0.1",
        "z1.r1 A": "10.0.0.1",
    }


def test_host_names_beside_other_targets_are_resolved() -> None:
    first, second = shard("c1", "r1", "z1", hosts="a.net"), shard("c2", "r1", "z2", hosts="b.net")
    assert planned(first, second, C3, a=["10.0.1.1"], b=["10.0.1.2", "::2"]) == {
        "global A": "10.0.0.3 10.0.1.1 10.0.1.2",
        "global AAAA": "::2",
        "r1 A": "10.0.1.1 10.0.1.2",
        "r1 AAAA": "::2",
        "r3 A": "10.0.0.3",
        "z1.r1 A": "10.0.1.1",
        "z2.r1 A": "10.0.1.2",
        "z2.r1 AAAA": "::2",
        "z3.r3 A": "10.0.0.3",
    }


def test_where_no_host_name_resolves_the_first_one_stands_in() -> None:
    hosts = shard("c1", "r1", "", hosts="b.net a.net")
    assert planned(hosts) == {"global CNAME": "a.net", "r1 CNAME": "a.net"}
    assert planned(hosts, C3)["global A"] == "10.0.0.3"


def test_a_load_balancer_named_like_the_service_does_not_make_a_loop() -> None:
    assert planned(shard("c1", "r1", "", hosts=WEB.at("r1"))) == {"r1 CNAME": "global"}


def test_names_that_dns_cannot_hold_are_left_out() -> None:
    long = ServiceNames("s" * 63, "n" * 63, "f" * 63, f"{'x' * 44}.com")
    assert len(long.at("r" * 8)) == 253
    fitting, too_long = shard("c1", "r" * 8, "z", "10.0.0.1"), shard("c2", "r" * 9, "", "10.0.0.2")
    result = plan(long, [fitting, too_long], {})
    assert [record.name for record in result.records] == [long.at(), long.at("r" * 8)]
    assert len(result.warnings) == 2
    assert all("is left out: it is longer than a DNS name may be" in warning for warning in result.warnings)


def test_the_publisher_gets_lower_case_names_without_a_final_dot() -> None:
    names = ServiceNames("web", "default", "fellowship", "Example.COM.")
    records = plan(names, [shard("c1", "EU", "B", "10.0.0.1")], {}).records
    assert {record.name for record in records} == {names.at(), names.at("eu"), names.at("b", "eu")}
    assert all(record.name == record.name.lower().rstrip(".") for record in records)


# What always holds, for any clusters at all.

POOL = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1", "2001:db8::2")
HOSTS = ("a.net", "b.net", "c.org")
SERVICES = (
    WEB,
    ServiceNames("web", "fellowship", "svc", "Example.com."),
    ServiceNames("s" * 63, "n" * 63, "f" * 63, f"{'x' * 49}.com"),
)


def few(*pool: str) -> list[frozenset[str]]:
    return [frozenset(some) for size in range(3) for some in combinations(pool, size)]


SHARDS = st.builds(
    Shard,
    cluster=st.sampled_from(["c1", "c2", "c3", "c4"]),
    region=st.sampled_from(["r1", "r2", "R2", "z1", "no_label", ""]),
    zones=st.sampled_from([(), ("z1",), ("z1", "z2"), ("z2", "Z1", "z3"), ("r1",), ("no.label",)]),
    addresses=st.sampled_from(few(*POOL)),
    hosts=st.sampled_from(few(*HOSTS, WEB.at("r1"))),
    ready=st.booleans(),
    withdrawn=st.sampled_from([False, False, True]),
)
RESOLVED = st.dictionaries(st.sampled_from(HOSTS), st.sampled_from(few(*POOL)[1:]))


@settings(max_examples=2_000)
@given(st.sampled_from(SERVICES), st.lists(SHARDS, max_size=4), RESOLVED)
def test_what_holds_for_every_plan(names: ServiceNames, shards: list[Shard], resolved: Mapping[str, Addresses]) -> None:
    result = plan(names, shards, resolved)
    is_the_same_in_any_order(result, names, shards, resolved)
    names_nothing_of_others(result, names)
    has_each_type_once_at_a_name(result)
    leads_every_name_to_an_address(result, names, shards)
    loses_no_address_of_a_healthy_cluster(result, names, shards)
    holds_only_clusters_of_the_place(result, names, shards, resolved)


def is_the_same_in_any_order(
    result: Plan, names: ServiceNames, shards: list[Shard], resolved: Mapping[str, Addresses]
) -> None:
    assert plan(names, list(shards), dict(resolved)) == result
    assert plan(names, reversed(shards), resolved) == result


def names_nothing_of_others(result: Plan, names: ServiceNames) -> None:
    for record in result.records:
        own, suffix = (names.service, names.namespace, names.federation, "svc"), names.suffix.lower().rstrip(".")
        labels = record.name.removesuffix(f".{suffix}").split(".")
        assert record.name.endswith(f".{suffix}")
        assert tuple(labels[:4]) == own
        assert len(labels) < 7
        assert all(map(is_label, labels))
        assert len(record.name) < 254


def has_each_type_once_at_a_name(result: Plan) -> None:
    types: dict[str, list[str]] = {}
    for record in result.records:
        types.setdefault(record.name, []).append(record.type)
        assert len(set(record.targets)) == len(record.targets) > 0
        assert record.type != "CNAME" or len(record.targets) == 1
    assert all(found in (["A"], ["A", "AAAA"], ["AAAA"], ["CNAME"]) for found in types.values())


def leads_every_name_to_an_address(result: Plan, names: ServiceNames, shards: list[Shard]) -> None:
    anybody = any(serving(shard, names) for shard in shards)
    answers = {record.name: record for record in result.records}
    for name in answers:
        at, steps = name, 0
        while at in answers and answers[at].type == "CNAME":
            (at,), steps = answers[at].targets, steps + 1
            assert steps < 4, "the names lead in a circle"
        assert (at in answers or at in {*HOSTS, WEB.at("r1")} - {names.at("r1")}) is anybody
        assert anybody or at == names.at()
    assert (names.at() in answers) is anybody


def loses_no_address_of_a_healthy_cluster(result: Plan, names: ServiceNames, shards: list[Shard]) -> None:
    for shard in shards:
        for place in places(shard) if serving(shard, names) else []:
            for address in shard.addresses:
                assert len(names.at(*place)) > 253 or address in targets(result, names.at(*place))


def holds_only_clusters_of_the_place(
    result: Plan, names: ServiceNames, shards: list[Shard], resolved: Mapping[str, Addresses]
) -> None:
    everywhere = {place for shard in shards for place in places(shard)}
    for place in everywhere:
        here = [shard for shard in shards if serving(shard, names) and place in places(shard)]
        offered = set(chain.from_iterable(shard.addresses | shard.hosts for shard in here))
        offered |= set(chain.from_iterable(resolved.get(host, ()) for shard in here for host in shard.hosts))
        found = targets(result, names.at(*place))
        assert found <= offered if here else found <= {names.at(*place[1:])}
    assert {record.name for record in result.records} <= {names.at(*place) for place in everywhere}


def serving(shard: Shard, names: ServiceNames) -> bool:
    return shard.ready and not shard.withdrawn and bool(shard.addresses or shard.hosts - {names.at("r1")})


def places(shard: Shard) -> set[tuple[str, ...]]:
    region, zones = shard.region.lower(), [zone.lower() for zone in shard.zones]
    if any(set(part) & set("_.") or not part for part in [region, *zones]):
        return {()}
    return {(), (region,), *((zone, region) for zone in zones)}


def targets(result: Plan, name: str) -> set[str]:
    return {target for record in result.records if record.name == name for target in record.targets}
