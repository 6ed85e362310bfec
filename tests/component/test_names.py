"""The names of a federation: its zone, who writes into it, with which rights, and what is left without a zone."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from federation.dns import core_dns, publisher
from tests.component.cloud import BALANCER, EARLY, pem
from tests.component.program import run
from tests.component.recording import Record, name_of, opened
from tests.strategies import MISSING

pytestmark = pytest.mark.component

CONTROLLER, PUBLISHER = "federation:dns-controller", "federation:external-dns"
WATCH = ["list", "watch"]


@pytest.fixture(scope="module")
def nameless(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The dev topology without a zone."""
    return run(tmp_path_factory.mktemp("nameless"), {"federation:dns": MISSING})


def container(record: Record, deployment: str) -> Mapping[str, Any]:
    (found,) = record.one("Deployment", deployment).inputs["spec"]["template"]["spec"]["containers"]
    return dict(found)


def files(record: Record, secret: str) -> Mapping[str, str]:
    return dict(opened(record.one("Secret", secret).inputs["stringData"]))


# Without a zone


def test_without_a_zone_nothing_of_the_names_is_registered_and_all_else_is(dev: Record, nameless: Record) -> None:
    components = [*dev.of("FederationDns", "MemberDns")]
    names = {each.urn for component in components for each in (component, *dev.inside(component))}
    certificates = {each.urn for each in dev.resources if each.name.startswith("user-")}
    assert len(certificates) == 2 * len(("PrivateKey", "CertRequest", "LocallySignedCert"))
    gone = {each.urn for each in dev.resources} - {each.urn for each in nameless.resources}
    assert gone == {*names, *certificates}
    assert len(nameless.resources) == len(dev.resources) - len(gone)


def test_without_a_zone_the_outputs_say_so(dev: Record, nameless: Record) -> None:
    differing = {name: value for name, value in nameless.exports.items() if value != dev.exports[name]}
    assert differing == {"zone": "", "nameServers": [], "certificateExpiry": EARLY["services"]}
    assert set(nameless.exports) == set(dev.exports)


# The zone


def test_the_apis_certificate_is_good_for_its_name_in_the_zone(dev: Record, nameless: Record) -> None:
    name = "api.fellowship.example.com"
    assert name in dev.one("CertRequest", "apiserver").inputs["dnsNames"]
    assert name not in nameless.one("CertRequest", "apiserver").inputs["dnsNames"]


