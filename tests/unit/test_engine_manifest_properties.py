"""Any object of the federation API in, what to apply in a member out: what always holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.engine.manifest import MANAGER, digest, held, is_carried, marked, shape, strip
from federation.settings.keys import API_UID, CARRIED_BY, OBJECT_UID
from kube.kinds import API_VERSIONS

pytestmark = pytest.mark.unit

Json = dict[str, Any]
CASES = int(os.environ.get("FEDERATION_TEST_CASES", "200"))
"""As many as `make quick` has time for; `make test` has more (tests/__main__.py)."""

OURS = ("federation/clusters", "federation/finished", CARRIED_BY, API_UID, OBJECT_UID)
NO_USERS_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "pv.kubernetes.io/bind-completed",
    "volume.kubernetes.io/selected-node",
)
JOB_LABELS = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
ALLOCATED: Json = {
    "clusterIP": "10.0.0.1",
    "clusterIPs": ["10.0.0.1"],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
    "healthCheckNodePort": 30001,
    "volumeName": "pv-1",
}
FOREIGN: Json = {
    "uid": "u1",
    "resourceVersion": "7",
    "generation": 3,
    "creationTimestamp": None,
    "deletionTimestamp": "now",
    "ownerReferences": [{"kind": "X", "controller": False}],
    "finalizers": ["a/b"],
    "generateName": "w",
    "selfLink": "/x",
}


class Draw:
    """An object of a seed: much cheaper than strategies, of which each object takes hundreds."""

    def __init__(self, seed: int, kind: str) -> None:
        self._random = Random(seed)
        self.kind = kind
        self.obj = self._object()

    def one(self, choices: Any) -> Any:
        return self._random.choice(choices)

    def maybe(self, value: Any) -> bool:
        return bool(value) and self._random.random() < 0.5

    def some(self, choices: Json) -> Json:
        return {key: value for key, value in choices.items() if self.maybe(key)}

    def shuffled(self, value: Any) -> Any:
        """The same with all its keys in another order."""
        if isinstance(value, dict):
            items = [(key, self.shuffled(inner)) for key, inner in value.items()]
            self._random.shuffle(items)
            return dict(items)
        return [self.shuffled(each) for each in value] if isinstance(value, list) else value

    def _anything(self, depth: int = 0) -> Any:
        shapes: list[Callable[[], Any]] = [lambda: None, lambda: self.one([True, 0, 7, "x", "", "\u2028<&>"])]
        if depth < 3:
            shapes.append(lambda: [self._anything(depth + 1) for _ in range(self.one([0, 1, 2]))])
            shapes.append(lambda: {key: self._anything(depth + 1) for key in self.some(dict.fromkeys("abc", True))})
        return self.one(shapes)()

    def _texts(self) -> Json:
        return self.some(dict.fromkeys((*OURS, *NO_USERS_ANNOTATIONS, *JOB_LABELS, "app", "x/federation/y"), "t"))

    def _object(self) -> Json:
        metadata = {"name": "web", "namespace": "shire", **self.some(FOREIGN)}
        metadata |= self.some(
            {"labels": self._texts(), "annotations": self._texts(), "managedFields": self._managers()}
        )
        return {
            "metadata": metadata,
            **self.some({"spec": self._spec(), "data": {"a": "1"}, "status": self._anything(), "secrets": [{}]}),
        }

    def _spec(self) -> Json:
        template = {"metadata": {"creationTimestamp": None, "labels": self._texts()}, "spec": {"a": self._anything()}}
        spec = self.some(ALLOCATED | {"ttlSecondsAfterFinished": 5, "template": template, "anything": self._anything()})
        if self.maybe("headless"):
            spec["clusterIP"] = "None"
        if self.maybe("ports"):
            spec["ports"] = [self._port() for _ in range(self.one([0, 1, 3]))]
        return spec | self.some({"selector": {"matchLabels": {"controller-uid": "1"}}, "manualSelector": True})

    def _port(self) -> Json:
        return {"port": self.one([1, 2]), **self.some({"protocol": self.one(["TCP", "UDP"]), "nodePort": 30001})}

    def _managers(self) -> list[Json]:
        port: Json = {'k:{"port":1,"protocol":"TCP"}': {".": {}, "f:nodePort": {}, "f:port": {}}}
        fields: Json = {f"f:{field}": {} for field in (*ALLOCATED, "template")} | {"f:ports": port}
        return [
            {
                "manager": self.one(["kubectl", "pulumi", "kube-controller-manager", "before-first-apply"]),
                "fieldsV1": self.some({"f:spec": self.some(fields)}),
                **self.some({"subresource": self.one(["", "status", "scale"])}),
            }
            for _ in range(self.one([1, 2]))
        ]

    def of_users(self) -> Json:
        """The fields of spec that users' managers hold."""
        managers = self.obj["metadata"].get("managedFields", [])
        users = [each for each in managers if each["manager"] in ("kubectl", "pulumi") and not each.get("subresource")]
        return {key: inner for each in users for key, inner in each["fieldsV1"].get("f:spec", {}).items()}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def what_was_stripped_is_left_as_it_is(drawn: Draw) -> None:
    before = json.dumps(drawn.obj)
    fields = held(drawn.obj)
    body = strip(drawn.kind, drawn.obj, fields)
    assert json.dumps(drawn.obj) == before
    assert strip(drawn.kind, body, fields) == body
    once = marked(body, "fellowship", "api", "object")
    assert marked(once, "fellowship", "api", "object") == once
    assert strip(drawn.kind, once, fields) == body


