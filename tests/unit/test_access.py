"""What each profile of a member's access grants, and nothing more."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.settings import access
from federation.settings.access import RESOURCES, Rights
from federation.settings.schema import Access, CommonKind, Kind
from tests import strategies

pytestmark = pytest.mark.unit

COMMON = get_args(CommonKind)
KINDS = st.lists(st.sampled_from(get_args(Kind)), min_size=1, unique=True)
READ = {"get", "list", "watch"}


PROFILES: list[dict[str, object]] = [{}, {"profile": "namespaced", "namespaces": ["shire"]}]


def rights(needs: access.Needs = access.KARMADA, /, **given_: object) -> Rights:
    return access.rights(Access.model_validate(given_), COMMON, needs)


def verbs_of(granted: Rights) -> set[str]:
    return {verb for rule in (*granted.everywhere, *granted.within) for verb in rule["verbs"]}


def test_full_reaches_every_resource_by_name_of_the_verb() -> None:
    verbs = {verb for rule in rights().everywhere for verb in rule["verbs"]}
    assert verbs == {*READ, "create", "update", "patch", "delete", "deletecollection", "impersonate"}
    assert rights() == rights(profile="full") == Rights(access.KARMADA.full, proxy=True)


@given(kinds=KINDS, namespaces=st.lists(strategies.labels().map("n{}".format), min_size=1, max_size=3))
def test_namespaced_writes_its_kinds_in_its_namespaces_and_elsewhere_reads_them(
    kinds: list[Kind], namespaces: list[str]
) -> None:
    granted = access.rights(
        Access.model_construct(profile="namespaced", namespaces=tuple(namespaces)), kinds, access.KARMADA
    )
    own = {RESOURCES[kind] for kind in kinds}
    assert granted.namespaces == tuple(namespaces)
    written = [(group, each) for rule in granted.within for group in rule["api_groups"] for each in rule["resources"]]
    assert sorted(written) == sorted(own)
    assert all(set(rule["verbs"]) == {"create", "update", "delete"} for rule in granted.within)
    for rule in granted.everywhere:
        if not set(rule["verbs"]) <= READ:
            assert (rule["verbs"], rule["resource_names"]) == (["delete"], ["karmada-impersonator"])
    seen = {
        each
        for rule in granted.everywhere
        if "resources" in rule and "" in rule["api_groups"]
        for each in rule["resources"]
    }
    assert seen == {"nodes", "pods", "namespaces", *(resource for group, resource in own if group == "")}
    assert not granted.proxy


def test_kinds_of_its_own_take_the_place_of_the_propagated() -> None:
    default, own = (
        rights(profile="namespaced", namespaces=["shire"], **kinds) for kinds in ({}, {"kinds": ["Deployment"]})
    )
    assert len(default.within) == 4
    assert own.within == [
        {"api_groups": ["apps"], "resources": ["deployments"], "verbs": ["create", "update", "delete"]}
    ]


def test_custom_is_what_is_given_and_nothing_else() -> None:
    rules = [
        {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["ring"], "verbs": ["delete"]},
        {"nonResourceURLs": ["/readyz"], "verbs": ["get"]},
    ]
    assert rights(profile="custom", rules=rules) == Rights(
        [
            {"api_groups": ("", "apps"), "resources": ("*",), "verbs": ("get",)},
            {"api_groups": ("",), "resources": ("secrets",), "resource_names": ("ring",), "verbs": ("delete",)},
            {"non_resource_urls": ("/readyz",), "verbs": ("get",)},
        ]
    )


@pytest.mark.parametrize(("verb", "proxy"), [("get", False), ("impersonate", True), ("*", True)])
def test_a_member_has_a_proxy_where_karmada_may_hand_out_impersonation(verb: str, proxy: bool) -> None:
    rules = [{"apiGroups": [""], "resources": ["users"], "verbs": [verb]}]
    assert rights(profile="custom", rules=rules).proxy is proxy


def test_a_person_can_read_it() -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["frodo"], "verbs": ["get"]}
    assert access.lines(rights(profile="custom", rules=[rule])) == ["everywhere: get on pods called frodo"]
    urls = {"nonResourceURLs": ["/readyz"], "verbs": ["get"]}
    assert access.lines(rights(profile="custom", rules=[urls, rule])) == [
        "everywhere: get on pods called frodo, URLs /readyz"
    ]
    assert access.lines(rights(profile="namespaced", namespaces=["shire", "bree"], kinds=["Service", "Ingress"])) == [
        "everywhere: get on URLs /healthz, /readyz, /version, /api, /api/*, /apis, /apis/*",
        "everywhere: get, list, watch on nodes, pods, namespaces, clusterroles.rbac.authorization.k8s.io, "
        "clusterrolebindings.rbac.authorization.k8s.io, services, ingresses.networking.k8s.io",
        "everywhere: delete on clusterroles.rbac.authorization.k8s.io, clusterrolebindings.rbac.authorization.k8s.io "
        "called karmada-impersonator",
        "in shire, bree: create, update, delete on services, ingresses.networking.k8s.io",
    ]


def test_every_kind_that_can_be_configured_is_in_the_table_and_no_other() -> None:
    assert {*RESOURCES} == {*get_args(Kind)}


# The built-in engine


@pytest.mark.parametrize("given_", PROFILES)
def test_the_builtin_engine_neither_impersonates_nor_deletes_collections_nor_names_a_wildcard(
    given_: dict[str, object],
) -> None:
    granted = rights(access.BUILTIN, **given_)
    assert verbs_of(granted) <= {*READ, "create", "patch", "delete"}
    for rule in (*granted.everywhere, *granted.within):
        assert "*" not in {*rule.get("api_groups", ()), *rule.get("resources", ())}
        assert "resource_names" not in rule
    assert not granted.proxy


def test_rules_of_ones_own_that_impersonate_give_the_builtin_engine_no_proxy() -> None:
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    assert rights(profile="custom", rules=rules).proxy
    assert not rights(access.BUILTIN, profile="custom", rules=rules).proxy


def test_full_of_the_builtin_engine_is_every_kind_that_there_is_and_namespaces() -> None:
    granted = rights(access.BUILTIN)
    assert granted == Rights(access.BUILTIN.full)
    written = {
        (group, each)
        for rule in granted.everywhere
        if "create" in rule["verbs"]
        for group in rule["api_groups"]
        for each in rule["resources"]
    }
    assert written == {*RESOURCES.values(), ("", "namespaces")}


@given(kinds=KINDS)
def test_namespaced_of_the_builtin_engine_sees_and_writes_its_kinds_in_its_namespaces_alone(kinds: list[Kind]) -> None:
    given_ = Access.model_construct(profile="namespaced", namespaces=("shire",))
    granted = access.rights(given_, kinds, access.BUILTIN)
    assert granted.looks_within
    assert {each for rule in granted.everywhere for each in rule.get("resources", ())} == {"nodes"}
    verbs = {
        (group, each): set(rule["verbs"])
        for rule in granted.within
        for group in rule["api_groups"]
        for each in rule["resources"]
    }
    # Server-side apply is a patch; what is not there yet is created by it. What was carried once is taken back.
    for kind, resource in RESOURCES.items():
        assert verbs[resource] == {*READ, "patch", "delete"} | ({"create"} if kind in kinds else set())


def test_who_names_the_kinds_of_a_namespaced_member_gives_the_builtin_engine_no_others() -> None:
    granted = rights(access.BUILTIN, profile="namespaced", namespaces=["shire"], kinds=["Deployment"])
    assert [rule["resources"] for rule in granted.within] == [["horizontalpodautoscalers"], ["deployments"]]


@pytest.mark.parametrize("needs", [access.KARMADA, access.BUILTIN])
@pytest.mark.parametrize("given_", PROFILES)
def test_no_engine_gives_itself_what_it_does_not_have(needs: access.Needs, given_: dict[str, object]) -> None:
    assert verbs_of(rights(needs, **given_)) & {"escalate", "bind", "approve", "sign", "*"} == set()
