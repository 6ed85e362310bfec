"""What changes with the configuration, and what does not: each test is one difference from the dev topology."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pulumi
import pytest

from federation.clusters.identity import Unreachable
from federation.settings.config import ConfigError
from federation.settings.schema import PinnedImage
from tests.component.cloud import BALANCER
from tests.component.program import DEV, GONDOR, HOST, ROHAN, UIDS, run
from tests.component.recording import Record, name_of

pytestmark = pytest.mark.component

CONTROL_PLANE = {
    "federation-apiserver",
    "karmada-aggregated-apiserver",
    "karmada-webhook",
    "kube-controller-manager",
    "karmada-controller-manager",
    "karmada-scheduler",
}
NAMES = {"federation-dns": 2, "dns-controller": 1}
"""Programs of the names, with their replicas: these have settings of their own."""


def test_nothing_is_protected_unless_asked(karmada: Record) -> None:
    assert [str(each) for each in karmada.resources if each.protect] == []


def test_protect_keeps_etcd_with_its_namespace_all_authorities_and_the_keys_of_tokens_and_zone_and_nothing_else(
    tmp_path: Path,
) -> None:
    record = run(tmp_path, {"federation:protect": True, "federation:dns.coredns.dnssec": True})
    authorities = ("root", "etcd", "front-proxy")
    assert {str(each) for each in record.resources if each.protect} == {
        "StatefulSet etcd",
        "Namespace karmada-system",
        "PrivateKey service-account",
        "PrivateKey zone-key",
        *(f"{kind} {name}-ca" for kind in ("PrivateKey", "CertificateAuthority") for name in authorities),
    }


def test_one_replica_has_no_disruption_budget_as_it_would_block_every_drain(karmada: Record) -> None:
    replicas = {each.name: each.inputs["spec"]["replicas"] for each in karmada.of("Deployment", "StatefulSet")}
    assert {name: count for name, count in replicas.items() if count != 1} == {"federation-dns": 2}
    assert [each.name for each in karmada.of("PodDisruptionBudget")] == ["federation-dns"]


def test_three_replicas_of_the_api_server_make_three_of_each_of_its_programs_with_a_budget(tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:host.apiServer.replicas": 3})
    assert {each.name for each in record.of("PodDisruptionBudget")} == {*CONTROL_PLANE, "federation-dns"}
    replicas = {each.name: each.inputs["spec"]["replicas"] for each in record.of("Deployment")}
    assert replicas == {**dict.fromkeys(CONTROL_PLANE, 3), **NAMES}
    assert {each.inputs["spec"]["replicas"] for each in record.of("StatefulSet")} == {1}


def test_three_replicas_of_etcd_know_each_other_by_name(karmada: Record, tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:host.etcd.replicas": 3})
    hosts = [f"etcd-{i}.etcd.karmada-system.svc" for i in range(3)]
    spec = record.one("StatefulSet", "etcd").inputs["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert spec["replicas"] == 3
    members = ",".join(f"etcd-{i}=https://{host}:2380" for i, host in enumerate(hosts))
    assert f"--initial-cluster={members}" in container["command"]
    assert set(hosts) <= set(record.one("Certificate", "etcd-server").inputs["dnsNames"])
    assert {each.name for each in record.of("PodDisruptionBudget")} == {"etcd", "federation-dns"}
    # Clients are led to one of three only when it is ready; to an only one as soon as it has an address.
    early = [
        each.one("Service", "etcd-client").inputs["spec"]["publishNotReadyAddresses"] for each in (record, karmada)
    ]
    assert early == [False, True]


def test_another_size_of_an_etcd_that_is_there_is_refused_before_the_first_resource(tmp_path: Path) -> None:
    record, made = Record(), {"replicas": 1, "storage": "5Gi", "storageClass": ""}
    refusal = "federation:host.etcd.replicas: 3 is refused, as StatefulSet etcd was made with 1"
    with pytest.raises(ConfigError, match=refusal):
        run(tmp_path, {"federation:host.etcd.replicas": 3}, store=made, record=record)
    assert record.resources == []


@pytest.mark.parametrize("silent", [HOST, GONDOR, ROHAN])
def test_a_cluster_that_does_not_answer_is_reported_and_everything_is_still_registered(
    karmada: Record, tmp_path: Path, silent: str
) -> None:
    answer = Unreachable(silent, f"https://{silent}.example:6443", "no route to host", silent=True)
    record = run(tmp_path, answers={**UIDS, silent: answer})
    assert record.warnings == [str(answer)]
    assert {each.urn for each in record.resources} == {each.urn for each in karmada.resources}


@pytest.mark.parametrize(
    ("silent", "providers"),
    [(HOST, {"host", "api", "api-kinds"}), (GONDOR, {"member-gondor"}), (ROHAN, {"member-rohan"})],
)
def test_only_providers_of_a_cluster_that_does_not_answer_give_up_soon(
    tmp_path: Path, silent: str, providers: set[str]
) -> None:
    answer = Unreachable(silent, f"https://{silent}.example:6443", "timed out", silent=True)
    record = run(tmp_path, answers={**UIDS, silent: answer})
    assert {each.name for each in record.resources if "kubeClientSettings" in each.inputs} == providers


def test_refused_credentials_do_not_take_the_place_of_those_in_the_state(tmp_path: Path) -> None:
    answer = Unreachable(ROHAN, "https://rohan.example:6443", "it answered 401 Unauthorized", refused=True)
    with pytest.raises(pulumi.RunError, match=f"^{ROHAN}: out of reach"):
        run(tmp_path, answers={**UIDS, ROHAN: answer}, record=(record := Record()))
    kept = {each.name for each in record.resources if "kubeconfig" in each.ignore_changes}
    assert kept == {"member-rohan", "rohan-cluster-dns"}


def test_a_member_that_does_not_answer_keeps_the_identity_that_it_has(tmp_path: Path) -> None:
    answer = Unreachable(ROHAN, "https://rohan.example:6443", "no route to host", silent=True)
    record = run(tmp_path, answers={**UIDS, ROHAN: answer})
    gondor, rohan = (record.one("Cluster", f"{name}-cluster") for name in ("gondor", "rohan"))
    assert (rohan.inputs["spec"].get("id"), "spec.id" in rohan.ignore_changes) == (None, True)
    assert (gondor.inputs["spec"].get("id"), "spec.id" in gondor.ignore_changes) == (UIDS[GONDOR], False)
    assert [member["uid"] for member in record.exports["members"]] == [UIDS[GONDOR], None]


def test_what_a_member_has_none_of_is_not_written(tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:members.0.zones": []})
    assert "zones" not in record.one("Cluster", "gondor-cluster").inputs["spec"]


def test_a_member_without_proxy_has_no_impersonator(tmp_path: Path, karmada: Record) -> None:
    without = run(tmp_path, {"federation:members.0.proxy": False})
    gone = {each.urn for each in karmada.resources} - {each.urn for each in without.resources}
    assert {urn.rpartition("::")[2] for urn in gone} == {
        "gondor-karmada-impersonator",
        "gondor-karmada-impersonator-token",
        "gondor-impersonation",
    }
    assert "impersonatorSecretRef" not in without.one("Cluster", "gondor-cluster").inputs["spec"]


def test_a_node_port_needs_no_load_balancer(tmp_path: Path) -> None:
    node_port = {"serviceType": "NodePort", "advertiseAddress": "rivendell.example", "nodePort": 30443}
    record = run(tmp_path, {"federation:host.apiServer": node_port})
    service = record.one("Service", "federation-apiserver").inputs
    assert (service["spec"]["type"], service["spec"]["ports"][0]["nodePort"]) == ("NodePort", 30443)
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert record.exports["apiEndpoint"] == "https://rivendell.example:30443"
    assert "rivendell.example" in record.one("Certificate", "apiserver").inputs["dnsNames"]


def test_an_advertised_name_comes_before_the_balancers_address(tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:host.apiServer.advertiseAddress": "api.example.com"})
    assert record.exports["apiEndpoint"] == "https://api.example.com:5443"
    request = record.one("Certificate", "apiserver").inputs
    assert "api.example.com" in request["dnsNames"]
    assert BALANCER in request["ipAddresses"]


def test_a_member_leaves_without_touching_anything_else(karmada: Record, tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:members": DEV["federation:members"][:1]})
    gone = {each.urn for each in karmada.resources} - {each.urn for each in record.resources}
    rohan, names = karmada.one("Member", "rohan"), karmada.one("MemberDns", "rohan-dns")
    provider, identity = karmada.one("kubernetes", "member-rohan"), karmada.one("Stash", "member-rohan")
    inside = {each.urn for component in (rohan, names) for each in karmada.inside(component)}
    assert gone == {rohan.urn, names.urn, provider.urn, identity.urn, *inside}
    assert len(record.resources) == len(karmada.resources) - len(gone)


def test_the_hosts_namespace_is_free_and_the_apis_is_karmadas(tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:host.namespace": "council"})
    namespaced = [each for each in record.resources if each.inputs.get("metadata", {}).get("namespace")]
    host = {each.inputs["metadata"]["namespace"] for each in namespaced if name_of(each.provider) == "host"}
    assert host == {"council"}
    assert "karmada-aggregated-apiserver.karmada-system.svc" in record.one("Certificate", "services").inputs["dnsNames"]
    assert record.one("Service", "api-karmada-aggregated-apiserver").inputs["spec"]["externalName"] == (
        "karmada-aggregated-apiserver.council.svc"
    )


def test_images_come_from_where_the_configuration_says(tmp_path: Path) -> None:
    images = {
        "kubernetesRegistry": "mirror.example/k8s",
        "kubernetesTag": "v0.0.1",
        "etcdTag": "v0.0.2",
        "karmadaRegistry": "mirror.example/karmada",
        "karmadaTag": "v0.0.3",
        "coredns": "mirror.example/coredns:v0.0.4",
        "externalDns": "mirror.example/external-dns:v0.0.5",
        "controllers": "mirror.example/controllers:v0.0.6",
    }
    assert images_of(run(tmp_path, {"federation:images": images})) == {
        "etcd": "mirror.example/k8s/etcd:v0.0.2",
        "federation-dns": "mirror.example/coredns:v0.0.4",
        "first-zone": "mirror.example/controllers:v0.0.6",
        "zone-writer": "mirror.example/controllers:v0.0.6",
        "dns-controller": "mirror.example/controllers:v0.0.6",
        "federation-apiserver": "mirror.example/k8s/kube-apiserver:v0.0.1",
        "kube-controller-manager": "mirror.example/k8s/kube-controller-manager:v0.0.1",
        "karmada-aggregated-apiserver": "mirror.example/karmada/karmada-aggregated-apiserver:v0.0.3",
        "karmada-controller-manager": "mirror.example/karmada/karmada-controller-manager:v0.0.3",
        "karmada-scheduler": "mirror.example/karmada/karmada-scheduler:v0.0.3",
        "karmada-webhook": "mirror.example/karmada/karmada-webhook:v0.0.3",
    }


def test_every_image_can_be_one_by_digest(tmp_path: Path) -> None:
    def digest(name: str) -> str:
        return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"

    chosen = {
        "digests": {name: digest(name) for name in get_args(PinnedImage)},
        "coredns": f"mirror.example/coredns@{digest('coredns')}",
        "externalDns": f"mirror.example/external-dns@{digest('external-dns')}",
        "controllers": f"mirror.example:5000/controllers:0.1.0@{digest('controllers')}",
    }
    google = {"provider": "google-clouddns", "zone": "example.com", "googleClouddns": {"project": "shire"}}
    for changes in ({}, {"federation:dns": google}):
        found = images_of(run(tmp_path, {"federation:images": chosen, **changes}))
        assert found["etcd"] == f"registry.k8s.io/etcd:v3.6.16@{digest('etcd')}"
        for image in found.values():
            repository, _, pinned = image.partition("@")
            assert pinned == digest(repository.rpartition("/")[2].partition(":")[0])


def images_of(record: Record) -> dict[str, str]:
    """The image of each container in the host, by the container's name."""
    pods = [each.inputs["spec"]["template"]["spec"] for each in record.of("Deployment", "StatefulSet")]
    containers = [each for pod in pods for each in (*pod["containers"], *pod.get("initContainers", ()))]
    return {each["name"]: each["image"] for each in containers}


