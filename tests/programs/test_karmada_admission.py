"""What the federation API does with an object before Karmada sees it: the program's policies, on a real API server."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from itertools import count

import pytest

from lab.fleet.waiting import wait_until
from tests.component.program import run
from tests.component.recording import Record, opened
from tests.programs.api_lab import Api, Json, api_server

pytestmark = pytest.mark.programs

CLAIMED_BY = "resourcetemplate.karmada.io/claimed-by"
"""What Karmada's detector, v1.18, asks of an object before it looks for policies (pkg/util/constants.go there)."""
FLAGS = ("--feature-gates=", "--runtime-config=", "--disable-admission-plugins=")
SECRETS = "/api/v1/namespaces/default/secrets"
POLICY = "tied-secrets-stay"
POLICIES = "/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolic"
TOKEN, RELEASE = "kubernetes.io/service-account-token", "helm.sh/release.v1"
TIED: Mapping[str, Json] = {
    TOKEN: {"metadata": {"annotations": {"kubernetes.io/service-account.name": "frodo"}}},
    "bootstrap.kubernetes.io/token": {},
    RELEASE: {"metadata": {"labels": {"owner": "helm"}}},
}
"""Secrets that are for this API alone, by their type."""
ORDINARY: Mapping[str, Json] = {
    "Opaque": {},
    "kubernetes.io/tls": {"data": {"tls.crt": "", "tls.key": ""}},
    "kubernetes.io/basic-auth": {"stringData": {"username": "frodo"}},
    "kubernetes.io/dockerconfigjson": {"data": {".dockerconfigjson": base64.b64encode(b"{}").decode()}},
    "example.com/release.v1": {"metadata": {"labels": {"owner": "frodo"}}},
}
numbers = count()


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return run(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def api(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """With the flags that the program gives it and the policies that it makes there, which are at work."""
    (container,) = record.one("Deployment", "federation-apiserver").inputs["spec"]["template"]["spec"]["containers"]
    flags = [flag for flag in container["command"] if flag.startswith(FLAGS)]
    assert len(flags) == len(FLAGS)
    with api_server(tmp_path_factory.mktemp("api"), *flags) as api:
        for kind, ending in (("MutatingAdmissionPolicy", "ies"), ("MutatingAdmissionPolicyBinding", "ybindings")):
            for each in record.of(kind):
                manifest = {key: opened(each.inputs)[key] for key in ("apiVersion", "kind", "metadata", "spec")}
                api.create(f"{POLICIES}{ending}", manifest)
        wait_until("the policies to be at work", lambda: CLAIMED_BY in labels(secret(api, RELEASE)), 60)
        yield api


def secret(api: Api, kind: str) -> Json:
    """A new Secret of this type, as the API has it."""
    made = {"apiVersion": "v1", "kind": "Secret", "type": kind, **{**TIED, **ORDINARY}[kind]}
    return api.create(SECRETS, {**made, "metadata": {**made.get("metadata", {}), "name": f"ring-{next(numbers)}"}})


def labels(made: Json) -> Mapping[str, str]:
    found: Mapping[str, str] = made["metadata"].get("labels", {})
    return found


@pytest.mark.parametrize("kind", TIED)
def test_a_secret_that_is_for_this_api_alone_is_nobodys_to_carry_and_stays_so(api: Api, kind: str) -> None:
    made = secret(api, kind)
    given = TIED[kind].get("metadata", {})
    assert labels(made) == {**given.get("labels", {}), CLAIMED_BY: "federation"}
    assert made["metadata"].get("annotations", {}) == given.get("annotations", {})
    path = f"{SECRETS}/{made['metadata']['name']}"
    assert labels(api.patch(path, {"metadata": {"labels": {CLAIMED_BY: None}}}))[CLAIMED_BY] == "federation"


@pytest.mark.parametrize("kind", ORDINARY)
def test_an_ordinary_secret_is_left_as_it_is(api: Api, kind: str) -> None:
    made = secret(api, kind)
    assert labels(made) == ORDINARY[kind].get("metadata", {}).get("labels", {})
    path = f"{SECRETS}/{made['metadata']['name']}"
    assert labels(api.patch(path, {"metadata": {"labels": {"bearer": "frodo"}}})).get(CLAIMED_BY) is None


def test_one_that_was_there_before_is_opted_out_with_its_next_change(api: Api) -> None:
    path = f"{POLICIES}ybindings"
    binding = api.ask("GET", f"{path}/{POLICY}").json()
    assert api.ask("DELETE", f"{path}/{POLICY}").ok
    wait_until("the policy to be gone", lambda: CLAIMED_BY not in labels(secret(api, RELEASE)), 60)
    before = secret(api, RELEASE)["metadata"]["name"]
    api.create(path, {**binding, "metadata": {"name": POLICY}})
    wait_until("the policy to be at work", lambda: CLAIMED_BY in labels(secret(api, RELEASE)), 60)
    assert CLAIMED_BY in labels(api.patch(f"{SECRETS}/{before}", {"data": {"release": "MQ=="}}))
