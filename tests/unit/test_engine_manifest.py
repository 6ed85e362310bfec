"""Object of the federation API in, what to apply in a member out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.engine.kinds import API_VERSIONS, NAMESPACE, Ref, collection
from controllers.engine.manifest import (
    API_UID,
    OBJECT_UID,
    held,
    is_carried,
    marked,
    shape,
    strip,
)
from federation.access import RESOURCES
from federation.engine.karmada.propagation import API_VERSIONS as PROPAGATED
from federation.names import CARRIED_BY

pytestmark = pytest.mark.unit

Json = dict[str, Any]
TEXTS = st.text("abc/.-", min_size=1, max_size=6)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=6,
)
KEYS = TEXTS | st.sampled_from(
    ["federation/clusters", CARRIED_BY, API_UID, "kubectl.kubernetes.io/last-applied-configuration", "app"]
)
PORTS = st.fixed_dictionaries(
    {"port": st.integers(1, 3)},
    optional={"protocol": st.sampled_from(["TCP", "UDP"]), "nodePort": st.integers(30000, 30002), "name": TEXTS},
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "clusterIP": st.sampled_from(["None", "10.0.0.1"]),
        "clusterIPs": st.just(["10.0.0.1"]),
        "ipFamilies": st.just(["IPv4"]),
        "ipFamilyPolicy": st.just("SingleStack"),
        "healthCheckNodePort": st.just(30001),
        "volumeName": st.just("pv-1"),
        "ports": st.lists(PORTS, max_size=3),
        "selector": VALUES,
        "ttlSecondsAfterFinished": st.just(5),
        "manualSelector": st.booleans(),
        "template": st.fixed_dictionaries(
            {
                "metadata": st.fixed_dictionaries(
                    {"labels": st.dictionaries(st.sampled_from(["app", "controller-uid"]), TEXTS)}
                )
            }
        ),
        "anything": VALUES,
    },
)
FIELDS: st.SearchStrategy[Json] = st.dictionaries(
    st.sampled_from(["f:clusterIP", "f:ipFamilies", "f:volumeName", "f:selector"]), st.just({}), max_size=3
) | st.just({"f:ports": {'k:{"port":1,"protocol":"TCP"}': {"f:nodePort": {}}}})
METADATA = st.fixed_dictionaries(
    {"name": st.just("web"), "namespace": st.just("shire"), "uid": st.just("u1"), "resourceVersion": st.just("7")},
    optional={
        "labels": st.dictionaries(KEYS, TEXTS, max_size=3),
        "annotations": st.dictionaries(KEYS, TEXTS, max_size=3),
        "ownerReferences": st.just([{"kind": "X"}]),
        "finalizers": st.just(["a/b"]),
        "deletionTimestamp": st.just("now"),
        "generation": st.just(3),
        "managedFields": st.lists(
            st.fixed_dictionaries(
                {"manager": TEXTS, "fieldsV1": st.fixed_dictionaries({"f:spec": FIELDS})},
                optional={"subresource": st.just("status")},
            ),
            max_size=3,
        ),
    },
)
OBJECTS = st.fixed_dictionaries(
    {"metadata": METADATA}, optional={"spec": SPECS, "data": st.dictionaries(TEXTS, TEXTS), "status": VALUES}
)
KINDS = st.sampled_from(["Service", "Service", "Job", "PersistentVolumeClaim", *sorted(API_VERSIONS)])


@given(KINDS, OBJECTS)
def test_what_is_applied_is_what_a_user_wrote_and_nothing_else(kind: str, obj: Json) -> None:
    before = json.dumps(obj)
    fields = held(obj)
    body = strip(kind, obj, fields)
    assert json.dumps(obj) == before
    assert strip(kind, body, fields) == body
    assert "status" not in body
    assert body["metadata"].keys() <= {"name", "namespace", "labels", "annotations"}
    texts = [*body["metadata"].get("labels", {}), *body["metadata"].get("annotations", {})]
    assert not [key for key in texts if key.startswith("federation/") or key.endswith("last-applied-configuration")]
    mine = {
        f
        for entry in obj["metadata"].get("managedFields", [])
        if "subresource" not in entry
        for f in entry["fieldsV1"]["f:spec"]
    }
    spec = body.get("spec", {})
    if kind == "Service":
        allocated = {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"} & spec.keys()
        assert all(f"f:{each}" in mine or spec[each] == "None" for each in allocated)
        for port in spec.get("ports", []):
            assert "nodePort" not in port or (
                "f:ports" in mine and port["port"] == 1 and port.get("protocol", "TCP") == "TCP"
            )
    if kind == "PersistentVolumeClaim":
        assert "volumeName" not in spec or "f:volumeName" in mine
    if kind == "Job":
        assert "ttlSecondsAfterFinished" not in spec
        assert "selector" not in spec or spec.get("manualSelector")


@given(KINDS, OBJECTS)
def test_status_and_versions_do_not_change_the_shape(kind: str, obj: Json) -> None:
    other = {**obj, "status": {"phase": "x"}, "metadata": {**obj["metadata"], "resourceVersion": "9", "generation": 8}}
    assert shape(obj) == shape(other)
    labels = {**obj["metadata"].get("labels", {}), "more": "x"}
    assert shape({**obj, "metadata": {**obj["metadata"], "labels": labels}}) != shape(obj)


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


def test_the_kinds_are_those_of_the_program() -> None:
    assert {kind: version for kind, version in API_VERSIONS.items() if kind != NAMESPACE} == PROPAGATED
    for kind, (group, resource) in RESOURCES.items():
        assert collection(kind).rpartition("/")[2] == resource
        assert (API_VERSIONS[kind].rpartition("/")[0]) == group


@given(KINDS, TEXTS.filter(lambda text: "/" not in text))
def test_a_reference_is_read_as_it_was_written(kind: str, name: str) -> None:
    ref = Ref(kind, "" if kind == NAMESPACE else "shire", name)
    assert Ref.of_text(str(ref)) == ref