def test_a_namespaced_member_is_granted_roles_in_its_namespaces_and_has_no_impersonator(tmp_path: Path) -> None:
    access = {"profile": "namespaced", "namespaces": ["shire", "bree"], "kinds": ["Service"]}
    record = run(tmp_path, {"federation:members.1.access": access, "federation:propagation": {"kinds": ["Service"]}})
    services = {"apiGroups": [""], "resources": ["services"]}
    for namespace in access["namespaces"]:
        role, binding = (record.one(kind, f"rohan-access-{namespace}") for kind in ("Role", "RoleBinding"))
        assert role.inputs["metadata"]["namespace"] == binding.inputs["metadata"]["namespace"] == namespace
        assert role.inputs["rules"] == [{**services, "verbs": ["create", "update", "delete"]}]
        assert binding.inputs["subjects"] == record.one("ClusterRoleBinding", "rohan-access").inputs["subjects"]
        assert binding.urn in record.needs(record.one("Cluster", "rohan-cluster"))
    everywhere = record.one("ClusterRole", "rohan-access").inputs["rules"]
    assert {**services, "verbs": ["get", "list", "watch"]} in everywhere
    assert {verb for rule in everywhere for verb in rule["verbs"]} == {"get", "list", "watch", "delete"}
    assert "impersonatorSecretRef" not in record.one("Cluster", "rohan-cluster").inputs["spec"]
    assert [each.name for each in record.resources if "impersonat" in each.name and "rohan" in each.name] == []
    assert record.one("ClusterRole", "gondor-access").inputs["rules"] != everywhere


@pytest.mark.parametrize(
    ("changes", "answers", "message"),
    [
        ({"federation:name": "The_Fellowship"}, UIDS, 'federation:name: "The_Fellowship" is not a DNS label'),
        ({"federation:nmae": "x"}, UIDS, "federation:nmae: unknown key; did you mean 'name'?"),
        ({}, {**UIDS, ROHAN: UIDS[GONDOR]}, "gondor and rohan are one cluster (kube-system UID uid-of-gondor"),
    ],
)
def test_a_refusal_comes_before_the_first_resource(
    tmp_path: Path, changes: Mapping[str, Any], answers: Mapping[str, str | Unreachable], message: str
) -> None:
    record = Record()
    with pytest.raises(ConfigError, match=re.escape(message)):
        run(tmp_path, changes, answers, record=record)
    assert record.resources == []
