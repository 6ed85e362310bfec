"""What the program asks for in the dev topology, on Karmada if nothing else is said: sides, order, waits, outputs."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import pulumi
import pytest
import yaml
from pulumi.runtime.settings import SETTINGS

from federation.clusters import ownership
from federation.clusters.identity import Unreachable
from federation.settings import access, keys, kubeconfig
from federation.settings.keys import FEDERATION
from federation.settings.schema import Access
from operate import unfinished
from provider.schema import KINDS
from tests.component import program
from tests.component.cloud import BALANCER, EARLY
from tests.component.program import DEV, GONDOR, HOST, ROHAN, UIDS, run
from tests.component.recording import Record, Registered, Secret, name_of, opened

pytestmark = pytest.mark.component

MEMBERS = ("gondor", "rohan")
SILENT = Unreachable(HOST, "https://rivendell.example:6443", "no route to host", silent=True)
PROVIDERS = ("host", *(f"member-{name}" for name in MEMBERS))


def test_no_two_resources_share_a_urn(karmada: Record) -> None:
    assert [urn for urn, count in Counter(each.urn for each in karmada.resources).items() if count > 1] == []


def test_runs_in_one_process_know_nothing_of_each_other(
    karmada: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_when_all_are_awaited() -> NoReturn:
        while SETTINGS.outputs:
            await asyncio.sleep(0)
        pulumi.Output.from_input(asyncio.get_running_loop().create_future())
        raise pulumi.RunError("while something new is awaited")

    def main() -> None:
        pulumi.Output.from_input(fail_when_all_are_awaited())

    with monkeypatch.context() as patch:
        patch.setattr(program, "_main", main)
        with pytest.raises(pulumi.RunError):
            run(tmp_path)
    again = run(tmp_path)
    assert sorted(each.urn for each in again.resources) == sorted(each.urn for each in karmada.resources)
    assert again.exports == karmada.exports


def test_a_preview_of_a_new_stack_shows_every_resource(karmada: Record, tmp_path: Path) -> None:
    preview = run(tmp_path, preview=True)
    assert {each.urn for each in preview.resources} == {each.urn for each in karmada.resources}


def test_no_name_is_made_from_a_context(karmada: Record) -> None:
    named = {str(each): f"{each.urn} {each.inputs.get('metadata')}" for each in karmada.resources}
    assert [resource for resource, names in named.items() if GONDOR in names] == []


# Sides


def test_every_resource_has_the_explicit_provider_of_its_side(karmada: Record, builtin: Record) -> None:
    for record in (karmada, builtin):
        # A Stash is Pulumi's own, and in the state alone.
        placed = [e for e in record.resources if not (e.is_component or e.is_provider or e.kind == "Stash")]
        wrong = {str(e): name_of(e.provider) for e in placed if name_of(e.provider) != side(record, e)}
        assert wrong == {}


def side(record: Record, resource: Registered) -> str:
    """The provider that a resource belongs to, told by its component (and, in a member, by its kind)."""
    parent = next(each for each in record.resources if each.urn == resource.parent)
    if resource.type in KINDS:
        return "federation"
    match parent.kind:
        case "ApiContents" | "Admission" | "Propagation" | "Builtin" | "Records" | "NameServers":
            kinds = (parent.kind, resource.kind) == ("ApiContents", "CustomResourceDefinition")
            return "api-kinds" if kinds else "api"
        case "Member":
            credentials = (f"{parent.name}-credentials", f"{parent.name}-impersonation")
            in_api = resource.kind == "Cluster" or resource.name in credentials
            return "api" if in_api else f"member-{parent.name}"
        case "MemberDns":
            in_api = resource.kind in ("Role", "RoleBinding") or (resource.kind, resource.name) == (
                "Secret",
                parent.name,
            )
            return "api" if in_api else f"member-{parent.name.removesuffix('-dns')}"
        case "ControlPlane" if resource.name.startswith("api-"):
            return "api"
        case "ControlPlane" | "CoreDnsZone" | "Endpoint" | "Etcd" | "Workload":
            return "host"
    raise AssertionError(f"no side is known for what is in a {parent.kind}")


def test_a_provider_is_known_by_its_clusters_name_so_that_a_new_endpoint_replaces_nothing(karmada: Record) -> None:
    identifiers = {each.name: each.inputs["clusterIdentifier"] for each in karmada.of("kubernetes")}
    assert identifiers == {
        "host": "host",
        "member-gondor": "gondor",
        "member-rohan": "rohan",
        "api": "fellowship",
        "api-kinds": "fellowship",
    }


# Order: what must exist before what, from the recorded dependencies and providers.

KARMADAS_CRDS = ("CustomResourceDefinition", r".*\.(karmada|x-k8s)\.io")
RECORDS = ("CustomResourceDefinition", r"dnsendpoints\.externaldns\.k8s\.io")
WEBHOOKS = (".*WebhookConfiguration", ".*")
START = [
    ("StatefulSet", "etcd"),
    ("Deployment", "federation-apiserver"),
    ("kubernetes", "api-kinds"),
    KARMADAS_CRDS,
    ("Deployment", "karmada-controller-manager"),
    ("Cluster", ".*"),
]
ORDER = [
    (("Stash", "host"), ("kubernetes", "host")),
    (("Stash", "fixed"), ("kubernetes", "host|member-.*")),
    (("Stash", "member-gondor"), ("kubernetes", "member-gondor")),
    (("Stash", "member-.*"), ("Stash", "members")),
    (("Stash", "members"), ("kubernetes", "member-.*")),
    (("Stash", "member-gondor"), ("ClusterDns", "gondor-.*")),
    *pairwise(START),
    (("Deployment", "federation-apiserver"), ("kubernetes", "api")),
    (("kubernetes", "api"), ("APIService", ".*")),
    (("Deployment", "karmada-aggregated-apiserver"), ("APIService", ".*")),
    (("APIService", ".*"), ("Deployment", "karmada-controller-manager")),
    (("Deployment", "kube-controller-manager"), ("Deployment", "karmada-controller-manager")),
    (KARMADAS_CRDS, ("Deployment", "karmada-scheduler")),
    (("Deployment", "karmada-webhook"), WEBHOOKS),
    (KARMADAS_CRDS, WEBHOOKS),
    (WEBHOOKS, ("Cluster", ".*")),
    (WEBHOOKS, ("PropagationPolicy", "own-service")),
    (("PropagationPolicy", "own-service"), ("ClusterPropagationPolicy", "federation-default")),
    (WEBHOOKS, RECORDS),
    (RECORDS, ("DNSEndpoint", "own-records")),
    (RECORDS, ("Deployment", "dns-controller|federation-dns")),
    (("Service", "federation-dns"), ("ClusterDns", ".*")),
    # What is made last is the first to go: the names, before the Cluster and before those who publish them.
    (("Cluster", "gondor-cluster"), ("Withdrawal", "gondor-withdrawal")),
    (("Deployment", "dns-controller|federation-dns"), ("Withdrawal", ".*")),
    # The member's own pods find the names until these are over.
    (("ClusterDns", "gondor-.*"), ("Withdrawal", "gondor-withdrawal")),
]


@pytest.mark.parametrize(("first", "then"), ORDER)
def test_what_is_needed_comes_first(karmada: Record, first: tuple[str, str], then: tuple[str, str]) -> None:
    needed, waiting = find(karmada, *first), find(karmada, *then)
    assert needed
    assert waiting
    missing = {str(each): absent for each in waiting if (absent := {n.urn for n in needed} - karmada.needs(each))}
    assert missing == {}


def find(record: Record, kind: str, name: str) -> list[Registered]:
    """All resources whose kind and name match these patterns in full."""
    return [each for each in record.resources if re.fullmatch(kind, each.kind) and re.fullmatch(name, each.name)]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_cluster_joins_when_its_credentials_work(karmada: Record, member: str) -> None:
    needed = [
        karmada.one("ClusterRoleBinding", f"{member}-access"),
        karmada.one("Secret", f"{member}-engine-token"),
        karmada.one("Secret", f"{member}-karmada-impersonator-token"),
        karmada.one("Secret", f"{member}-credentials"),
        karmada.one("Secret", f"{member}-impersonation"),
    ]
    assert {each.urn for each in needed} <= karmada.needs(karmada.one("Cluster", f"{member}-cluster"))


def test_members_prepare_while_the_control_plane_starts_and_wait_for_no_other_member(karmada: Record) -> None:
    control_plane = {each.urn for each in karmada.inside(karmada.one("ControlPlane", "fellowship"))}
    for name, other in (MEMBERS, MEMBERS[::-1]):
        others = {each.urn for each in karmada.inside(karmada.one("Member", other))}
        for each in karmada.inside(karmada.one("Member", name)):
            assert not karmada.needs(each) & others, f"{each} waits for {other}"
            if name_of(each.provider) != "api":
                assert not karmada.needs(each) & control_plane, f"{each} waits for the control plane"


def test_what_is_in_the_api_goes_with_it(karmada: Record) -> None:
    namespace = karmada.one("Namespace", "karmada-system").urn
    parents = ("api-contents", "admission", "propagation", "records", "name-servers")
    contents = [each for each in karmada.resources if name_of(each.parent) in parents and not each.is_component]
    assert {each.deleted_with for each in contents} == {namespace}


def test_what_is_in_the_namespace_in_the_host_goes_with_it(karmada: Record) -> None:
    namespace = karmada.one("Namespace", "karmada-system")
    in_host = [each for each in karmada.resources if name_of(each.provider) == "host"]
    contents = [each for each in in_host if each.inputs.get("metadata", {}).get("namespace")]
    assert {each.kind for each in contents} >= {"Secret", "StatefulSet", "Deployment", "Service", "NetworkPolicy"}
    assert [str(each) for each in contents if each.deleted_with != namespace.urn] == []


def test_every_long_wait_is_finite_and_short(karmada: Record) -> None:
    awaited = [
        *karmada.of("Deployment", "StatefulSet", "APIService", "Cluster"),
        karmada.one("Service", "federation-apiserver"),
        karmada.one("Service", "federation-dns"),
    ]
    assert {str(each): each.create_timeout for each in awaited if each.create_timeout not in ("2m", "3m")} == {}


@pytest.mark.parametrize(
    ("kind", "name", "condition"),
    [
        ("Service", "federation-apiserver", "jsonpath={.status.loadBalancer.ingress[0]}"),
        ("Service", "federation-dns", "jsonpath={.status.loadBalancer.ingress[0]}"),
        ("APIService", "v1alpha1.cluster.karmada.io", "condition=Available"),
        ("Cluster", "gondor-cluster", "condition=Ready"),
        ("Cluster", "rohan-cluster", "condition=Ready"),
    ],
)
def test_it_is_done_when_its_condition_holds(karmada: Record, kind: str, name: str, condition: str) -> None:
    assert karmada.one(kind, name).inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == condition


# What is asked for


def test_custom_objects_outside_of_namespaces_are_known_to_who_takes_up_a_killed_run(karmada: Record) -> None:
    """The provider cannot tell before the API serves them; each other one says its namespace."""
    custom = [each for each in karmada.resources if re.match(r"kubernetes:[^/]*(karmada|externaldns)", each.type)]
    spaces = {each.type: opened(each.inputs)["metadata"].get("namespace") for each in custom}
    assert {kind for kind, namespace in spaces.items() if not namespace} == set(unfinished.OUTSIDE_NAMESPACES)
    assert len(spaces) > len(unfinished.OUTSIDE_NAMESPACES)


def test_the_api_holds_all_of_karmadas_kinds_and_webhooks(karmada: Record) -> None:
    configurations = karmada.of("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    assert len(find(karmada, *KARMADAS_CRDS)) == 19
    assert [len(each.inputs["webhooks"]) for each in sorted(configurations, key=str)] == [8, 14]
    converted = {each.name for each in karmada.of("CustomResourceDefinition") if "conversion" in each.inputs["spec"]}
    assert converted == {"resourcebindings.work.karmada.io", "clusterresourcebindings.work.karmada.io"}


@pytest.mark.parametrize(
    ("member", "context", "zones"), [("gondor", GONDOR, ["minas-tirith"]), ("rohan", ROHAN, ["edoras"])]
)
def test_a_cluster_says_who_and_where_it_is(karmada: Record, member: str, context: str, zones: list[str]) -> None:
    spec = karmada.one("Cluster", f"{member}-cluster").inputs["spec"]
    assert spec == {
        "syncMode": "Push",
        "id": UIDS[context],
        "apiEndpoint": f"https://{context}.example:6443",
        "region": "middle-earth",
        "zones": zones,
        "secretRef": {"namespace": "federation-fellowship", "name": member},
        "impersonatorSecretRef": {"namespace": "federation-fellowship", "name": f"{member}-impersonator"},
    }


INSECURE: Mapping[str, Any] = {kubeconfig.INSECURE: True, "certificate-authority-data": None}
PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize("preview", [False, True])
def test_a_cluster_is_reached_as_its_context_says_and_who_takes_any_certificate_is_warned_of(
    karmada: Record, tmp_path: Path, preview: bool
) -> None:
    clusters = {GONDOR: INSECURE, ROHAN: {kubeconfig.PROXY: PROXY}}
    record = run(tmp_path, clusters=clusters, preview=preview)
    for member, extra in (("gondor", {"insecureSkipTLSVerification": True}), ("rohan", {"proxyURL": PROXY})):
        name = f"{member}-cluster"
        before, now = (each.one("Cluster", name).inputs["spec"] for each in (karmada, record))
        assert now == {**before, **extra}
    (warning,) = record.warnings
    assert warning.startswith("member gondor: its certificate is not checked")
    assert f"https://{GONDOR}.example:6443" in warning


def test_the_authorities_of_a_member_stay_where_any_certificate_is_taken(karmada: Record, tmp_path: Path) -> None:
    record = run(tmp_path, clusters={GONDOR: INSECURE})
    credentials = [each.one("Secret", "gondor-credentials").inputs for each in (karmada, record)]
    assert credentials[0] == credentials[1]
    assert opened(credentials[1]["data"])["caBundle"]


def test_a_cluster_with_an_endpoint_of_its_own_is_reached_directly_and_its_certificate_is_checked(
    karmada: Record, tmp_path: Path
) -> None:
    said = {**INSECURE, kubeconfig.PROXY: "http://localhost:3128", kubeconfig.SERVER_NAME: "kubernetes"}
    record = run(tmp_path, {"federation:members.0.apiEndpoint": "https://gondor:6443"}, clusters={GONDOR: said})
    before, now = (each.one("Cluster", "gondor-cluster").inputs["spec"] for each in (karmada, record))
    assert now == {**before, "apiEndpoint": "https://gondor:6443"}
    assert record.warnings == []


def test_the_apis_certificate_is_good_for_its_address_and_its_names_inside(karmada: Record) -> None:
    request = karmada.one("Certificate", "apiserver").inputs
    assert request["ipAddresses"] == ["127.0.0.1", BALANCER]
    assert {"localhost", "kubernetes.default.svc", "federation-apiserver.karmada-system.svc"} <= set(
        request["dnsNames"]
    )


def test_etcd_trusts_an_authority_that_signs_nothing_else(karmada: Record) -> None:
    signed = {each.name: each.inputs["authorityCertificatePem"] for each in karmada.of("Certificate")}
    authority = karmada.one("CertificateAuthority", "etcd-ca").outputs["certificatePem"]
    assert opened(karmada.one("Secret", "etcd-files").inputs["stringData"])["ca.crt"] == authority
    assert {name for name, by in signed.items() if by == authority} == {"etcd-server", "etcd-client"}


# What lies beside other people's things


@pytest.mark.parametrize("engine", ["karmada", "builtin"])
def test_outside_our_namespaces_all_has_our_label_and_is_refused_where_it_is_somebody_elses(
    tmp_path: Path, engine: str
) -> None:
    access = {"profile": "namespaced", "namespaces": ["shire"], "kinds": ["Service"]}
    changes = {"federation:members.1.access": access, "federation:propagation": {"kinds": ["Service"]}}
    record = run(tmp_path, changes, engine=engine)
    ours = {each.inputs["metadata"]["name"] for each in record.of("Namespace")}
    outside = [
        each
        for each in record.resources
        if name_of(each.provider) in PROVIDERS and opened(each.inputs["metadata"]).get("namespace") not in ours
    ]
    assert {each.kind for each in outside} == ownership.COLLECTIONS.keys()
    assert [str(each) for each in outside if each.inputs["metadata"]["labels"][FEDERATION] != "fellowship"] == []
    assert {name_of(each.provider): each.before_create for each in outside} == {
        provider: (f"only-ours-{provider}",) for provider in PROVIDERS
    }
    assert [str(each) for each in outside if not each.before_create] == []


def test_a_members_namespace_says_who_the_host_is_and_what_is_beside_it_waits_for_it(karmada: Record) -> None:
    namespace = karmada.one("Namespace", "gondor-namespace")
    assert namespace.inputs["metadata"]["annotations"] == {keys.CONTROL_PLANE: f"{UIDS[HOST]}/karmada-system"}
    beside = [karmada.one("ClusterRole", "gondor-access"), karmada.one("ClusterRole", "gondor-dns")]
    beside += [karmada.one("ClusterDns", "gondor-cluster-dns")]
    assert [str(each) for each in beside if namespace.urn not in karmada.needs(each)] == []


def test_a_members_namespace_waits_until_the_host_is_known_to_be_the_same(karmada: Record) -> None:
    """Or another cluster behind the host's context would be written down in every member."""
    assert karmada.one("Stash", "host").urn in karmada.needs(karmada.one("Namespace", "gondor-namespace"))