def test_the_api_and_the_name_server_have_records_that_external_dns_publishes(dev: Record) -> None:
    records = dev.one("DNSEndpoint", "own-records").inputs
    common = {"recordType": "A", "recordTTL": 30, "targets": [BALANCER]}
    assert sorted(records["spec"]["endpoints"], key=lambda each: str(each["dnsName"])) == [
        {"dnsName": "api.fellowship.example.com", **common},
        {"dnsName": "ns.dns.example.com", **common},
    ]
    assert records["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "pulumi"}


@pytest.mark.parametrize(
    ("addresses", "kind", "targets"),
    [
        (["192.0.2.10"], "A", ["192.0.2.10"]),
        (["192.0.2.10", "192.0.2.11"], "A", ["192.0.2.10", "192.0.2.11"]),
        (["2001:db8::10", "192.0.2.10"], "A", ["192.0.2.10"]),
        (["api.example.net", "192.0.2.10"], "A", ["192.0.2.10"]),
        (["api.example.net", "balancer.example.net"], "CNAME", ["balancer.example.net"]),
        (["2001:db8::10"], "AAAA", ["2001:db8::10"]),
    ],
)
def test_a_record_is_of_one_kind_that_fits_its_targets(
    addresses: Sequence[str], kind: str, targets: Sequence[str]
) -> None:
    endpoint = publisher._endpoint("api.fellowship.example.com", addresses, 30)
    assert (endpoint["recordType"], endpoint["targets"]) == (kind, targets)


def test_name_servers_without_an_ip_address_are_refused() -> None:
    with pytest.raises(pulumi.RunError, match="Service federation-dns has no IP address but the name balancer"):
        core_dns._ip_addresses(["balancer.example.net"])
    assert core_dns._ip_addresses(["balancer.example.net", BALANCER]) == [BALANCER]


def test_the_name_servers_start_while_the_control_plane_starts(dev: Record) -> None:
    for each in dev.inside(dev.one("CoreDnsZone", "zone")):
        waits = {name_of(urn) for urn in dev.needs(each)}
        assert not waits & {"api", "etcd", "federation-apiserver", "pki"}, f"{each} waits for the control plane"


# Who writes into it


def test_external_dns_publishes_what_is_ours_removes_what_is_gone_and_touches_nothing_else(dev: Record) -> None:
    assert {
        "--source=crd",
        "--label-filter=app.kubernetes.io/managed-by in (federation-dns-controller,pulumi)",
        "--domain-filter=example.com",
        "--txt-owner-id=fellowship",
        "--policy=sync",
        "--provider=coredns",
        "--coredns-strictly-owned",
        "--registry=noop",
    } <= set(container(dev, "external-dns")["command"])


def test_external_dns_writes_where_the_name_servers_read(dev: Record) -> None:
    environment = {each["name"]: each.get("value") for each in container(dev, "external-dns")["env"]}
    corefile = files(dev, "federation-dns-files")["Corefile"]
    assert f"endpoint {environment['ETCD_URLS']}\n" in corefile
    assert "path /skydns\n" in corefile
    assert "--coredns-prefix=/skydns/" in container(dev, "external-dns")["command"]


@pytest.mark.parametrize("program", ["external-dns", "federation-dns"])
def test_the_store_is_opened_by_its_own_authoritys_certificate(dev: Record, program: str) -> None:
    held = files(dev, f"{program}-files")
    assert {name: held[name] for name in ("ca.crt", "tls.crt")} == {
        "ca.crt": pem("CERTIFICATE", "dns-etcd-ca"),
        "tls.crt": pem("CERTIFICATE", "dns-etcd-client"),
    }
    assert held["tls.key"] == opened(dev.one("PrivateKey", "dns-etcd-client").outputs["privateKeyPem"])


def test_the_ttl_and_the_time_to_withdraw_reach_all_that_make_records(tmp_path: Path) -> None:
    dns = {"federation:dns.ttl": 7, "federation:dns.withdrawAfter": 90}
    record = run(tmp_path, dns)
    flags = {"--federation=fellowship", "--zone=example.com", "--ttl=7", "--withdraw-after=90"}
    assert flags <= set(container(record, "dns-controller")["command"])
    endpoints = record.one("DNSEndpoint", "own-records").inputs["spec"]["endpoints"]
    assert {each["recordTTL"] for each in endpoints} == {7}


def test_a_name_gets_addresses_of_one_family_as_external_dns_mixes_up_two_in_coredns(dev: Record) -> None:
    assert "--one-family" in container(dev, "dns-controller")["command"]


# With which rights


@pytest.mark.parametrize(
    ("user", "rules"),
    [
        (
            CONTROLLER,
            [
                ("", "services", WATCH),
                ("cluster.karmada.io", "clusters", WATCH),
                ("externaldns.k8s.io", "dnsendpoints", ["get", *WATCH, "create", "patch", "delete"]),
            ],
        ),
        (
            PUBLISHER,
            [
                ("externaldns.k8s.io", "dnsendpoints", ["get", *WATCH]),
                ("externaldns.k8s.io", "dnsendpoints/status", ["update", "patch"]),
            ],
        ),
    ],
)
def test_a_user_of_the_api_may_do_what_its_program_does_and_no_more(
    dev: Record, user: str, rules: Sequence[tuple[str, str, list[str]]]
) -> None:
    assert dev.one("ClusterRole", user).inputs["rules"] == [
        {"apiGroups": [group], "resources": [resource], "verbs": verbs} for group, resource, verbs in rules
    ]
    bindings = [
        each.inputs["roleRef"]["name"]
        for each in dev.of("ClusterRoleBinding")
        if user in [subject["name"] for subject in each.inputs["subjects"]]
    ]
    assert bindings == [user]


@pytest.mark.parametrize(("program", "user"), [("dns-controller", CONTROLLER), ("external-dns", PUBLISHER)])
def test_a_program_calls_the_api_as_its_own_user_who_is_in_no_group(dev: Record, program: str, user: str) -> None:
    (credentials,) = yaml.safe_load(files(dev, f"{program}-api")["kubeconfig"])["users"]
    certificate = dev.one("LocallySignedCert", f"user-{user}")
    held = base64.b64decode(credentials["user"]["client-certificate-data"]).decode()
    assert held == certificate.outputs["certPem"]
    assert dev.one("CertRequest", f"user-{user}").inputs["subject"] == {"commonName": user}
