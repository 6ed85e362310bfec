"""Where the engine gives way: to who scales, to Jobs that have finished, to fields that cannot change, to a quarrel."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.engine import fights, finished, recreation, scaling
from controllers.engine.fights import Fights
from controllers.engine.informer import Seen
from controllers.engine.refs import Ref
from controllers.engine.traces import traces
from controllers.runtime.api import Api
from kube.errors import ApiError
from tests.kube_api import ApiServer

pytestmark = pytest.mark.unit

Json = dict[str, Any]
WEB = Ref("Deployment", "shire", "web")
AUTOSCALERS = "/apis/autoscaling/v2/horizontalpodautoscalers"


def deployment(replicas: int, *managers: Json) -> Json:
    metadata = {"name": "web", "managedFields": list(managers)}
    return {"metadata": metadata, "spec": {"replicas": replicas, "paused": True}}


def manager(field: str, subresource: str = "") -> Json:
    return {"manager": "m", "subresource": subresource, "fieldsV1": {"f:spec": {field: {}}}}


def test_replicas_that_were_last_scaled_are_given_up() -> None:
    scaled = traces("Deployment", deployment(4, manager("f:replicas", "scale")))
    assert (scaled.is_scaled, scaled.by_autoscaler) == (True, False)
    assert scaling.without_replicas(deployment(2))["spec"] == {"paused": True}
    assert not scaling.would_scale(WEB, scaling.without_replicas(deployment(2)), scaled)
    by_autoscaler = manager("f:replicas", "scale") | {"manager": "kube-controller-manager"}
    assert traces("Deployment", deployment(4, by_autoscaler)).by_autoscaler
    assert not traces("Deployment", deployment(4, by_autoscaler, manager("f:replicas", "scale"))).by_autoscaler
    for other in (manager("f:replicas"), manager("f:replicas", "status"), manager("f:paused", "scale")):
        there = traces("Deployment", deployment(4, other))
        assert not there.is_scaled
        assert scaling.would_scale(WEB, deployment(2), there)
        assert scaling.as_there(deployment(2), there)["spec"] == {"replicas": 4, "paused": True}


def test_what_an_autoscaler_aims_at_is_asked_in_its_namespace() -> None:
    server = ApiServer()
    aim = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}

    def put(aimed: Json) -> None:
        metadata = {"name": f"to-{aimed['name']}", "namespace": "shire"}
        server.put(AUTOSCALERS, {"metadata": metadata, "spec": {"scaleTargetRef": aimed}})

    with Api.of_token(server.url, "", "good") as api:
        assert scaling.autoscaled(api, "shire") == frozenset()
        put(aim | {"name": "other"})
        put(aim)
        assert scaling.autoscaled(api, "shire") == frozenset([WEB, WEB._replace(name="other")])
        assert scaling.autoscaled(api, "bree") == frozenset()
        server.forbidden.add("/apis/autoscaling/v2/namespaces/shire/horizontalpodautoscalers")
        assert scaling.autoscaled(api, "shire") is None
        server.tokens = set()
        with pytest.raises(ApiError):
            scaling.autoscaled(api, "shire")
    server.stop()


@pytest.mark.parametrize(
    ("condition", "status", "expected"),
    [("Complete", "True", True), ("Failed", "True", True), ("Complete", "False", False), ("Suspended", "True", False)],
)
def test_a_job_is_finished_by_its_conditions(condition: str, status: str, expected: bool) -> None:
    obj = {**deployment(1), "status": {"conditions": [{"type": condition, "status": status}]}}
    assert traces("Job", obj).is_finished == expected
    assert traces("Job", obj) == traces("Job", deployment(1))
    assert not traces("Deployment", obj).is_finished
    assert not traces("Job", {"metadata": {}}).is_finished


ENDED = st.dictionaries(st.sampled_from(["gondor", "rohan", "mordor"]), st.sampled_from(["Complete", "Failed"]))


@given(ENDED, st.text())
def test_where_a_job_finished_is_read_for_that_job_alone(clusters: dict[str, str], text: str) -> None:
    assert finished.read(finished.write(clusters, "u1"), "u1") == clusters
    assert finished.read(finished.write(clusters, "u1"), "u2") == {}
    assert finished.read(text, "u1") == {}


def refusal(*messages: str, status: int = 422) -> ApiError:
    error = ApiError(status=status)
    error.body = json.dumps({"message": "invalid", "details": {"causes": [{"message": each} for each in messages]}})
    return error


WORDS = (
    "Invalid value: {...}: field is immutable",
    "Forbidden: field is immutable when `immutable` is set",
    'Invalid value: ["10.0.0.1"]: may not change once set',
    "Invalid value: 7: may not be changed",
)


@pytest.mark.parametrize("words", WORDS)
def test_an_immutable_field_is_known_by_the_members_words(words: str) -> None:
    assert recreation.is_immutable(refusal(words))
    assert recreation.is_immutable(refusal(words, WORDS[0]))
    # It would be refused anew, and then nothing were there.
    assert not recreation.is_immutable(refusal(words, "Required value"))
    assert not recreation.is_immutable(refusal(words, status=403))
    assert not recreation.is_immutable(refusal())


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("ConfigMap", "/api/v1/configmaps", True),
        ("Namespace", "/api/v1/namespaces", False),
        ("PersistentVolumeClaim", "/api/v1/persistentvolumeclaims", False),
        ("StatefulSet", "/apis/apps/v1/statefulsets", False),
    ],
)
def test_what_holds_something_is_never_made_anew_and_all_else_once(kind: str, path: str, expected: bool) -> None:
    server = ApiServer()
    ref = Ref(kind, "" if kind == "Namespace" else "shire", "web")
    metadata = {"name": "web", **({"namespace": "shire"} if ref.namespace else {})}

    def made() -> Seen:
        found = server.put(path, {"metadata": metadata})["metadata"]
        return Seen(found["uid"], "u1", True, "", False, traces(kind, {"metadata": {}}), found["resourceVersion"], None)

    recreations = recreation.Recreations()
    with Api.of_token(server.url, "", "good") as api:
        with pytest.raises(ApiError) if expected else nullcontext():
            recreations.begin(api, ref, "1", replace(made(), version="1"), refusal(WORDS[0]))
        assert recreations.begin(api, ref, "1", made(), refusal(WORDS[0])) == expected
        assert (server.get(path, ref.namespace, "web") is None) == expected
        assert not recreations.begin(api, ref, "1", made(), refusal(WORDS[0]))
        assert not recreations.begin(api, ref, "2", made(), refusal("Required value"))
        assert recreations.begin(api, ref, "2", made(), refusal(WORDS[0])) == expected
    server.stop()


def test_a_quarrel_is_put_back_once_a_minute_until_it_is_over() -> None:
    known = Fights()
    for now in range(fights.ROUNDS):
        assert known.pause(WEB, now) is None
        known.put_back(WEB, now)
    assert known.pause(WEB, 5) == fights.SECONDS - 1
    assert known.pause(WEB, 6) == fights.SECONDS - 2  # It waits already.
    assert known.pause(WEB._replace(name="other"), 6) is None
    assert known.pause(WEB, 64) is None
    known.put_back(WEB, 64)
    assert known.pause(WEB, 65) == fights.SECONDS - 1
    assert known.pause(WEB, 124) is None
    known.put_back(WEB, 124)
    for now in range(200, 200 + fights.ROUNDS):  # Nobody changed it for a minute.
        assert known.pause(WEB, now) is None
        known.put_back(WEB, now)
    assert known.pause(WEB, 205) is not None
    known.forget(WEB)
    assert known.pause(WEB, 206) is None
