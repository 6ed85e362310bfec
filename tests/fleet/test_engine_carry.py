"""What the built-in engine carries, and how, on real API servers: every kind, what they allocate, who else writes."""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, get_args

import pytest
import requests

from federation.settings.schema import Kind
from lab.fleet.waiting import wait_until
from tests.figures import Figures
from tests.fleet.engine_lab import API, MEMBERS, NAMESPACE, Lab, running, seconds_until

Json = dict[str, Any]
KINDS: Sequence[Kind] = get_args(Kind)
LABELS = {"app": "web"}
PODS: Json = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "web"}]}}
ONCE = {"metadata": {}, "spec": {**PODS["spec"], "restartPolicy": "Never"}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
WORKLOAD = {"selector": {"matchLabels": LABELS}, "template": PODS}
CONTENT: dict[str, Json] = {
    "Service": {"spec": {"type": "NodePort", "selector": LABELS, "ports": [{"port": 80}]}},
    "ConfigMap": {"data": {"value": "1"}},
    "Secret": {"stringData": {"value": "1"}},
    "ServiceAccount": {},
    "PersistentVolumeClaim": {"spec": CLAIM},
    "Deployment": {"spec": WORKLOAD},
    "StatefulSet": {"spec": {**WORKLOAD, "serviceName": "web"}},
    "DaemonSet": {"spec": WORKLOAD},
    "Job": {"spec": {"template": ONCE, "suspend": True}},
    "CronJob": {"spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": ONCE}}}},
    "Ingress": {"spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}},
}
VERSIONS = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet"), "apps/v1"),
    **dict.fromkeys(("Job", "CronJob"), "batch/v1"),
    "Ingress": "networking.k8s.io/v1",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("carry"), kinds=KINDS) as found:
        found.join_both()
        found.kubectl(API, "create", "namespace", NAMESPACE)
        yield found


def make(kind: str, name: str, labels: Json | None = None, **annotations: str) -> Json:
    told = {f"federation/{key.replace('_', '-')}": text for key, text in annotations.items()}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels or {}, "annotations": told}
    return {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, **CONTENT[kind]}


def get(lab: Lab, where: str, kind: str, name: str) -> Json | None:
    return lab.get(where, kind, name, "-n", NAMESPACE)


def there(lab: Lab, where: str, kind: str, name: str) -> Json:
    found = get(lab, where, kind, name)
    assert found is not None, f"{where} has no {kind} {name}"
    return found


def has(lab: Lab, kind: str, condition: Callable[[Json], bool]) -> bool:
    """Whether gondor has the object, and its metadata is like that."""
    found = get(lab, "gondor", kind, "web")
    return found is not None and condition(found["metadata"])


def is_another(uid: str, metadata: Json) -> bool:
    return bool(metadata["uid"] != uid)


def patch(lab: Lab, where: str, kind: str, name: str, change: Json) -> None:
    lab.kubectl(where, "patch", kind, name, "-n", NAMESPACE, "--type=merge", "-p", json.dumps(change))


def carried(lab: Lab, kind: str, name: str) -> None:
    wait_until(f"{kind} {name} in both", lambda: all(get(lab, each, kind, name) for each in MEMBERS), 30)


def is_caught_up(lab: Lab) -> None:
    """What was written before has been looked at: the members are told in the order of writing, kind by kind."""
    name = f"after-{time.monotonic_ns()}"
    lab.apply(API, *(make(kind, name) for kind in ("ConfigMap", "Secret", "Job")))
    for kind in ("ConfigMap", "Secret", "Job"):
        carried(lab, kind, name)


def events(lab: Lab) -> str:
    return lab.kubectl(API, "get", "events", "-n", NAMESPACE, "-o", "json")


def applies(lab: Lab) -> float:
    """How many the engine has made since it runs."""
    text = requests.get(f"{lab.url}/metrics", timeout=30).text
    return sum(float(found) for found in re.findall(r"(?m)^federation_applied_total\{.*\} (\S+)$", text))


def held(lab: Lab, kind: str, name: str) -> Json:
    """The fields of spec that the federation holds in a member."""
    managers = lab.managers("gondor", kind, name, NAMESPACE)
    (ours,) = [each for each in managers if (each["manager"], each["operation"]) == ("federation", "Apply")]
    fields: Json = ours["fieldsV1"].get("f:spec", {})
    return fields


