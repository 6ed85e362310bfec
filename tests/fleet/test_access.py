"""What the federation may do in its members: with full access, with access to a namespace alone, by rules given."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from lab.federation import UNATTENDED
from lab.fleet.waiting import wait_until
from tests.figures import Figures
from tests.fleet.conftest import HOST, MEMBERS, Clusters, Federation

OF_ANYBODY = ("authorization.k8s.io", "authentication.k8s.io")
"""Groups in which every user may ask who he is and what he may."""
RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "delete", "patch", "update"]},
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
]
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: rangers, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {app: rangers}}
  template:
    metadata: {labels: {app: rangers}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: rangers, image: "busybox:1.36", command: [sh, -c, "sleep 9999"]}]
"""


@dataclass(frozen=True)
class Credential:
    """A token, and the API server of the member that it is for."""

    server: str
    token: str

    @classmethod
    def of(cls, federation: Federation, member: str, secret: str) -> Credential:
        """What this Secret of the federation API holds."""
        found = federation.clusters.get("fellowship", "secret", secret, "-n", "federation-fellowship")
        server = federation.clusters.server(MEMBERS[member])
        return cls(server, base64.b64decode(found["data"]["token"]).decode())

    def call(self, server: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """The answer of any server to this token."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{server}{path}", json.dumps(body).encode() if body else None, headers)
        try:
            with urllib.request.urlopen(request, context=trusting_anybody(), timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as refusal:
            return refusal.code, {}

    def rules(self) -> list[dict[str, Any]]:
        """What it may do in namespace default and the whole cluster, beside what anybody may."""
        rules: list[dict[str, Any]] = self._review("selfsubjectrulesreviews", namespace="default")["resourceRules"]
        return [rule for rule in rules if not set(rule["apiGroups"]) <= set(OF_ANYBODY)]

    def verbs(self) -> set[str]:
        return {verb for rule in self.rules() for verb in rule["verbs"]}

    def may(self, verb: str, resource: str, namespace: str = "") -> bool:
        """Whether it may; the resource with its group, such as deployments.apps."""
        name, _, group = resource.partition(".")
        asked = {"verb": verb, "resource": name, "group": group, "namespace": namespace}
        return bool(self._review("selfsubjectaccessreviews", resourceAttributes=asked)["allowed"])

    def _review(self, kind: str, **spec: Any) -> dict[str, Any]:
        code, review = self.call(self.server, f"/apis/authorization.k8s.io/v1/{kind}", {"spec": spec})
        assert code == 201
        status: dict[str, Any] = review["status"]
        return status


def trusting_anybody() -> ssl.SSLContext:
    """For questions about whom the server trusts."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


def _accounts(member: str) -> tuple[str, ...]:
    """The Secrets of the federation API with the credentials of a member."""
    return member, f"{member}-dns"


# The members' credentials


@pytest.mark.parametrize("member", MEMBERS)
def test_no_credential_of_a_member_holds_a_wildcard_or_gives_itself_more(federation: Federation, member: str) -> None:
    for account in _accounts(member):
        credential = Credential.of(federation, member, account)
        assert not credential.verbs() & {"*", "escalate", "bind"}, account
        for resource in ("clusterroles", "roles"):
            for verb in ("escalate", "bind"):
                assert not credential.may(verb, f"{resource}.rbac.authorization.k8s.io"), (account, verb)
    assert Credential.of(federation, member, member).may("create", "deployments.apps")


@pytest.mark.needs("karmada")
@pytest.mark.parametrize("member", MEMBERS)
def test_the_impersonator_only_impersonates(federation: Federation, member: str) -> None:
    assert Credential.of(federation, member, f"{member}-impersonator").verbs() == {"impersonate"}


@pytest.mark.parametrize("member", MEMBERS)
def test_the_dns_controller_only_sees_services_and_endpoints(federation: Federation, member: str) -> None:
    rules = Credential.of(federation, member, f"{member}-dns").rules()
    assert [(rule["apiGroups"], rule["resources"], sorted(rule["verbs"])) for rule in rules] == [
        ([""], ["services"], ["list", "watch"]),
        (["discovery.k8s.io"], ["endpointslices"], ["list", "watch"]),
    ]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_credential_opens_the_member_that_it_is_of_and_nothing_else(
    federation: Federation, clusters: Clusters, member: str
) -> None:
    servers = {
        **{name: clusters.server(context) for name, context in {**MEMBERS, HOST: HOST}.items()},
        "fellowship": federation.clusters.server("fellowship"),
    }
    for account in _accounts(member):
        credential = Credential.of(federation, member, account)
        answers = {name: credential.call(server, "/api")[0] for name, server in servers.items()}
        assert answers == {**dict.fromkeys(servers, 401), member: 200}, account


@pytest.mark.needs("karmada")
def test_full_access_propagates_a_role_whose_rights_it_holds_and_the_proxy_works(federation: Federation) -> None:
    objects = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shire-reader}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list, watch, patch]}
