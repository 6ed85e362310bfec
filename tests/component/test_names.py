"""The names of a federation: its zone, who writes into it, with which rights, and what is left without a zone."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from federation.dns import core_dns, records
from tests.component import cloud
from tests.component.cloud import BALANCER
from tests.component.program import run
from tests.component.recording import Record, name_of, opened
from tests.strategies import MISSING

pytestmark = pytest.mark.component

CONTROLLER, WRITER = "federation:dns-controller", "federation:zone-writer"
WATCH = ["list", "watch"]


@pytest.fixture(scope="module")
def nameless(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The dev topology without a zone."""
    return run(tmp_path_factory.mktemp("nameless"), {"federation:dns": MISSING})


def container(record: Record, deployment: str) -> Mapping[str, Any]:
    return containers(record, deployment)[deployment]


def containers(record: Record, deployment: str) -> Mapping[str, Mapping[str, Any]]:
    """By name, those that come first among them."""
    pod = record.one("Deployment", deployment).inputs["spec"]["template"]["spec"]
    return {each["name"]: each for each in (*pod.get("initContainers", ()), *pod["containers"])}


def files(record: Record, secret: str) -> Mapping[str, str]:
    return dict(opened(record.one("Secret", secret).inputs["stringData"]))


# Without a zone


def test_without_a_zone_nothing_of_the_names_is_registered_and_all_else_is(karmada: Record, nameless: Record) -> None:
    components = [*karmada.of("FederationDns", "MemberDns")]
    names = {each.urn for component in components for each in (component, *karmada.inside(component))}
    certificates = {each.urn for each in karmada.resources if each.name.startswith("user-")}
    assert len(certificates) == 2 * len(("PrivateKey", "Certificate"))
    gone = {each.urn for each in karmada.resources} - {each.urn for each in nameless.resources}
    assert gone == {*names, *certificates}
    assert len(nameless.resources) == len(karmada.resources) - len(gone)


def test_without_a_zone_the_outputs_say_so(karmada: Record, nameless: Record) -> None:
    differing = {name: value for name, value in nameless.exports.items() if value != karmada.exports[name]}
    assert differing == {"zone": "", "nameServers": []}
    assert set(nameless.exports) == set(karmada.exports)


# The zone


def test_the_apis_certificate_is_good_for_its_name_in_the_zone(karmada: Record, nameless: Record) -> None:
    name = "api.fellowship.example.com"
    assert name in karmada.one("Certificate", "apiserver").inputs["dnsNames"]
    assert name not in nameless.one("Certificate", "apiserver").inputs["dnsNames"]


def test_the_api_and_the_name_server_have_records(karmada: Record) -> None:
    found = karmada.one("DNSEndpoint", "own-records").inputs
    common = {"recordType": "A", "recordTTL": 30, "targets": [BALANCER]}
    assert sorted(found["spec"]["endpoints"], key=lambda each: str(each["dnsName"])) == [
        {"dnsName": "api.fellowship.example.com", **common},
        {"dnsName": "ns.dns.example.com", **common},
    ]
    assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "pulumi"}


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([], []),
        (["192.0.2.10"], [("A", ["192.0.2.10"])]),
        (["192.0.2.10", "192.0.2.11"], [("A", ["192.0.2.10", "192.0.2.11"])]),
        (["2001:db8::10", "192.0.2.10"], [("A", ["192.0.2.10"]), ("AAAA", ["2001:db8::10"])]),
        (["api.example.net", "192.0.2.10"], [("A", ["192.0.2.10"])]),
        (["api.example.net", "balancer.example.net"], [("CNAME", ["balancer.example.net"])]),
        (["2001:db8::10"], [("AAAA", ["2001:db8::10"])]),
    ],
)
def test_a_name_has_addresses_of_both_versions_or_stands_for_another(
    addresses: Sequence[str], expected: Sequence[tuple[str, Sequence[str]]]
) -> None:
    found = records._endpoints("api.fellowship.example.com", addresses, 30)
    assert [(each["recordType"], each["targets"]) for each in found] == expected


def test_name_servers_without_an_ip_address_are_refused() -> None:
    wanted = "Service federation-dns has no IP address but the name balancer.example.net"
    assert wanted in (core_dns._problem(["balancer.example.net"]) or "")
    assert core_dns._problem(["balancer.example.net", BALANCER]) is None
    assert core_dns._problem([]) is None