def test_every_kind_arrives_and_then_nothing_is_written(lab: Lab) -> None:
    lab.apply(API, *(make(kind, "web", LABELS) for kind in KINDS))
    for kind in KINDS:
        carried(lab, kind, "web")
    # One apply for each object and member, and one for their Namespace. What the members' own controllers fill in comes
    # within a moment, and must not be answered.
    expected = len(MEMBERS) * (len(KINDS) + 1)
    wait_until("all applied", lambda: applies(lab) == expected, 30)
    time.sleep(5)
    assert applies(lab) == expected


def test_what_is_changed_or_deleted_in_a_member_comes_back(lab: Lab, figures: Figures) -> None:
    seconds: list[float] = []
    for kind in KINDS:
        uid = there(lab, "gondor", kind, "web")["metadata"]["uid"]
        patch(lab, "gondor", kind, "web", {"metadata": {"labels": {"app": "stolen"}}})
        label = partial(has, lab, kind, lambda metadata: metadata["labels"]["app"] == "web")
        seconds.append(seconds_until(f"the label of the {kind}", label, 30))
        lab.kubectl("gondor", "delete", kind, "web", "-n", NAMESPACE, "--wait=false")
        another = partial(has, lab, kind, partial(is_another, uid))
        seconds.append(seconds_until(f"a new {kind}", another, 30))
    figures.add("engine: one of each kind changed or deleted in a member to put back, slowest", max(seconds))
    # Of one alone, the machine may have had something else to do.
    assert statistics.median(seconds) < 2


def test_a_foreign_field_stays_and_is_not_answered(lab: Lab) -> None:
    is_caught_up(lab)
    before = applies(lab)
    lab.kubectl("gondor", "label", "deployment", "web", "-n", NAMESPACE, "team=horse")
    lab.kubectl("gondor", "annotate", "configmap", "web", "-n", NAMESPACE, "sidecar=injected")
    patch(lab, "gondor", "ConfigMap", "web", {"data": {"theirs": "2"}})
    is_caught_up(lab)
    assert applies(lab) == before + 3 * len(MEMBERS)
    assert there(lab, "gondor", "Deployment", "web")["metadata"]["labels"]["team"] == "horse"
    assert there(lab, "gondor", "ConfigMap", "web")["data"] == {"value": "1", "theirs": "2"}