- {nonResourceURLs: [/metrics], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ring-bearer}
rules:
- {apiGroups: [""], resources: [pods], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: white-council}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {of: council}}]}
rules: []
---
apiVersion: policy.karmada.io/v1alpha1
kind: ClusterPropagationPolicy
metadata: {name: roles}
spec:
  resourceSelectors:
  - {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, name: white-council}
  - {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, name: shire-reader}
  - {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, name: ring-bearer}
  placement: {clusterAffinity: {clusterNames: [gondor]}}
"""
    gondor = MEMBERS["gondor"]
    federation.apply(objects)
    wait_until("the role in gondor", lambda: federation.clusters.exists(gondor, "clusterrole", "shire-reader"), 60)
    _wait_work_refused(federation, "gondor", ("ClusterRole", "ring-bearer"), "attempting to grant RBAC permissions")
    _wait_work_refused(federation, "gondor", ("ClusterRole", "white-council"), "must have cluster-admin privileges")
    federation.clusters.kubectl(
        "fellowship", "delete", "clusterrole", *("shire-reader", "ring-bearer", "white-council")
    )
    federation.clusters.kubectl("fellowship", "delete", "clusterpropagationpolicy", "roles")
    wait_until("the role to go", lambda: not federation.clusters.exists(gondor, "clusterrole", "shire-reader"), 60)
    for member in MEMBERS:
        assert _proxied(federation, member)


@pytest.fixture(scope="module")
def namespaced(federation: Federation, figures: Figures) -> Iterator[str]:
    """Rohan with access to namespace default alone, and what Pulumi said; then as it was."""
    before = federation.stack.settings.read_text()
    _set_access(federation, {"profile": "namespaced", "namespaces": ["default"]})
    try:
        code, preview, _ = federation.pulumi("preview")
        assert code == 0, preview[-8000:]
        code, log, seconds = federation.pulumi("up", *UNATTENDED)
        assert code == 0, log[-8000:]
        figures.add("pulumi up, a member's access narrowed", seconds)
        yield preview
    finally:
        federation.stack.settings.write_text(before)
        code, log, seconds = federation.pulumi("up", *UNATTENDED)
        figures.add("pulumi up, a member's access widened", seconds)
    assert code == 0, log[-8000:]


def test_the_rules_are_shown_in_the_preview(namespaced: str) -> None:
    assert '"in default: get, list, watch, create, patch, delete on services, configmaps' in namespaced
    assert '"everywhere: list on nodes"' in namespaced


def test_a_namespaced_member_grants_just_that(namespaced: str, federation: Federation) -> None:
    rohan = Credential.of(federation, "rohan", "rohan")
    assert rohan.verbs() == {"get", "list", "watch", "create", "patch", "delete"}
    assert rohan.may("create", "deployments.apps", "default")
    assert not rohan.may("create", "deployments.apps", "kube-system")
    assert not rohan.may("create", "pods", "default")
    assert not rohan.may("create", "namespaces")
    assert not rohan.may("update", "clusterroles.rbac.authorization.k8s.io")
    assert not rohan.may("patch", "nodes")
    assert not rohan.may("impersonate", "users")
    assert not rohan.may("get", "persistentvolumes")
    assert rohan.may("list", "secrets", "default")
    assert not rohan.may("list", "secrets", "kube-system")
    assert not rohan.may("list", "secrets")
    assert not federation.clusters.exists("fellowship", "secret", "rohan-impersonator", "-n", "federation-fellowship")


def test_a_namespaced_member_runs_what_is_in_its_namespace_and_refuses_the_rest(
    namespaced: str, federation: Federation
) -> None:
    both, rohan = federation.clusters, MEMBERS["rohan"]
    both.kubectl("fellowship", "create", "namespace", "moria")
    for place in ("moria", "default"):
        federation.apply(WEB.replace("NAMESPACE", place))
    _wait_running(federation, rohan, "default")
    _wait_running(federation, MEMBERS["gondor"], "default")
    _wait_running(federation, MEMBERS["gondor"], "moria")
    _wait_refused(federation, "rohan", ("Deployment", "rangers", "moria"), 'in the namespace "moria"')
    assert not both.exists(rohan, "namespace", "moria")
    # Nothing else breaks: what comes after is seen, changed and taken back, and the member is Ready.
    both.kubectl("fellowship", "scale", "deployment", "rangers", "--replicas=2")
    _wait_running(federation, rohan, "default", 2)
    both.kubectl("fellowship", "delete", "deployment", "rangers")
    both.kubectl("fellowship", "delete", "namespace", "moria")
    wait_until("it to go from rohan", lambda: not both.exists(rohan, "deployment", "rangers"), 60)
    conditions = both.get("fellowship", "cluster", "rohan")["status"]["conditions"]
    assert ("Ready", "True") in {(each["type"], each["status"]) for each in conditions}


@pytest.fixture(scope="module")
def custom(namespaced: str, federation: Federation, figures: Figures) -> None:
    """Rohan with rules of one's own: everything may be read, and ConfigMaps written."""
    _set_access(federation, {"profile": "custom", "rules": RULES})
    code, log, seconds = federation.pulumi("up", *UNATTENDED)
    assert code == 0, log[-8000:]
    figures.add("pulumi up, a member's access by rules of one's own", seconds)


