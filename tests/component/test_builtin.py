"""The dev topology on the built-in engine: order, rights, and no name of Karmada's but the API group."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from controllers.engine.member_status import STATUS_KINDS
from federation.settings import access, kubeconfig
from federation.settings.schema import Access, Propagation
from tests.component.program import GONDOR, UIDS, run
from tests.component.recording import Record, name_of, opened
from tests.component.test_program import INSECURE, PROXY, find

pytestmark = pytest.mark.component

MEMBERS = ("gondor", "rohan")
GROUP = "cluster.karmada.io"
ENGINE = "federation-controller-manager"
USER = "federation:controller-manager"
CRD = ("CustomResourceDefinition", re.escape(f"clusters.{GROUP}"))
RIGHTS = ("ClusterRoleBinding|RoleBinding", rf"{USER}.*")
DEPLOYMENT = ("Deployment", ENGINE)
ORDER = [
    (("Deployment", "federation-apiserver"), CRD),
    (CRD, DEPLOYMENT),
    (("CustomResourceDefinition", r"propagations\.engine\.federation"), DEPLOYMENT),
    # Not the other way round: the rights would wait until the provider has read what the API serves with the kinds.
    (RIGHTS, CRD),
    (CRD, ("Cluster", ".*")),
    (DEPLOYMENT, ("Cluster", ".*")),
    (CRD, ("Deployment", "dns-controller")),
    (("Cluster", "gondor-cluster"), ("Withdrawal", "gondor-withdrawal")),
]


@pytest.mark.parametrize(("first", "then"), ORDER)
def test_what_is_needed_comes_first(builtin: Record, first: tuple[str, str], then: tuple[str, str]) -> None:
    needed, waiting = find(builtin, *first), find(builtin, *then)
    assert needed
    assert waiting
    missing = {str(each): absent for each in waiting if (absent := {n.urn for n in needed} - builtin.needs(each))}
    assert missing == {}


def test_it_has_rights_in_the_api_and_in_the_namespaces_of_credentials_and_of_its_lease(builtin: Record) -> None:
    assert {str(each) for each in find(builtin, *RIGHTS)} == {
        f"ClusterRoleBinding {USER}",
        f"RoleBinding {USER}-credentials",
        f"RoleBinding {USER}-lease",
    }


def test_the_kind_cluster_has_every_field_that_a_cluster_gets(tmp_path: Path) -> None:
    said = {**INSECURE, kubeconfig.PROXY: PROXY}
    record = run(tmp_path, engine="builtin", clusters={GONDOR: said})
    (kind,) = find(record, *CRD)
    (version,) = kind.inputs["spec"]["versions"]
    known = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    spec = record.one("Cluster", "gondor-cluster").inputs["spec"]
    assert {"insecureSkipTLSVerification", "proxyURL"} <= spec.keys() <= known.keys()


@pytest.mark.parametrize("member", MEMBERS)
def test_a_cluster_joins_when_its_credentials_work(builtin: Record, member: str) -> None:
    needed = [
        builtin.one("ClusterRoleBinding", f"{member}-access"),
        builtin.one("Secret", f"{member}-engine-token"),
        builtin.one("Secret", f"{member}-credentials"),
    ]
    assert {each.urn for each in needed} <= builtin.needs(builtin.one("Cluster", f"{member}-cluster"))


def test_members_prepare_while_the_control_plane_starts(builtin: Record) -> None:
    control_plane = {each.urn for each in builtin.inside(builtin.one("ControlPlane", "fellowship"))}
    in_members = [each for each in builtin.resources if name_of(each.provider).startswith("member-")]
    assert in_members
    assert [str(each) for each in in_members if builtin.needs(each) & control_plane] == []


def test_what_it_makes_in_the_api_goes_with_it(builtin: Record) -> None:
    contents = [each for each in builtin.resources if name_of(each.parent) == "engine" and not each.is_component]
    assert {each.deleted_with for each in contents} == {builtin.one("Namespace", "federation-system").urn}


# Names


def test_no_name_of_karmada_is_in_the_builtin_topology(builtin: Record) -> None:
    """Karmada's own programs may be beside it in the host or in a member, and people look for them by these names."""
    found = {str(each): words for each in builtin.resources if (words := [*_of_karmada(opened(each.inputs))])}
    found |= {str(each): [str(each)] for each in builtin.resources if [*_of_karmada([each.name, name_of(each.parent)])]}
    found |= {name: [name] for name, value in builtin.exports.items() if [*_of_karmada(opened(value))]}
    assert found == {}