def the_order_in_which_an_api_tells_is_no_change(drawn: Draw) -> None:
    other = drawn.shuffled(drawn.obj)
    other["metadata"].get("managedFields", []).reverse()
    assert is_carried(drawn.kind, other, "fellowship") == is_carried(drawn.kind, drawn.obj, "fellowship")
    bodies = [strip(drawn.kind, each, held(each)) for each in (drawn.obj, other)]
    assert digest(bodies[0]) == digest(bodies[1])


def nothing_that_is_allocated_or_foreign_is_applied(drawn: Draw) -> None:
    body = strip(drawn.kind, drawn.obj, held(drawn.obj))
    assert "status" not in body
    assert body == without_nulls(body)
    assert body["metadata"].keys() <= {"name", "namespace", "labels", "annotations"}
    texts = {*body["metadata"].get("labels", {}), *body["metadata"].get("annotations", {})}
    assert not texts & {*OURS, *NO_USERS_ANNOTATIONS}
    spec, users = body.get("spec", {}), drawn.of_users()
    if drawn.kind in ("Service", "PersistentVolumeClaim"):
        own = {"volumeName"} if drawn.kind == "PersistentVolumeClaim" else ALLOCATED.keys() - {"volumeName"}
        assert all(f"f:{each}" in users or spec[each] == "None" for each in own & spec.keys())
    if drawn.kind == "Service":
        chosen = [port for port in spec.get("ports", []) if "nodePort" in port]
        assert not chosen or "f:ports" in users
        assert all((port["port"], port.get("protocol", "TCP")) == (1, "TCP") for port in chosen)
    if drawn.kind == "ServiceAccount":
        assert "secrets" not in body
    if drawn.kind == "Job":
        assert "ttlSecondsAfterFinished" not in spec
        assert not {*JOB_LABELS} & body["metadata"].get("labels", {}).keys()
        if not spec.get("manualSelector"):
            assert "selector" not in spec
            assert not {*JOB_LABELS} & spec.get("template", {}).get("metadata", {}).get("labels", {}).keys()


def what_a_user_wrote_is_applied(drawn: Draw) -> None:
    body = strip(drawn.kind, drawn.obj, held(drawn.obj))
    assert (body["kind"], body["apiVersion"]) == (drawn.kind, API_VERSIONS[drawn.kind])
    if drawn.kind == "Namespace":
        return
    given_spec, spec = without_nulls(drawn.obj.get("spec", {})), body.get("spec", {})
    free = given_spec.keys() - ALLOCATED.keys() - {"ports", "selector", "template", "ttlSecondsAfterFinished"}
    assert {key: spec[key] for key in free} == {key: given_spec[key] for key in free}
    assert body.get("data") == drawn.obj.get("data")
    for key, inner in drawn.of_users().items():
        name = key.removeprefix("f:")
        if inner == {} and name in given_spec and name != "template":
            assert spec[name] == given_spec[name]
    for kept in ("labels", "annotations"):
        wrote = drawn.obj["metadata"].get(kept, {}).keys() & {"app", "x/federation/y"}
        assert wrote <= body["metadata"].get(kept, {}).keys()


def status_and_foreign_fields_do_not_change_the_shape(drawn: Draw) -> None:
    obj, metadata = drawn.obj, drawn.obj["metadata"]
    same = {**obj, "status": {"phase": "x"}, "metadata": {**metadata, "resourceVersion": "9", "generation": 8}}
    assert shape(obj) == shape(same)
    ours = {"manager": MANAGER, "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}, "time": "now"}

    def held_by(entry: Json, **content: Any) -> str:
        return shape(
            {**obj, **content, "metadata": {**metadata, "managedFields": [*metadata.get("managedFields", []), entry]}}
        )

    assert held_by(ours) == held_by({**ours, "time": "later"}, spec={"foreign": 1})
    assert held_by(ours) != held_by({**ours, "fieldsV1": {"f:data": {}}})
    assert held_by(ours) != held_by({**ours, "operation": "Update"})


@settings(max_examples=CASES // len(API_VERSIONS) + 1)
@given(st.integers(0, 2**24 - 1))
def test_of_an_object_of_any_kind_that_is_applied_which_a_user_wrote(seed: int) -> None:
    """All properties in one test, as most of the time goes into drawing."""
    for kind in API_VERSIONS:
        drawn = Draw(seed, kind)
        what_was_stripped_is_left_as_it_is(drawn)
        the_order_in_which_an_api_tells_is_no_change(drawn)
        nothing_that_is_allocated_or_foreign_is_applied(drawn)
        what_a_user_wrote_is_applied(drawn)
        status_and_foreign_fields_do_not_change_the_shape(drawn)
