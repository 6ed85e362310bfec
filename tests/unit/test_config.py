"""The stack's configuration: what is valid is kept, and what is wrong is told with key, value and what is allowed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hypothesis.vendor
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.settings import config, domains, kubeconfig, syntax
from federation.settings.config import Config, ConfigError
from federation.settings.schema import Settings
from tests import strategies
from tests.strategies import CONTEXTS, MISSING, changed, encoded

pytestmark = pytest.mark.unit

IANA = "tlds-alpha-by-domain.txt"
"""IANA's list, as hypothesis has it."""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with a kubeconfig that has the CONTEXTS and those of the walk-through."""
    folder = tmp_path_factory.mktemp("project")
    contexts = (*CONTEXTS, "rivendell", "gondor_needs-no_king", "rohan")
    entries = [
        kubeconfig.with_client_certificate(each, f"https://{each}:6443", "ca", "cert", "key") for each in contexts
    ]
    (folder / "kubeconfig").write_text(kubeconfig.dump(kubeconfig.merge(entries)))
    (folder / "not-yaml").write_text("a: b: c")
    return folder


def load(folder: Path, stack: Mapping[str, Any]) -> Config:
    return config.load(encoded({"federation:kubeconfig": "kubeconfig", **stack}), folder, {})


def problems(folder: Path, stack: Mapping[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        load(folder, stack)
    return refusal.value.problems


# What is valid


@given(stack=strategies.configurations())
def test_a_valid_configuration_keeps_its_values(folder: Path, stack: dict[str, Any]) -> None:
    loaded = load(folder, stack)
    given_ = {key.removeprefix("federation:"): value for key, value in stack.items()}
    given_["dns"]["zone"] = syntax.zone_of(given_["dns"]["zone"])
    assert loaded.settings.model_dump(mode="json", by_alias=True, exclude_unset=True) == {
        "kubeconfig": "kubeconfig",
        **given_,
    }
    named = [given_["host"]["context"], *(member["context"] for member in given_["members"])]
    assert {context: each["current-context"] for context, each in loaded.contexts.items()} == {c: c for c in named}


def test_the_dev_stack_is_valid(folder: Path) -> None:
    stack = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
    settings = load(folder, {**stack, "federation:kubeconfig": "kubeconfig"}).settings
    assert settings.dns
    assert (settings.name, settings.host.namespace, settings.dns.zone) == (
        "fellowship",
        "federation-system",
        "example.com",
    )
    assert [member.name for member in settings.members] == ["gondor", "rohan"]


def test_every_key_is_declared_in_pulumi_yaml_with_the_default_it_has() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    fields = {field.alias: field for field in Settings.model_fields.values()}
    assert set(declared) == set(fields)
    assert all(key["type"] and key["description"] for key in declared.values())
    required = {"name": "fellowship", "host": {"context": "rivendell"}}
    assert set(required) == {name for name, field in fields.items() if field.is_required()}
    defaults = {name: key["default"] for name, key in declared.items()}
    assert Settings.model_validate(defaults | required) == Settings.model_validate(required)


def test_what_is_required_is_empty_by_default_so_that_it_is_told_with_all_else_that_is_wrong(folder: Path) -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    empty = {f"federation:{name}": declared[name]["default"] for name in ("name", "host")}
    said = "\n".join(problems(folder, {"federation:nmae": "fellowship", **empty}))
    for expected in (
        'name: "" is not a DNS label',
        "host.context: is missing",
        "nmae: unknown key; did you mean 'name'?",
    ):
        assert expected in said


def test_a_name_is_only_refused_with_the_engine_that_works_in_its_namespace(folder: Path) -> None:
    assert load(folder, changed(STACK, {"federation:name": "system"})).settings.host.namespace == "karmada-system"


@pytest.mark.parametrize("name", ["dev", "io", "svc", "corp"])
def test_without_a_zone_a_name_hides_nothing(folder: Path, name: str) -> None:
    assert load(folder, changed(STACK, {"federation:name": name, "federation:dns": MISSING})).settings.name == name


def test_the_top_level_domains_are_those_of_iana() -> None:
    listed = {each.lower() for each in (Path(hypothesis.vendor.__file__).parent / IANA).read_text().splitlines()}
    assert domains.TOP_LEVEL - listed == set()
    assert domains.IN_HOUSE.isdisjoint(listed)
    assert not any(len(name) == 2 for name in domains.TOP_LEVEL)


def test_other_namespaces_are_not_ours_to_judge(folder: Path) -> None:
    assert load(folder, {**STACK, "pulumi:disable-default-providers": ["*"], "gcp:project": "x"})


def test_an_address_has_one_spelling_as_coredns_compares_texts(folder: Path) -> None:
    coredns = {"transferTo": ["192.0.2.53", "2001:DB8:0:0::0053"]}
    loaded = load(folder, changed(STACK, {"federation:dns.coredns": coredns})).settings
    assert loaded.dns
    assert loaded.dns.coredns.transfer_to == ("192.0.2.53", "2001:db8::53")


@pytest.mark.parametrize("key", ["kubeconfig", '{"type": "service_account"}'])
def test_googles_key_is_a_file_beside_the_project_or_the_key_itself(folder: Path, key: str) -> None:
    google = {**GOOGLE_ZONE, "zone": "example.com", "googleClouddns": {**GOOGLE, "credentials": key}}
    assert load(folder, changed(STACK, {"federation:dns": google, "federation:crds": {"source": "kubeconfig"}}))


@pytest.mark.parametrize("path", ["absolute", "relative", "environment"])
def test_the_kubeconfig_is_the_named_one_from_the_projects_folder_else_the_environments(
    folder: Path, tmp_path: Path, path: str
) -> None:
    named = {"absolute": str(folder / "kubeconfig"), "relative": "./kubeconfig", "environment": ""}[path]
    stack = encoded({**STACK, "federation:kubeconfig": named})
    loaded = config.load(stack, folder, {"KUBECONFIG": str(folder / "kubeconfig")})
    assert set(loaded.contexts) == {"rivendell", "gondor_needs-no_king", "rohan"}


# What is wrong

STACK: Mapping[str, Any] = {
    "federation:name": "fellowship",
    "federation:host": {"context": "rivendell"},
    "federation:dns": {"zone": "example.com."},
    "federation:members": [
        {"name": "gondor", "context": "gondor_needs-no_king", "region": "middle-earth"},
        {"name": "rohan", "context": "rohan", "region": "middle-earth", "zones": ["edoras"]},
    ],
}
GOOGLE = {"project": "my-project"}
KEY = config.KEY_OF_MAP
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
GOOGLE_ZONE = {"provider": "google-clouddns", "googleClouddns": GOOGLE}
PATH = "dns.googleClouddns"
SHA = f"sha256:{'0a' * 32}"
NO_CLUSTER_DNS: list[tuple[Any, str]] = [
    ("coredns", '"coredns"'),
    (True, "true"),
    ([], "[]"),
    ({}, "{}"),
    ({"configMap": ""}, '{"configMap": ""}'),
    ({"configMap": 1}, '{"configMap": 1}'),
    ({"configMap": "Core_DNS"}, '{"configMap": "Core_DNS"}'),
    ({"configMap": "a/b"}, '{"configMap": "a/b"}'),
    ({"configMap": "dns", "namespace": "dns"}, '{"configMap": "dns", "namespace": "dns"}'),
    ({"config_map": "dns"}, '{"config_map": "dns"}'),
]
REFUSALS: list[tuple[Mapping[str, Any], list[str]]] = [
    ({"name": "The_Fellowship"}, ['name: "The_Fellowship" is not a DNS label', "a-z, 0-9 and '-'", "48"]),
    ({"members.0.name": "a" * 49}, ["members[0].name: ", "a" * 49, "is not a DNS label of at most 48 characters"]),
    ({"host.namespace": "-x"}, ['host.namespace: "-x" is not a DNS label']),
    (
        {"host.namespace": "federation-fellowship"},
        ["host.namespace: 'federation-fellowship' is the Namespace of the federation's accounts", "any other name"],
    ),
    *(
        ({"name": "system", "engine": "builtin", "host": {"context": "rivendell", **host}}, [*parts])
        for parts in [("name: 'system' would have its accounts in the Namespace that the", "allowed: any other name")]
        for host in ({}, {"namespace": "council"}, {"namespace": "federation-system"})
    ),
    ({"dns.zone": "example"}, ['dns.zone: "example" is not a DNS domain of at least two labels', "example.com"]),
    ({"nmae": "x"}, ["nmae: unknown key; did you mean 'name'? allowed: kubeconfig, name, engine, host, dns, members"]),
    ({"host.etcd.replica": 3}, ["host.etcd.replica: unknown key; did you mean 'replicas'?", "storageClass"]),
    ({"members.1.zone": "edoras"}, ["members[1].zone: unknown key; did you mean 'zones'?", "apiEndpoint"]),
    ({"dns.xyzzy": 1}, ["dns.xyzzy: unknown key; allowed: provider, zone, ttl, withdrawAfter"]),
    ({"host.context": "mordor"}, ["host.context: 'mordor' is not a context of the kubeconfig; it has: ", "rivendell"]),
    ({"members.1.context": "mordor"}, ["members[1].context: 'mordor' is not a context of the kubeconfig; it has: "]),
    (
        {"kubeconfig": "none"},
        ["kubeconfig: ", "/none: No such file", "allowed: the path of a kubeconfig", "$KUBECONFIG"],
    ),
    ({"kubeconfig": "not-yaml"}, ["kubeconfig: ", "/not-yaml: not YAML", "allowed: the path of a kubeconfig"]),
    ({"kubeconfig": "~nobody-here/config"}, ["kubeconfig: ", "~nobody-here", "allowed: the path of a kubeconfig"]),
    ({"members.0.name": "rivendell"}, ["members[0].name: 'rivendell' is the host cluster's name", "another name"]),
    ({"name": "rohan"}, ["members[1].context: 'rohan' is also the federation's name", "rename one"]),
    ({"members.1.region": MISSING}, ["members[1].region: is missing; it is required"]),
    (
        {"members.1.region": "Middle Earth"},
        ['members[1].region: "Middle Earth" is not a DNS label', "a-z, 0-9 and '-'"],
    ),
    ({"members.1.zones": "edoras"}, ['members[1].zones: "edoras" is not a list']),
    ({"members.1.zones": [5]}, ["members[1].zones[0]: 5 should be a valid string"]),
    ({"members.1.labels": ["x"]}, ['members[1].labels: ["x"] is not a map']),
    *(
        ({"members.1.labels": {key: "x"}}, [f'members[1].labels: "{key}" is not the key of a Kubernetes label: 1 to'])
        for key in ("bad key!", "", "-x", "x_", "a" * 64, "/x", "x/", "a/b/c", "Example.com/x", f"{'a' * 64}/x", KEY)
    ),
    *(
        ({"members.1.labels": {"team": value}}, [f'members[1].labels.team: "{value}" is not the value of a Kubernetes'])
        for value in ("A & B", "-x", "x.", "a/b", "a" * 64)
    ),
    ({f"host.{KEY}": "host"}, [f"host.{KEY}: unknown key; allowed: context, namespace"]),
    ({"members.1.labels": {"team": 5}}, ["members[1].labels.team: 5 should be a valid string"]),
    (
        {"dns": GOOGLE_ZONE | {"zone": "example.com", "googleClouddns": GOOGLE | {"labels": {"Team": "x"}}}},
        ["dns.googleClouddns.labels: what is given String should match pattern"],
    ),
    ({"members": "gondor"}, ['members: "gondor" is not a list']),
    ({"host": "rivendell"}, ['host: "rivendell" is not a map']),
    ({"dns.googleClouddns": GOOGLE}, ["dns.googleClouddns: belongs to google-clouddns", "coredns; keep one"]),
    ({"engine": "v1"}, ['engine: "v1"', "'karmada' or 'builtin'"]),
    ({"engine": ["builtin"]}, ['engine: ["builtin"]', "'karmada' or 'builtin'"]),
    (
        {"engine": "builtin", "members.1.proxy": True},
        ["members[1].proxy: belongs to karmada, but the engine is builtin; allowed: false"],
    ),
    (
        {"engine": "builtin", "crds": {"source": "crds.tar.gz"}},
        ["crds: belongs to karmada, but the engine is builtin; keep one"],
    ),
    ({"crds": {"source": "crds.tar.gz"}}, ["crds.source: 'crds.tar.gz' cannot be read: No such file", "https URL"]),
    ({"crds": {"source": "."}}, ["crds.source: '.' cannot be read: Is a directory"]),
    ({"users": [{"name": "system:admin"}]}, ['users[0].name: "system:admin" is not 1 to 64 letters, digits']),
    ({"users": [{"name": "f", "groups": ["system:masters"]}]}, ['users[0].groups[0]: "system:masters" is not 1 to 64']),
    ({"users": [{"name": "frodo"}, {"name": "frodo"}]}, ["users: 'frodo' is there several times; allowed: once"]),
    (
        {"propagation": {"clusters": ["gondro"]}},
        ["propagation.clusters[0]: 'gondro' is not a member", "'gondor', 'rohan'"],
    ),
    ({"members.1.name": "gondor-dns"}, ["members[0].name: a Secret 'gondor-dns' is kept for it"]),
    (
        {"host.apiServer": {"serviceType": "NodePort", "advertiseAddress": "api.fellowship.example.com"}},
        ["host.apiServer.advertiseAddress: 'api.fellowship.example.com' is the name that leads to this address"],
    ),
    *(
        ({"name": name, "dns.zone": f"example.{zone}"}, [f"name: '{name}' is the end of other names", "three letters"])
        for name, zone in (
            *(("com", "com"), ("elves", "elves"), ("svc", "com"), ("io", "com"), ("zz", "com"), ("xn--p1ai", "com")),
            *(("dev", "com"), ("app", "com"), ("cloud", "com"), ("internal", "com"), ("corp", "com")),
        )
    ),
    ({"members.0.region": "svc"}, ["members[0].region: 'svc' has another meaning in the zone; allowed: any other"]),
    ({"members.1.zones": ["dns"]}, ["members[1].zones[0]: 'dns' has another meaning in the zone"]),
    ({"dns.provider": "google-clouddns"}, ["dns.googleClouddns: is missing; provider google-clouddns requires it"]),
    ({"dns": GOOGLE_ZONE | {"zone": "10.example.com"}}, [f"{PATH}.zoneName: is missing; '10-example-com'", "a letter"]),
    *(
        ({"dns.provider": "google-clouddns", "dns.googleClouddns": {**GOOGLE, **google}}, [f"{PATH}.{part}", *parts])
        for google, part, *parts in (
            ({"visibility": "private"}, "networks: is missing; a private zone requires"),
            ({"networks": ["n"]}, "networks: belongs to a private zone"),
            ({"visibility": "private", "networks": ["n"], "dnssec": True}, "dnssec: belongs to a public zone"),
            ({"visibility": "private", "networks": ["n"], "parentZone": "com"}, "parentZone: belongs to a public zone"),
            ({"createZone": False, "dnssec": False}, "dnssec: belongs to a zone that is created"),
            ({"zoneName": "10"}, "zoneName: what is given is not 1 to 63 of a-z", "beginning with a letter"),
            ({"parentZone": "example.com"}, "parentZone: what is given is not 1 to 63 of a-z"),
            ({"labels": {"team": "DNS"}}, "labels.team: what is given String should match pattern"),
            (
                {"dnsCustomEndpoint": "http://127.0.0.1:8053"},
                "dnsCustomEndpoint: what is given String should",
            ),
            ({"proxy": {"url": "http://a:b@c"}}, "proxy.url: what is given is not an http or https URL with a host"),
            ({"credentials": {"private_key": "k"}}, "credentials: what is given should be a valid string"),
            ({"credentials": "no-key.json"}, "credentials: the file that is named cannot be read: No such file"),
            ({"credentials": "-----BEGIN\0"}, "credentials: the file that is named cannot be read: embedded null"),
        )
    ),
    ({"dns.coredns.transferTo": "192.0.2.53"}, ['dns.coredns.transferTo: "192.0.2.53" is not a list']),
    *(
        (
            {"dns.coredns.transferTo": ["2001:db8::53", address]},
            [f'dns.coredns.transferTo[1]: "{address}" is not an IP address of one host, such as 192.0.2.53 or'],
        )
        for address in ("192.0.2.0/24", "192.0.2.53:5353", "ns.example.net", "*", "0.0.0.0", "127.0.0.1", "224.0.0.1")
    ),
    *(
        ({"dns.coredns.transferTo": [address]}, [f'dns.coredns.transferTo[0]: "{address}" is not an IP address'])
        for address in ("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "2001:db8::1%1", "::ffff:192.0.2.53")
    ),
    (
        {"dns.coredns.transferTo": ["2001:db8::53", "2001:DB8:0::53"]},
        ["dns.coredns.transferTo: [", "is not a list of addresses, each of them once"],
    ),
    ({"dns.coredns.dnssec": "perhaps"}, ['dns.coredns.dnssec: "perhaps" should be a valid boolean']),
    (
        {"dns.coredns": {"transferTo": ["192.0.2.53"], "dnssec": True}},
        ["dns.coredns: transferTo and dnssec exclude each other, as CoreDNS transfers", "keep one"],
    ),
    (
        {"dns": GOOGLE_ZONE | {"zone": "example.com", "coredns": {"transferTo": ["192.0.2.53"]}}},
        ["dns.coredns: belongs to coredns, but the provider is google-clouddns; keep one"],
    ),
    ({"dns.provider": "route53"}, ["dns.provider: \"route53\" should be 'coredns' or 'google-clouddns'"]),
    ({"dns.ttl": 0}, ["dns.ttl: 0 should be greater than or equal to 1"]),
    ({"host.etcd.replicas": 2}, ["host.etcd.replicas: 2 should be 1 or 3"]),
    ({"host.etcd.storage": "5GB"}, ['host.etcd.storage: "5GB" ', "Mi|Gi|Ti"]),
    ({"host.apiServer.serviceType": "NodePort"}, ["host.apiServer.advertiseAddress: is missing", "a node's address"]),
    *(
        (
            {"host.apiServer.advertiseAddress": address},
            [f'host.apiServer.advertiseAddress: "{address}" is not an IP address, or a DNS name whose last'],
        )
        for address in ("10.0.0.256", "10.0.0", "https://api.example.com")
    ),
    ({"members.0.apiEndpoint": "gondor:6443"}, ['members[0].apiEndpoint: "gondor:6443" ', "https://"]),
    ({"members.0.apiEndpoint": "localhost:6443"}, ['members[0].apiEndpoint: "localhost:6443" ', "https://"]),
    (
        {"members.0.apiEndpoint": "https://localhost:6443"},
        ["members[0].apiEndpoint: 'https://localhost:6443' is on loopback", "allowed: the URL by which pods"],
    ),
    *(
        ({"members.1.access": access}, [f"members[1].access.{part}", *parts])
        for access, part, *parts in (
            ({"profile": "root"}, "profile: \"root\" should be 'full', 'namespaced' or 'custom'"),
            ({"namespaces": ["shire"]}, "namespaces: belongs to profile namespaced, but the profile is full"),
            ({"profile": "custom", "rules": [RULE], "kinds": ["Job"]}, "kinds: belongs to profile namespaced, but the"),
            ({"profile": "full", "rules": [RULE]}, "rules: belongs to profile custom, but the profile is full"),
            ({"profile": "namespaced"}, "namespaces: is missing; profile namespaced requires those"),
            ({"profile": "custom"}, "rules: is missing; profile custom requires all that the federation may do"),
            (
                {"profile": "namespaced", "namespaces": ["shire", "bree", "shire"]},
                'namespaces: ["shire", "bree", "shire"] is not a list of namespaces, each of them once',
            ),
            ({"profile": "namespaced", "namespaces": ["kube-system"]}, 'namespaces[0]: "kube-system" is not a DNS lab'),
            (
                {"profile": "namespaced", "namespaces": ["shire"], "kinds": ["Deployment", "Service"]},
                "kinds: lacks StatefulSet, DaemonSet, Job, CronJob, ConfigMap, Secret, Ingress, which reach the member",
                "add them, or take them out of propagation.kinds, or the member out of propagation.clusters",
            ),
            ({"profile": "custom", "rules": [{"verbs": ["get"]}]}, "rules[0]: is for nothing; allowed: apiGroups"),
            ({"profile": "custom", "rules": [RULE, RULE | {"nonResourceURLs": ["/"]}]}, "rules[1]: is for nothing"),
            ({"profile": "custom", "rules": [RULE | {"verbs": []}]}, "rules[0].verbs: [] Tuple should have at least 1"),
        )
    ),
    ({"certificates.renewBeforeDays": 366}, ["certificates.renewBeforeDays: 366 should be less than or equal to 365"]),
    ({"certificates.authorities": []}, ["certificates.authorities: [] is not a list of one or more generations"]),
    (
        {"certificates.authorities": [1, 1]},
        ["certificates.authorities: [1, 1] is not a list of one", "each of them once"],
    ),
    ({"certificates.authorities": [0]}, ["certificates.authorities[0]: 0 should be greater than or equal to 1"]),
    ({"members.0.tokenGeneration": 0}, ["members[0].tokenGeneration: 0 should be greater than or equal to 1"]),
    *(
        ({"members.0.clusterDns": wrong}, [f"members[0].clusterDns: {text} is not auto, none, or {{configMap: NAME}}"])
        for wrong, text in NO_CLUSTER_DNS
    ),
    *(
        ({f"images.{key}": value}, [f'images.{key}: "{value}" is not {what}'])
        for key, value, what in (
            ("kubernetesTag", f"v1.34.4@{SHA}", "the tag of an image, such as v1.34.4; its digest belongs in images.d"),
            ("karmadaTag", SHA, "the tag of an image, such as v1.34.4; its digest belongs in images.digests"),
            ("etcdTag", "", "the tag of an image"),
            ("kubernetesRegistry", "https://mirror.example/", "a registry, with a folder or without"),
            ("karmadaRegistry", "mirror.example/karmada/", "a registry, with a folder or without"),
            ("coredns", "mirror.example/coredns@sha256:abc", "the reference of an image: registry.example/path:tag, "),
            ("externalDns", f"mirror.example/external-dns:{SHA}", "the reference of an image"),
            ("controllers", "Controllers:1", "the reference of an image"),
            ("digests.etcd", SHA[:-1], "the digest of an image: sha256: and 64 of 0-9 and a-f"),
        )
    ),
    (
        {"images.digests": {"kube-apiservr": SHA}},
        ["images.digests: \"kube-apiservr\" should be 'etcd', 'kube-apiserver', ", "or 'karmada-webhook'"],
    ),
    ({"images.digests": [SHA]}, ["images.digests: [", "is not a map"]),
    ({"protect": "perhaps"}, ['protect: "perhaps" should be a valid boolean']),
]


@pytest.mark.parametrize(("changes", "parts"), REFUSALS, ids=[" ".join(changes) for changes, _ in REFUSALS])
def test_a_refusal_is_one_problem_that_names_key_value_and_what_is_allowed(
    folder: Path, changes: Mapping[str, Any], parts: list[str]
) -> None:
    stack = {"federation:kubeconfig": "kubeconfig", **STACK}
    (problem,) = problems(folder, changed(stack, {f"federation:{path}": value for path, value in changes.items()}))
    assert problem.startswith(f"federation:{parts[0]}")
    assert [part for part in parts if part not in problem] == []


def test_a_way_that_the_control_plane_cannot_go_is_told_with_all_else(folder: Path) -> None:
    file = yaml.safe_load((folder / "kubeconfig").read_text())
    for each in file["clusters"]:
        each["cluster"] |= {"proxy-url": "http://127.0.0.1:3128"}
    (folder / "tunnelled").write_text(yaml.safe_dump(file))
    wrong = {
        "federation:kubeconfig": "tunnelled",
        "federation:name": "_",
        "federation:members.0.context": "mordor",
    }
    assert [problem.split(": ")[0] for problem in problems(folder, changed(STACK, wrong))] == [
        "federation:name",
        "federation:members[0].context",
        "federation:members[1].context",
    ]


def test_a_member_on_loopback_is_told_with_all_else(folder: Path) -> None:
    file = yaml.safe_load((folder / "kubeconfig").read_text())
    for each in file["clusters"]:
        each["cluster"]["server"] = "https://127.0.0.1:6443"
    (folder / "kind").write_text(yaml.safe_dump(file))
    wrong = {"federation:kubeconfig": "kind", "federation:name": "_", "federation:members.1.apiEndpoint": "https://b"}
    assert [problem.split(": ")[0] for problem in problems(folder, changed(STACK, wrong))] == [
        "federation:name",
        "federation:members[0].apiEndpoint",
    ]


def test_what_is_wrong_with_labels_is_told_with_all_else(folder: Path) -> None:
    labels = {"team": "A & B", "bad key!": "x", "example.com/tier": "", "9.z_-Z": "A.1"}
    told = problems(folder, changed(STACK, {"federation:members.0.labels": labels, "federation:name": "_"}))
    assert [problem.split(": ")[0] for problem in told] == [
        "federation:name",
        "federation:members[0].labels.team",
        "federation:members[0].labels",
    ]


@pytest.mark.parametrize("propagation", [{"kinds": ["Service"]}, {"kinds": []}, {"clusters": ["gondor"]}])
def test_a_kind_that_the_federation_may_not_write_is_no_problem_where_none_is_sent(
    folder: Path, propagation: dict[str, Any]
) -> None:
    access = {"profile": "namespaced", "namespaces": ["shire"], "kinds": ["Deployment", "Service"]}
    assert load(folder, changed(STACK, {"federation:members.1.access": access, "federation:propagation": propagation}))


@pytest.mark.parametrize("key", ["name", "context"])
def test_a_member_that_stands_twice_is_told_at_both_places(folder: Path, key: str) -> None:
    twice = STACK["federation:members"][0][key]
    assert problems(folder, changed(STACK, {f"federation:members.1.{key}": twice})) == [
        f"federation:members[{i}].{key}: {twice!r} stands more than once; each member has a {key} of its own"
        for i in range(2)
    ]


ALL_WRONG = """
federation:name: The_Fellowship
federation:nmae: fellowship
federation:host:
  context: rivendell
  etcd: {replicas: 2}
federation:dns:
  zone: example
  googleClouddns: {project: my-project}
federation:members:
  - {name: gondor, context: mordor, region: middle-earth}
  - {name: rohan, context: rohan, region: middle-earth}
  - {name: rohan, context: context_1, region: middle-earth}
  - {name: rivendell, context: context_2, region: middle-earth}
  - {name: shire, context: context_3}
  - {name: bree, context: context_4, region: middle-earth, zones: the-east-farthing}
"""
ALL_PATHS = [
    "federation:name",
    "federation:nmae",
    "federation:host.etcd.replicas",
    "federation:dns.zone",
    "federation:dns.googleClouddns",
    "federation:members[1].name",
    "federation:members[2].name",
    "federation:members[3].name",
    "federation:members[4].region",
    "federation:members[5].zones",
]


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("kubeconfig", "federation:members[0].context"),
        ("none", "federation:kubeconfig"),
        ("not-yaml", "federation:kubeconfig"),
    ],
)
def test_all_that_is_wrong_is_told_at_once(folder: Path, named: str, path: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(folder, {**yaml.safe_load(ALL_WRONG), "federation:kubeconfig": named})
    assert sorted(problem.split(": ")[0] for problem in refusal.value.problems) == sorted([*ALL_PATHS, path])
    first, *lines = str(refusal.value).splitlines()
    assert first == "11 problems in the configuration; nothing was changed"
    assert [line.strip() for line in lines] == refusal.value.problems


BREAKS: list[tuple[str, Any]] = [
    ("name", "_"),
    ("name", MISSING),
    ("host", MISSING),
    ("host", []),
    ("host.context", MISSING),
    ("host.context", "no context"),
    ("host.namespace", "UPPER"),
    ("host.etcd.replicas", 4),
    ("host.etcd.storage", "much"),
    ("host.apiServer.replicas", 10),
    ("host.apiServer.unknown", 1),
    ("dns.zone", "one-label"),
    ("dns.zone", MISSING),
    ("dns.ttl", 86401),
    ("dns.unknown", None),
    ("members.0.name", "a.b"),
    ("members.0.name", MISSING),
    ("members.0.context", "no context"),
    ("members.0.region", ""),
    ("members.0.region", MISSING),
    ("members.0.zones", ["a b"]),
    ("members.0.unknown", {}),
    ("members.0.clusterDns", {"configMap": "_"}),
    ("certificates.renewBeforeDays", 0),
    ("certificates.authorities", []),
    ("certificates.unknown", 1),
    ("members.0.tokenGeneration", 0),
    ("images.karmadaTag", 1),
    ("images.coredns", "a b"),
    ("images.digests", {"etcd": "sha256:"}),
    ("crds.sha256", "abc"),
    ("protect", []),
    ("unknown", "x"),
]


SERVICE_ACCOUNT = json.dumps(
    {"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nTWVsbG9u\n"}, indent=2
)


@pytest.mark.parametrize(
    "path", ["dns", "dns.googleClouddns", "dns.googleClouddns.zoneName", "dns.googleClouddns.proxy.url"]
)
@pytest.mark.parametrize("secrets", [(), ("federation:dns",)])
def test_a_key_in_the_wrong_place_of_the_section_for_it_is_not_shown(
    folder: Path, path: str, secrets: tuple[str, ...]
) -> None:
    changes = {"federation:dns.googleClouddns": GOOGLE, f"federation:{path}": SERVICE_ACCOUNT}
    told = told_of(folder, changed(STACK, changes), *secrets)
    assert f"federation:{path}" in told
    assert "TWVsbG9u" not in told


SECRET_PLACES = [
    *(path for path, value in BREAKS if value is not MISSING and "unknown" not in path),
    "kubeconfig",
    "engine",
    "members",
    "members.0.access.profile",
    "members.0.access.namespaces",
    "propagation.clusters",
    "propagation.kinds",
]


@pytest.mark.parametrize("path", SECRET_PLACES)
@pytest.mark.parametrize("text", ["TWVsbG9u=", "- TWVsbG9u\n'\"\t", SERVICE_ACCOUNT], ids=["token", "lines", "key"])
def test_nothing_of_what_pulumi_keeps_as_a_secret_is_shown(folder: Path, path: str, text: str) -> None:
    value = [text] if path.startswith("propagation.") else text
    told = told_of(folder, changed(STACK, {f"federation:{path}": value}), f"federation:{path.partition('.')[0]}")
    assert "federation:" in told
    assert "TWVsbG9u" not in told


def test_a_secret_that_stands_twice_is_not_shown_either(folder: Path) -> None:
    twice = {f"federation:members.{i}.name": "melon" for i in range(2)}
    told = told_of(folder, changed(STACK, twice), "federation:members")
    assert told.count("federation:members[0].name: what is given stands more than once") == 1
    assert "melon" not in told


def told_of(folder: Path, stack: Mapping[str, Any], *secrets: str) -> str:
    with pytest.raises(ConfigError) as refusal:
        config.load(encoded({"federation:kubeconfig": "kubeconfig", **stack}), folder, {}, secrets)
    return str(refusal.value)


@given(stack=strategies.configurations(least_members=1), broken=st.sampled_from(BREAKS))
def test_one_thing_that_is_wrong_is_one_problem_at_its_path(
    folder: Path, stack: dict[str, Any], broken: tuple[str, Any]
) -> None:
    path, value = broken
    (problem,) = problems(folder, changed(stack, {f"federation:{path}": value}))
    assert problem.startswith(f"federation:{path.replace('members.0', 'members[0]')}")


@given(values=strategies.garbage())
@settings(max_examples=200)
def test_no_input_is_answered_with_anything_but_a_list_of_problems(folder: Path, values: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as refusal:
        config.load(values, folder, {"KUBECONFIG": str(folder / "kubeconfig")})
    assert refusal.value.problems


@pytest.mark.parametrize(
    "text", ["{", "[[", "[" * 100_000, f"[{'9' * 5000}]", "\0", "~", "~nobody-here", "\ud800", "/" + "a" * 5000]
)
@pytest.mark.parametrize("key", ["kubeconfig", "host"])
def test_no_text_is_answered_with_anything_but_a_list_of_problems(folder: Path, key: str, text: str) -> None:
    values = encoded({"federation:kubeconfig": "kubeconfig", **STACK}) | {f"federation:{key}": text}
    with pytest.raises(ConfigError):
        config.load(values, folder, {})