def test_the_api_group_of_clusters_is_karmadas(builtin: Record) -> None:
    """As then tools that know Karmada's Clusters work, and a stack can be read by who knows the other engine."""
    groups = {each.inputs["apiVersion"] for each in builtin.of("Cluster")}
    assert groups == {f"{GROUP}/v1alpha1"}
    assert find(builtin, *CRD)


def _of_karmada(value: object) -> Iterator[str]:
    text = json.dumps(value, default=str)
    allowed = text.replace(f"clusters.{GROUP}", "").replace(f'"{GROUP}"', "").replace(f'"{GROUP}/v1alpha1"', "")
    yield from re.findall(r"[^\s\"]*karmada[^\s\"]*", allowed, re.IGNORECASE)


# Rights


def test_the_engines_user_reads_what_it_carries_and_writes_marks_and_status(builtin: Record) -> None:
    rules = builtin.one("ClusterRole", USER).inputs["rules"]
    may: dict[str, set[str]] = {}
    for rule in rules:
        for resource in rule["resources"]:
            may.setdefault(resource, set()).update(rule["verbs"])
    marked = {"list", "watch", "patch"}
    carried = {access.RESOURCES[kind][1] for kind in Propagation().kinds}
    resources = {resource for kind, (_, resource) in access.RESOURCES.items() if kind in STATUS_KINDS}
    told = {f"{resource}/status" for resource in resources & carried}
    assert may == {
        # Those that could be carried, too: what was carried once has a finalizer that must go.
        **{resource: marked for _, resource in access.RESOURCES.values()},
        "namespaces": {*marked, "get"},
        "clusters": marked,
        "clusters/status": {"patch"},
        **{each: {"patch"} for each in told},
        "events": {"create"},
        "propagations": {*marked, "create", "delete"},
    }


def test_it_reads_the_members_credentials_and_no_more_in_their_namespace(builtin: Record) -> None:
    role = builtin.one("Role", f"{USER}-credentials").inputs
    binding = builtin.one("RoleBinding", f"{USER}-credentials").inputs
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "federation-fellowship"
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    assert [subject["name"] for subject in binding["subjects"]] == [USER]


def test_it_holds_one_lease_and_no_other(builtin: Record) -> None:
    role = builtin.one("Role", f"{USER}-lease").inputs
    assert role["metadata"]["namespace"] == "federation-system"
    (rule,) = role["rules"]
    assert rule == {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [ENGINE],
        "verbs": ["get", "create", "update"],
    }
    (container,) = builtin.one("Deployment", ENGINE).inputs["spec"]["template"]["spec"]["containers"]
    assert "--lease-namespace=federation-system" in container["command"]


def test_it_has_as_many_pods_as_the_api_server_with_a_budget_if_these_are_several(
    builtin: Record, tmp_path: Path
) -> None:
    three = run(tmp_path, {"federation:host.apiServer.replicas": 3}, engine="builtin")
    assert [each.one("Deployment", ENGINE).inputs["spec"]["replicas"] for each in (builtin, three)] == [1, 3]
    assert [bool(find(each, "PodDisruptionBudget", ENGINE)) for each in (builtin, three)] == [False, True]


def test_it_works_as_its_own_user(builtin: Record) -> None:
    assert builtin.one("Certificate", f"user-{USER}").urn in builtin.needs(builtin.one("Secret", f"{ENGINE}-api"))


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_grants_no_impersonation_and_its_cluster_names_no_impersonator(builtin: Record, member: str) -> None:
    role = builtin.one("ClusterRole", f"{member}-access").inputs
    assert role["metadata"]["name"] == "federation:fellowship:engine"
    verbs = {verb for rule in role["rules"] for verb in rule["verbs"]}
    assert verbs & {"impersonate", "escalate", "bind", "*"} == set()
    assert "impersonatorSecretRef" not in builtin.one("Cluster", f"{member}-cluster").inputs["spec"]


def test_the_rules_are_among_the_outputs(builtin: Record) -> None:
    rights = access.lines(access.rights(Access(), Propagation().kinds, access.BUILTIN))
    assert {each["name"]: each["access"] for each in builtin.exports["members"]} == dict.fromkeys(MEMBERS, rights)
    assert {each["uid"] for each in builtin.exports["members"]} < {*UIDS.values()}