def test_what_the_api_allocates_stays_there(lab: Lab) -> None:
    ports = [{"name": "chosen", "port": 80, "nodePort": 30999}, {"name": "any", "port": 81}]
    balanced = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": ports}
    lab.apply(API, make("Service", "balanced") | {"spec": balanced})
    lab.apply(API, make("Service", "headless") | {"spec": {"clusterIP": "None", "ports": [{"port": 80}]}})
    for name in ("balanced", "headless"):
        carried(lab, "Service", name)
    ours, theirs = (there(lab, each, "Service", "balanced")["spec"] for each in (API, "gondor"))
    assert ours["healthCheckNodePort"]
    assert theirs["ports"][0]["nodePort"] == 30999
    fields = held(lab, "Service", "balanced")
    assert (
        not {"f:clusterIP", "f:clusterIPs", "f:ipFamilies", "f:ipFamilyPolicy", "f:healthCheckNodePort"} & fields.keys()
    )
    assert [key for key, inner in fields["f:ports"].items() if "f:nodePort" in inner] == [
        'k:{"port":80,"protocol":"TCP"}'
    ]
    assert there(lab, "gondor", "Service", "headless")["spec"]["clusterIP"] == "None"
    assert "f:selector" not in held(lab, "Job", "web")
    ours, theirs = (there(lab, each, "Job", "web") for each in (API, "gondor"))
    assert "batch.kubernetes.io/controller-uid" in ours["spec"]["template"]["metadata"]["labels"]
    assert ours["spec"]["selector"] != theirs["spec"]["selector"]
    assert "uid" not in json.dumps(held(lab, "Job", "web"))
    assert theirs["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] == theirs["metadata"]["uid"]


def test_a_token_of_a_service_account_is_never_made_in_a_member(lab: Lab) -> None:
    annotations = {"kubernetes.io/service-account.name": "web"}
    token = make("Secret", "token") | {"type": "kubernetes.io/service-account-token"}
    token["metadata"]["annotations"] = annotations
    del token["stringData"]
    is_caught_up(lab)
    before = applies(lab)
    lab.apply(API, token)
    wait_until("the token", lambda: "data" in there(lab, API, "Secret", "token"), 30)
    is_caught_up(lab)
    assert applies(lab) == before + 3 * len(MEMBERS)
    assert [get(lab, each, "Secret", "token") for each in MEMBERS] == [None, None]


def test_who_scales_in_a_member_has_its_word_until_replicas_are_written_otherwise(lab: Lab) -> None:
    def replicas() -> list[int]:
        return [there(lab, each, "Deployment", "web")["spec"]["replicas"] for each in MEMBERS]

    lab.kubectl("gondor", "scale", "deployment", "web", "-n", NAMESPACE, "--replicas=4")
    lab.kubectl(API, "scale", "deployment", "web", "-n", NAMESPACE, "--replicas=2")
    wait_until("the federation's word in rohan", lambda: replicas() == [4, 2], 30)
    lab.kubectl(API, "set", "image", "deployment/web", "web=newer", "-n", NAMESPACE)
    wait_until("the image in gondor", lambda: "newer" in str(there(lab, "gondor", "Deployment", "web")["spec"]), 30)
    assert replicas() == [4, 2]
    patch(lab, "gondor", "Deployment", "web", {"spec": {"replicas": 7}})
    wait_until("the federation's word in gondor", lambda: replicas() == [2, 2], 30)
    patch(lab, "gondor", "Deployment", "web", {"spec": {"replicas": 7}})
    wait_until("it put back", lambda: replicas() == [2, 2], 30)
    lab.kubectl("gondor", "autoscale", "deployment", "web", "-n", NAMESPACE, "--min=1", "--max=9", "--cpu-percent=50")
    lab.kubectl(API, "scale", "deployment", "web", "-n", NAMESPACE, "--replicas=5")
    wait_until("the federation's word in rohan", lambda: replicas()[1] == 5, 30)
    lab.kubectl(API, "set", "image", "deployment/web", "web=newest", "-n", NAMESPACE)
    wait_until("the image in gondor", lambda: "newest" in str(there(lab, "gondor", "Deployment", "web")["spec"]), 30)
    assert replicas() == [2, 5]


def test_a_job_that_finished_is_not_made_again_where_it_was_deleted(lab: Lab) -> None:
    job = make("Job", "errand") | {
        "spec": {"template": ONCE, "activeDeadlineSeconds": 1, "ttlSecondsAfterFinished": 9999}
    }

    def finished() -> str:
        return str(there(lab, API, "Job", "errand")["metadata"]["annotations"].get("federation/finished", ""))

    lab.apply(API, job)
    uid = there(lab, API, "Job", "errand")["metadata"]["uid"]
    wait_until("it to end in both", lambda: finished() == f"{uid}: gondor=Failed, rohan=Failed", 60)
    assert "ttlSecondsAfterFinished" not in there(lab, "gondor", "Job", "errand")["spec"]
    lab.kubectl("gondor", "delete", "job", "errand", "-n", NAMESPACE)
    is_caught_up(lab)
    assert get(lab, "gondor", "Job", "errand") is None
    lab.stop()
    lab.start()
    is_caught_up(lab)
    assert get(lab, "gondor", "Job", "errand") is None
    assert get(lab, "rohan", "Job", "errand") is not None
    lab.kubectl(API, "delete", "job", "errand", "-n", NAMESPACE, "--timeout=30s")
    job["metadata"]["annotations"]["federation/finished"] = f"{uid}: gondor=Failed, rohan=Failed"
    lab.apply(API, job)
    carried(lab, "Job", "errand")


def test_what_cannot_be_changed_is_told_of_and_made_anew_where_that_is_asked_for(lab: Lab) -> None:
    lab.apply(API, make("ConfigMap", "rune"))
    carried(lab, "ConfigMap", "rune")
    old = there(lab, "gondor", "ConfigMap", "rune")["metadata"]["uid"]
    patch(lab, "gondor", "ConfigMap", "rune", {"immutable": True, "data": {"value": "stolen"}})
    wait_until("an Event", lambda: "field is immutable when `immutable` is set" in events(lab), 30)
    is_caught_up(lab)
    assert there(lab, "gondor", "ConfigMap", "rune")["metadata"]["uid"] == old
    lab.apply(API, make("ConfigMap", "rune", recreate="true"))
    wait_until(
        "it made anew", lambda: (get(lab, "gondor", "ConfigMap", "rune") or {}).get("data") == {"value": "1"}, 10
    )
    assert "immutable" not in there(lab, "gondor", "ConfigMap", "rune")


def test_what_goes_on_being_changed_is_put_back_less_often_and_told(lab: Lab) -> None:
    lab.apply(API, make("ConfigMap", "fought"))
    carried(lab, "ConfigMap", "fought")

    def value() -> str:
        return str(there(lab, "gondor", "ConfigMap", "fought")["data"]["value"])

    for _ in range(5):
        patch(lab, "gondor", "ConfigMap", "fought", {"data": {"value": "stolen"}})
        wait_until("it put back", lambda: value() == "1", 30)
    patch(lab, "gondor", "ConfigMap", "fought", {"data": {"value": "stolen"}})
    wait_until("an Event", lambda: "goes on changing ConfigMap shire/fought" in events(lab), 30)
    assert value() == "stolen"


@pytest.mark.parametrize(("name", "size"), [("brackets", 924_000), ("mebibyte", 1024 * 1024 - 5)])
def test_a_large_object_arrives(lab: Lab, name: str, size: int, figures: Figures) -> None:
    text = ("<&>" * size)[:size]
    # Not as kubectl writes it: an escaped bracket is six bytes, and a request of 3 MiB is the longest.
    create = ("create", "--raw", f"/api/v1/namespaces/{NAMESPACE}/configmaps", "-f", "-")
    lab.kubectl(API, *create, stdin=json.dumps(make("ConfigMap", name) | {"data": {"value": text}}))
    seconds = seconds_until("it in both", lambda: all(get(lab, each, "ConfigMap", name) for each in MEMBERS))
    figures.add(f"engine: ConfigMap of {size} bytes of < and & to both members", seconds)
    assert [there(lab, each, "ConfigMap", name)["data"]["value"] == text for each in MEMBERS] == [True, True]
    patch(lab, "gondor", "ConfigMap", name, {"data": {"value": "stolen"}})
    wait_until("it put back", lambda: there(lab, "gondor", "ConfigMap", name)["data"]["value"] == text, 30)


def test_what_is_too_large_for_a_member_is_told(lab: Lab) -> None:
    """The marks are annotations, too, and all of them together may have 256 KiB."""
    large = make("ConfigMap", "annotated")
    large["metadata"]["annotations"] = {"a": "x" * (256 * 1024 - 1)}
    lab.kubectl(API, "create", "-f", "-", stdin=json.dumps(large))
    wait_until("an Event", lambda: "gondor refuses ConfigMap shire/annotated" in events(lab), 30)
    assert "Too long" in events(lab)


def test_a_selector_follows_the_labels_and_regions_of_clusters(lab: Lab) -> None:
    def where() -> list[str]:
        return [each for each in MEMBERS if get(lab, each, "ConfigMap", "chosen")]

    lab.apply(API, make("ConfigMap", "chosen", cluster_selector="region=middle-earth,tier!=test"))
    wait_until("an Event", lambda: "matches none of gondor, rohan" in events(lab), 30)
    assert where() == []
    for member in MEMBERS:
        change = json.dumps({"spec": {"region": "middle-earth"}})
        lab.kubectl(API, "patch", "cluster", member, "--type=merge", "-p", change)
    wait_until("it in both", lambda: where() == ["gondor", "rohan"], 30)
    lab.kubectl(API, "label", "cluster", "rohan", "tier=test")
    wait_until("it out of rohan", lambda: where() == ["gondor"], 30)
    lab.apply(API, make("ConfigMap", "chosen", cluster_selector="region in middle-earth"))
    wait_until("an Event", lambda: "is no label selector" in events(lab), 30)
    assert where() == ["gondor"]
    lab.kubectl(API, "label", "cluster", "rohan", "tier-")