def test_a_host_that_has_never_answered_is_written_down_nowhere(tmp_path: Path) -> None:
    record = run(tmp_path, answers={**UIDS, HOST: SILENT})
    assert record.one("Namespace", "gondor-namespace").inputs["metadata"].get("annotations", {}) == {}


def test_a_member_has_the_labels_that_are_configured(tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:members.1.labels": {"tier": "edge"}})
    assert record.one("Cluster", "rohan-cluster").inputs["metadata"]["labels"] == {"tier": "edge"}
    assert "labels" not in record.one("Cluster", "gondor-cluster").inputs["metadata"]


# Who is let in


def test_etcd_and_what_only_the_api_server_calls_are_closed_to_all_others_with_karmada(karmada: Record) -> None:
    ways = {each.name: each.inputs["spec"] for each in karmada.of("NetworkPolicy")}
    assert {name: spec["podSelector"] for name, spec in ways.items()} == {
        name: {"matchLabels": {"app": name}} for name in ways
    }
    assert {name: [_way(rule) for rule in spec["ingress"]] for name, spec in ways.items()} == {
        "etcd": [(("federation-apiserver", "karmada-aggregated-apiserver"), [2379]), (("etcd",), [2380])],
        "federation-apiserver": [("anywhere", [5443])],
        "karmada-aggregated-apiserver": [(("federation-apiserver",), [8443])],
        "karmada-webhook": [(("federation-apiserver",), [8443])],
    }
    programs = {each.name for each in karmada.of("Deployment", "StatefulSet")}
    named = {app for spec in ways.values() for rule in spec["ingress"] for app in _way(rule)[0] if "from" in rule}
    assert named <= programs


def test_without_karmada_the_api_server_alone_is_let_into_etcd(builtin: Record) -> None:
    ways = {each.name: [_way(rule) for rule in each.inputs["spec"]["ingress"]] for each in builtin.of("NetworkPolicy")}
    assert ways == {
        "etcd": [(("federation-apiserver",), [2379]), (("etcd",), [2380])],
        "federation-apiserver": [("anywhere", [5443])],
    }


def _way(rule: dict[str, Any]) -> tuple[tuple[str, ...] | str, list[int]]:
    apps = [each["podSelector"]["matchExpressions"][0]["values"] for each in rule.get("from", [])]
    return tuple(apps[0]) if apps else "anywhere", [port["port"] for port in rule["ports"]]


def test_the_namespace_says_which_stack_manages_it(karmada: Record, tmp_path: Path) -> None:
    ours = {keys.STACK: "federation/dev"}
    assert karmada.one("Namespace", "karmada-system").inputs["metadata"]["annotations"] == ours
    rotated = run(tmp_path, {"federation:certificates.authorities": [1, 2]})
    marked = {**ours, keys.GENERATIONS: "1,2"}
    assert rotated.one("Namespace", "karmada-system").inputs["metadata"]["annotations"] == marked


def test_the_namespace_asks_of_its_pods_what_kubernetes_calls_restricted(karmada: Record) -> None:
    labels = karmada.one("Namespace", "karmada-system").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


# Outputs


def test_the_outputs_of_the_design_are_exported(karmada: Record) -> None:
    rights = access.lines(access.rights(Access(), [], access.KARMADA))
    secret = ("kubeconfig", "memberKubeconfig")
    assert {name: value for name, value in karmada.exports.items() if name not in secret} == {
        "apiEndpoint": f"https://{BALANCER}:5443",
        "zone": "example.com.",
        "nameServers": [BALANCER],
        "members": [
            {**member, "uid": UIDS[member["context"]], "access": rights} for member in DEV["federation:members"]
        ],
        "certificateExpiry": EARLY["services"],
    }


def test_one_kubeconfig_leads_to_the_federation_and_another_to_the_members_and_both_are_secret(karmada: Record) -> None:
    assert isinstance(karmada.exports["memberKubeconfig"], Secret)
    members = yaml.safe_load(karmada.exports["memberKubeconfig"].value)
    assert [context["name"] for context in members["contexts"]] == [GONDOR, ROHAN]
    assert isinstance(karmada.exports["kubeconfig"], Secret)
    file = yaml.safe_load(karmada.exports["kubeconfig"].value)
    assert [context["name"] for context in file["contexts"]] == ["fellowship"]
    assert file["current-context"] == "fellowship"
    assert file["clusters"][0]["cluster"]["server"] == karmada.exports["apiEndpoint"]