def test_that_refuses_what_is_told_the_address_and_no_run_that_destroys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the program would end a `destroy --run-program` before it has deleted anything."""
    monkeypatch.setattr(cloud, "INGRESS", {"hostname": "balancer.example.net"})
    found = run(tmp_path)
    assert found.exports["nameServers"] == []
    told = [found.one("DNSEndpoint", "own-records"), *found.of("ClusterDns")]
    assert len(told) == 3
    assert {each.before_create for each in told} == {("address-of-federation-dns",)}


def test_the_zone_has_its_address_while_the_control_plane_starts(karmada: Record) -> None:
    for each in karmada.inside(karmada.one("CoreDnsZone", "zone")):
        waits = {name_of(urn) for urn in karmada.needs(each)}
        assert not waits & {"api", "etcd", "federation-apiserver", "pki"}, f"{each} waits for the control plane"


# Who writes it


def test_the_writer_writes_where_the_name_server_reads(karmada: Record) -> None:
    found = containers(karmada, "federation-dns")
    assert list(found) == ["first-zone", "federation-dns", "zone-writer"]
    (file,) = {
        flag.removeprefix("--file=")
        for name in ("first-zone", "zone-writer")
        for flag in found[name]["command"]
        if flag.startswith("--file=")
    }
    assert f"file {file} {{" in files(karmada, "federation-dns-files")["Corefile"]
    folder = file.rpartition("/")[0]
    writable = {
        name: not mount["readOnly"]
        for name, each in found.items()
        for mount in each["volumeMounts"]
        if mount["mountPath"] == folder
    }
    assert writable == {"first-zone": True, "federation-dns": False, "zone-writer": True}
    # On the node's disk, so that what was written is there when the node comes back.
    pod = karmada.one("Deployment", "federation-dns").inputs["spec"]["template"]["spec"]
    assert {"name": "shared", "emptyDir": {}} in pod["volumes"]


def test_the_writer_is_started_as_the_zone_is_configured(karmada: Record) -> None:
    first, writer = (containers(karmada, "federation-dns")[name]["command"] for name in ("first-zone", "zone-writer"))
    supervisor, asked = writer[2:4], writer[-1]
    assert (supervisor, asked) == (["controllers.runtime.supervisor", "8081"], "--ask=127.0.0.1:1053")
    assert first == [*writer[:2], *writer[4:-1], "--first"]
    assert {
        "--zone=example.com",
        "--name-server=ns.dns.example.com",
        "--ttl=30",
        "--serial-namespace=karmada-system",
    } <= set(writer)


def test_a_writer_that_fails_takes_no_name_server_out(karmada: Record) -> None:
    found = containers(karmada, "federation-dns")
    assert "readinessProbe" not in found["zone-writer"]
    # Whatever becomes of the writer, its container goes on, and the pod stays in the Service.
    assert found["zone-writer"]["command"][:4] == ["python3", "-m", "controllers.runtime.supervisor", "8081"]
    assert "livenessProbe" not in found["zone-writer"]
    assert "publishNotReadyAddresses" not in karmada.one("Service", "federation-dns").inputs["spec"]


def test_only_the_writers_hold_credentials_of_the_federation_api(karmada: Record) -> None:
    holders = {
        name
        for name, each in containers(karmada, "federation-dns").items()
        for mount in each["volumeMounts"]
        if mount["mountPath"] == "/etc/federation/api"
    }
    assert holders == {"first-zone", "zone-writer"}


def test_the_ttl_and_the_time_to_withdraw_reach_all_that_make_records(tmp_path: Path) -> None:
    dns = {"federation:dns.ttl": 7, "federation:dns.withdrawAfter": 90}
    record = run(tmp_path, dns)
    flags = {"--federation=fellowship", "--zone=example.com", "--ttl=7", "--withdraw-after=90"}
    assert flags <= set(container(record, "dns-controller")["command"])
    assert "--ttl=7" in containers(record, "federation-dns")["zone-writer"]["command"]
    endpoints = record.one("DNSEndpoint", "own-records").inputs["spec"]["endpoints"]
    assert {each["recordTTL"] for each in endpoints} == {7}


def test_external_dns_publishes_what_dns_controller_writes_and_nothing_of_others(tmp_path: Path) -> None:
    google = {"provider": "google-clouddns", "zone": "example.com", "googleClouddns": {"project": "shire"}}
    record = run(tmp_path, {"federation:dns": google})
    written = "app.kubernetes.io/managed-by=federation-dns-controller"
    assert f"--label-filter={written}" in container(record, "external-dns")["command"]
    # So it has none of the program's, and needs none.
    assert record.one("DNSEndpoint", "own-records").inputs["spec"] == {"endpoints": []}


# With which rights


@pytest.mark.parametrize(
    ("user", "rules"),
    [
        (
            CONTROLLER,
            [
                ("", "services", WATCH),
                ("", "events", ["create"]),
                ("cluster.karmada.io", "clusters", WATCH),
                ("externaldns.k8s.io", "dnsendpoints", ["get", *WATCH, "create", "patch", "delete"]),
            ],
        ),
        (WRITER, [("externaldns.k8s.io", "dnsendpoints", WATCH), ("", "events", ["create"])]),
    ],
)
def test_a_user_of_the_api_may_do_what_its_program_does_and_no_more(
    karmada: Record, user: str, rules: Sequence[tuple[str, str, list[str]]]
) -> None:
    assert karmada.one("ClusterRole", user).inputs["rules"] == [
        {"apiGroups": [group], "resources": [resource], "verbs": verbs} for group, resource, verbs in rules
    ]
    bindings = [
        each.inputs["roleRef"]["name"]
        for each in karmada.of("ClusterRoleBinding")
        if user in [subject["name"] for subject in each.inputs["subjects"]]
    ]
    assert bindings == [user]


def test_the_writer_may_change_the_one_object_that_has_the_serial(karmada: Record) -> None:
    role, binding = karmada.one("Role", WRITER).inputs, karmada.one("RoleBinding", WRITER).inputs
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "karmada-system"
    assert [subject["name"] for subject in binding["subjects"]] == [WRITER]
    configmaps = {"apiGroups": [""], "resources": ["configmaps"]}
    assert role["rules"] == [
        {**configmaps, "verbs": ["create"]},
        {**configmaps, "resourceNames": ["federation-zone"], "verbs": ["get", "patch"]},
    ]


@pytest.mark.parametrize(("program", "user"), [("dns-controller", CONTROLLER), ("federation-dns", WRITER)])
def test_a_program_calls_the_api_as_its_own_user_who_is_in_no_group(karmada: Record, program: str, user: str) -> None:
    (credentials,) = yaml.safe_load(files(karmada, f"{program}-api")["kubeconfig"])["users"]
    certificate = karmada.one("Certificate", f"user-{user}")
    held = base64.b64decode(credentials["user"]["client-certificate-data"]).decode()
    assert held == certificate.outputs["certificatePem"]
    assert "organization" not in certificate.inputs
    assert certificate.inputs["commonName"] == user