def test_a_member_with_rules_of_ones_own_grants_just_these(custom: None, federation: Federation) -> None:
    rohan = Credential.of(federation, "rohan", "rohan")
    granted = [{key: sorted(rule[key]) for key in RULES[0]} for rule in rohan.rules()]
    assert sorted(granted, key=str) == sorted(RULES, key=str)
    assert not rohan.may("create", "deployments.apps", "default")
    there = ("configmap", "palantir")
    federation.clusters.kubectl("fellowship", "create", *there)
    wait_until("it in rohan", lambda: federation.clusters.exists(MEMBERS["rohan"], *there), 60)
    federation.clusters.kubectl("fellowship", "delete", *there)
    wait_until("it to go from rohan", lambda: not federation.clusters.exists(MEMBERS["rohan"], *there), 60)


def _set_access(federation: Federation, access: Mapping[str, Any]) -> None:
    """Of rohan."""
    settings = yaml.safe_load(federation.stack.settings.read_text())
    rohan = next(each for each in settings["config"]["federation:members"] if each["name"] == "rohan")
    rohan["access"] = access
    federation.stack.settings.write_text(yaml.safe_dump(settings))


# What became of an object in a member


def _proxied(federation: Federation, member: str) -> bool:
    """Whether the member is reached through the federation API, by its admin."""
    path = f"/apis/cluster.karmada.io/v1alpha1/clusters/{member}/proxy/api/v1/namespaces/default"
    return '"kind":"Namespace"' in federation.clusters.kubectl("fellowship", "get", "--raw", path, check=False)


def _wait_refused(federation: Federation, member: str, what: tuple[str, str, str], why: str) -> None:
    """An Event on the object in the federation API has the member's words."""
    kind, name, namespace = what

    def refused() -> bool:
        events = federation.clusters.get("fellowship", "events", "-n", namespace or "default")["items"]
        about = [
            each for each in events if (each["involvedObject"]["kind"], each["involvedObject"]["name"]) == (kind, name)
        ]
        return any(member in each["message"] and why in each["message"] for each in about)

    wait_until(f"an Event on {what} that says of {member}: {why}", refused, 60)


def _wait_work_refused(federation: Federation, member: str, what: tuple[str, str], why: str) -> None:
    """Karmada's Work that carries the object has the member's words."""

    def refused() -> bool:
        for work in federation.clusters.get("fellowship", "works.work.karmada.io", "-n", f"karmada-es-{member}")[
            "items"
        ]:
            (manifest,) = work["spec"]["workload"]["manifests"]
            said = [each for each in work.get("status", {}).get("conditions", []) if each["type"] == "Applied"]
            if (manifest["kind"], manifest["metadata"]["name"]) == what:
                return any(each["status"] == "False" and why in each["message"] for each in said)
        return False

    wait_until(f"the Work of {what} in {member} to say: {why}", refused, 60)


def _wait_running(federation: Federation, context: str, namespace: str, replicas: int = 1) -> None:
    def running() -> bool:
        found = federation.clusters.get(context, "deployments", "-n", namespace)["items"]
        return any(
            each["metadata"]["name"] == "rangers" and each["status"].get("readyReplicas") == replicas for each in found
        )

    wait_until(f"{replicas} pods of rangers in {namespace} of {context}", running, 90)
