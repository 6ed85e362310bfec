"""Object of the federation API in, what to apply in a member out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.engine.manifest import held, is_carried, marked, strip
from controllers.engine.refs import Ref
from federation.settings.keys import API_UID, CARRIED_BY, OBJECT_UID
from kube.kinds import API_VERSIONS, NAMESPACE

pytestmark = pytest.mark.unit

Json = dict[str, Any]
KINDS = st.sampled_from(["Service", "Service", "Job", "PersistentVolumeClaim", *sorted(API_VERSIONS)])
TEXTS = st.text("abc/.-", min_size=1, max_size=6)


def test_of_what_the_api_allocates_only_that_is_carried_which_the_user_gave() -> None:
    """As a real API server tells: the user chose the port of `web`, the API all the rest."""
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 80, "protocol": "UDP", "nodePort": 31999}]
    spec = {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"], "type": "NodePort"}
    key = 'k:{"port":80,"protocol":"TCP"}'
    user: Json = {"f:spec": {"f:type": {}, "f:ports": {".": {}, key: {".": {}, "f:nodePort": {}, "f:port": {}}}}}
    status: Json = {"f:spec": {"f:clusterIP": {}}}
    managers = [{"fieldsV1": user}, {"fieldsV1": status, "subresource": "status"}]
    obj = {**named("web", managedFields=managers), "spec": {**spec, "ports": ports}}
    assert strip("Service", obj, held(obj))["spec"] == {
        "type": "NodePort",
        "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 80, "protocol": "UDP"}],
    }
    headless = {**obj, "spec": {"clusterIP": "None", "clusterIPs": ["None"]}}
    assert strip("Service", headless, held(headless))["spec"] == {"clusterIP": "None"}


def test_marks_are_added_to_what_is_there() -> None:
    body = strip("ConfigMap", named("a", labels={"app": "x"}), {})
    metadata = marked(body, "fellowship", "api", "object")["metadata"]
    assert metadata["labels"] == {"app": "x", CARRIED_BY: "fellowship"}
    assert metadata["annotations"] == {API_UID: "api", OBJECT_UID: "object"}
    assert body["metadata"]["labels"] == {"app": "x"}


def named(name: str, namespace: str = "shire", **metadata: Any) -> Json:
    return {"metadata": {"name": name, "namespace": namespace, "uid": "u", "resourceVersion": "1", **metadata}}


@pytest.mark.parametrize(
    ("kind", "obj"),
    [
        ("ConfigMap", named("a", labels={"federation/propagate": "false"})),
        ("ConfigMap", named("a", "kube-system")),
        ("ConfigMap", named("a", "karmada-cluster")),
        ("ConfigMap", named("a", "federation-system")),
        ("ConfigMap", named("a", "federation-fellowship")),
        ("Namespace", {"metadata": {"name": "kube-public"}}),
        ("Namespace", {"metadata": {"name": "default"}}),
        ("ConfigMap", named("kube-root-ca.crt")),
        ("ServiceAccount", named("default")),
        ("Service", named("kubernetes", "default")),
        ("Secret", {**named("a"), "type": "kubernetes.io/service-account-token"}),
        ("Secret", {**named("a"), "type": "bootstrap.kubernetes.io/token"}),
        ("Secret", {**named("a"), "type": "helm.sh/release.v1"}),
        ("Secret", named("a", labels={"owner": "helm"})),
        ("Job", named("a", ownerReferences=[{"kind": "CronJob", "controller": True}])),
    ],
)
def test_what_is_nobodys_to_carry_stays(kind: str, obj: Json) -> None:
    assert not is_carried(kind, obj, "fellowship")


def test_what_looks_alike_is_carried() -> None:
    assert is_carried("Service", named("kubernetes"), "fellowship")
    assert is_carried("ConfigMap", named("a", "federation-other"), "fellowship")
    assert is_carried("Secret", {**named("a"), "type": "Opaque"}, "fellowship")


@given(KINDS, TEXTS.filter(lambda text: "/" not in text))
def test_a_reference_is_read_as_it_was_written(kind: str, name: str) -> None:
    ref = Ref(kind, "" if kind == NAMESPACE else "shire", name)
    assert Ref.of_text(str(ref)) == ref
