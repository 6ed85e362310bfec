"""A member's part in DNS: what the controller may see there, and where the member looks names up."""

from pathlib import Path

import pytest
import yaml

from tests.component.cloud import BALANCER
from tests.component.program import GONDOR, ROHAN, run
from tests.component.recording import Record, Secret, name_of, opened

pytestmark = pytest.mark.component

MEMBERS = ("gondor", "rohan")
CONTROLLER = "federation:dns-controller"


@pytest.mark.parametrize("member", MEMBERS)
def test_the_account_in_the_member_may_see_services_and_endpoint_slices_and_nothing_else(
    karmada: Record, member: str
) -> None:
    assert karmada.one("ClusterRole", f"{member}-dns").inputs["rules"] == [
        {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    binding = karmada.one("ClusterRoleBinding", f"{member}-dns").inputs
    assert binding["roleRef"]["name"] == karmada.one("ClusterRole", f"{member}-dns").inputs["metadata"]["name"]
    account = karmada.one("ServiceAccount", f"{member}-federation-dns").inputs["metadata"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "namespace": account["namespace"], "name": account["name"]}
    ]


@pytest.mark.parametrize("member", MEMBERS)
def test_the_controller_may_read_the_secret_of_that_account_and_no_other(karmada: Record, member: str) -> None:
    role, binding, secret = (karmada.one(kind, f"{member}-dns").inputs for kind in ("Role", "RoleBinding", "Secret"))
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [f"{member}-dns"], "verbs": ["get"]}
    ]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [(subject["kind"], subject["name"]) for subject in binding["subjects"]] == [("User", CONTROLLER)]
    places = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in (role, secret)}
    assert places == {("federation-fellowship", f"{member}-dns")}
    token = opened(karmada.one("Secret", f"{member}-federation-dns-token").outputs["data"])
    assert opened(secret["data"]) == {"caBundle": token["ca.crt"], "token": token["token"]}


@pytest.mark.parametrize("member", MEMBERS)
def test_what_is_in_the_member_waits_for_nothing_of_the_control_plane(karmada: Record, member: str) -> None:
    control_plane = {each.urn for each in karmada.inside(karmada.one("ControlPlane", "fellowship"))}
    in_member = [
        each
        for each in karmada.inside(karmada.one("MemberDns", f"{member}-dns"))
        if name_of(each.provider) == f"member-{member}"
    ]
    assert {each.kind for each in in_member} == {"ServiceAccount", "Secret", "ClusterRole", "ClusterRoleBinding"}
    in_member.append(karmada.one("ClusterDns", f"{member}-cluster-dns"))
    control_plane.remove(karmada.one("Namespace", "karmada-system").urn)
    assert [str(each) for each in in_member if karmada.needs(each) & control_plane] == []


@pytest.mark.parametrize(
    ("member", "context", "zones"), [("gondor", GONDOR, ["minas-tirith"]), ("rohan", ROHAN, ["edoras"])]
)
def test_the_members_cluster_dns_is_told_who_answers_and_where_the_member_is(
    karmada: Record, member: str, context: str, zones: list[str]
) -> None:
    inputs = karmada.one("ClusterDns", f"{member}-cluster-dns").inputs
    told = {key: inputs[key] for key in ("member", "federation", "zone", "servers", "region", "zones")}
    assert told == {
        "member": member,
        "federation": "fellowship",
        "zone": "example.com",
        "servers": [BALANCER],
        "region": "middle-earth",
        "zones": zones,
    }
    assert [each["name"] for each in yaml.safe_load(opened(inputs["kubeconfig"]))["contexts"]] == [context]


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize(("kind", "name"), [("ClusterDns", "cluster-dns"), ("Withdrawal", "withdrawal")])
def test_the_kubeconfig_of_a_resource_of_our_own_provider_is_secret_going_in_and_coming_out(
    karmada: Record, member: str, kind: str, name: str
) -> None:
    resource = karmada.one(kind, f"{member}-{name}")
    assert isinstance(resource.inputs["kubeconfig"], Secret)
    assert isinstance(resource.outputs["kubeconfig"], Secret)


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_that_leaves_is_out_of_the_names_for_a_ttl_first(karmada: Record, member: str) -> None:
    inputs = karmada.one("Withdrawal", f"{member}-withdrawal").inputs
    assert (inputs["cluster"], inputs["ttl"]) == (member, 30)
    assert "publishedWithin" not in inputs


def test_google_is_given_a_minute_to_publish_that(tmp_path: Path) -> None:
    google = {"provider": "google-clouddns", "zone": "example.com", "googleClouddns": {"project": "shire"}}
    record = run(tmp_path, {"federation:dns": google})
    assert [each.inputs["publishedWithin"] for each in record.of("Withdrawal")] == [60, 60]


def test_a_config_map_is_named_to_the_cluster_dns_only_if_the_user_names_it(karmada: Record, tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:members.0.clusterDns": {"configMap": "team-dns"}})
    assert record.one("ClusterDns", "gondor-cluster-dns").inputs["configMap"] == "team-dns"
    assert "configMap" not in karmada.one("ClusterDns", "gondor-cluster-dns").inputs
    assert {each.urn for each in record.resources} == {each.urn for each in karmada.resources}


def test_a_member_whose_cluster_dns_is_left_alone_has_all_else(karmada: Record, tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:members.0.clusterDns": "none"})
    gone = {each.urn for each in karmada.resources} - {each.urn for each in record.resources}
    assert gone == {karmada.one("ClusterDns", "gondor-cluster-dns").urn}
    assert len(record.resources) == len(karmada.resources) - 1
    assert record.exports == karmada.exports
