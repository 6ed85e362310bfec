"""What comes back: the test plays the controllers of the members, and kubectl asks the federation API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from controllers.runtime.api import Api
from kube.watching import watch
from tests.figures import Figures
from tests.fleet.engine_lab import API, MEMBERS, NAMESPACE, Lab, running, seconds_until

POD = {"containers": [{"name": "web", "image": "web"}]}
LABELS = {"app": "web"}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("engine")) as found:
        found.join_both()
        found.kubectl(API, "create", "namespace", NAMESPACE)
        # A federation API has no controllers of workloads, and those of the members are played.
        for cluster in (API, *MEMBERS):
            found.fleet("stop", cluster, "--only", "kube-controller-manager")
        yield found


def workload(kind: str, name: str, **spec: Any) -> Json:
    metadata = {"name": name, "namespace": NAMESPACE}
    template = {"metadata": {"labels": LABELS}, "spec": POD}
    spec = {"selector": {"matchLabels": LABELS}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def deployment(name: str, image: str = "web") -> Json:
    found = workload("Deployment", name, replicas=2)
    found["spec"]["template"] = {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }
    return found


def arrives(lab: Lab, kind: str, name: str, generation: int = 1) -> None:
    """In both members."""

    def has(member: str) -> bool:
        found = lab.get(member, kind, name, "-n", NAMESPACE)
        return found is not None and found["metadata"].get("generation", 1) >= generation

    seconds_until(f"{kind} {name} in both", lambda: all(map(has, MEMBERS)))


def play(lab: Lab, member: str, kind: str, name: str, status: Json) -> None:
    """As the member's own controller does; the generation that it has observed is the one that is there."""
    found = lab.get(member, kind, name, "-n", NAMESPACE)
    assert found is not None
    if kind in ("deployment", "statefulset", "daemonset"):
        status = {"observedGeneration": found["metadata"]["generation"]} | status
    patch = json.dumps({"status": status})
    lab.kubectl(member, "patch", kind, name, "-n", NAMESPACE, "--subresource=status", "--type=merge", "-p", patch)


def done(updated: int, available: int = 0, total: int = 0) -> Json:
    """A Deployment's status with so many replicas."""
    status = "True" if available == updated else "False"
    conditions = [
        {"type": "Available", "status": status, "reason": "MinimumReplicas", "message": "it has what it needs"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "it is there"},
    ]
    counts = {"replicas": total or updated, "updatedReplicas": updated, "readyReplicas": available}
    return {**counts, "availableReplicas": available, "conditions": conditions}


def ends(lab: Lab, *command: str, seconds: int = 3) -> bool:
    """Whether kubectl finds in time that it is done."""
    try:
        lab.kubectl(API, *command, "-n", NAMESPACE, f"--timeout={seconds}s")
    except AssertionError as error:
        if "timed out" not in str(error):
            raise
        return False
    return True


def rows(lab: Lab, kind: str, name: str) -> dict[str, list[str]]:
    """By cluster what `kubectl get` shows of the object: applied, healthy, message."""
    lines = lab.kubectl(API, "get", "propagations", "-n", NAMESPACE, "--no-headers").splitlines()
    cells = [line.split(maxsplit=5) for line in lines if line.startswith(f"{name}.{kind.lower()}.")]
    return {found[2]: found[3:] for found in cells}


def status(lab: Lab, kind: str, name: str) -> Json:
    found = lab.get(API, kind, name, "-n", NAMESPACE)
    assert found is not None
    result: Json = found["status"]
    return result


def test_a_rollout_ends_when_both_clusters_are_done_and_not_before(lab: Lab, figures: Figures) -> None:
    lab.apply(API, deployment("web"))
    arrives(lab, "deployment", "web")
    rollout, available = (
        ("rollout", "status", "deployment/web"),
        ("wait", "--for=condition=Available", "deployment/web"),
    )
    play(lab, "gondor", "deployment", "web", done(2, 2))
    seconds_until(
        "gondor in the report", lambda: rows(lab, "deployment", "web").get("gondor", [""])[:2] == ["True", "True"]
    )
    assert not ends(lab, *rollout)
    assert not ends(lab, *available)
    play(lab, "rohan", "deployment", "web", done(2, 1))
    assert not ends(lab, *rollout)
    assert not ends(lab, *available)
    assert rows(lab, "deployment", "web")["rohan"] == ["True", "False", "1 of 2 replicas are available"]
    play(lab, "rohan", "deployment", "web", done(2, 2))
    began = time.monotonic()
    assert ends(lab, *rollout, seconds=30)
    figures.add("engine: last cluster done to the end of kubectl rollout status", time.monotonic() - began)
    assert ends(lab, *available, seconds=30)
    assert {key: status(lab, "deployment", "web")[key] for key in ("replicas", "availableReplicas")} == {
        "replicas": 4,
        "availableReplicas": 4,
    }


def test_a_new_rollout_waits_for_both_again(lab: Lab) -> None:
    lab.apply(API, deployment("web", "web:2"))
    assert not ends(lab, "rollout", "status", "deployment/web", seconds=1)
    arrives(lab, "deployment", "web", 2)
    play(lab, "rohan", "deployment", "web", done(2, 2))
    assert not ends(lab, "rollout", "status", "deployment/web")
    assert not ends(lab, "wait", "--for=condition=Available", "deployment/web")
    play(lab, "gondor", "deployment", "web", done(1, 1, total=3))
    assert not ends(lab, "rollout", "status", "deployment/web")
    play(lab, "gondor", "deployment", "web", done(2, 2))
    assert ends(lab, "rollout", "status", "deployment/web", seconds=30)


def test_a_rollout_that_a_cluster_gave_up_is_told_as_one(lab: Lab) -> None:
    lab.apply(API, deployment("late"))
    arrives(lab, "deployment", "late")
    play(lab, "gondor", "deployment", "late", done(2, 2))
    conditions = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}]
    play(lab, "rohan", "deployment", "late", {"replicas": 1, "updatedReplicas": 1, "conditions": conditions})
    with pytest.raises(AssertionError, match="exceeded its progress deadline"):
        lab.kubectl(API, "rollout", "status", "deployment/late", "-n", NAMESPACE, "--timeout=30s")


def test_stateful_and_daemon_sets_end_with_the_last_cluster(lab: Lab) -> None:
    lab.apply(API, workload("StatefulSet", "db", replicas=2, serviceName="db"), workload("DaemonSet", "log"))
    arrives(lab, "statefulset", "db")
    arrives(lab, "daemonset", "log")
    good = {
        "statefulset": {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
        "daemonset": {
            "desiredNumberScheduled": 3,
            "currentNumberScheduled": 3,
            "updatedNumberScheduled": 3,
            "numberReady": 3,
            "numberAvailable": 3,
            "numberMisscheduled": 0,
        },
    }
    names = {"statefulset": "db", "daemonset": "log"}
    for kind, name in names.items():
        play(lab, "gondor", kind, name, good[kind])
    for kind, name in names.items():
        assert not ends(lab, "rollout", "status", f"{kind}/{name}")
        play(lab, "rohan", kind, name, good[kind])
        assert ends(lab, "rollout", "status", f"{kind}/{name}", seconds=30)
    assert status(lab, "statefulset", "db")["readyReplicas"] == 4
    assert status(lab, "daemonset", "log")["numberReady"] == 6


# Jobs


def job(name: str) -> Json:
    template = {"spec": {"restartPolicy": "Never", **POD}}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}


def play_job(lab: Lab, member: str, name: str, *conditions: str) -> None:
    start = {"startTime": "2026-01-01T00:00:00Z"}
    play(lab, member, "job", name, start | {"active": 1, "ready": 1})
    if not conditions:
        return
    told = [{"type": each, "status": "True", "reason": "Played", "message": "played"} for each in conditions]
    end = {"succeeded": 1, "completionTime": "2026-01-01T00:01:00Z"} if "Complete" in conditions else {"failed": 1}
    play(lab, member, "job", name, {"active": 0, "ready": 0, **end, "conditions": told})


def test_a_job_is_complete_when_it_is_so_in_both(lab: Lab) -> None:
    lab.apply(API, job("once"))
    arrives(lab, "job", "once")
    complete = ("wait", "--for=condition=Complete", "job/once")
    play_job(lab, "gondor", "once", "SuccessCriteriaMet", "Complete")
    play_job(lab, "rohan", "once")
    assert not ends(lab, *complete)
    assert {"active": 1, "succeeded": 1}.items() <= status(lab, "job", "once").items()
    play_job(lab, "rohan", "once", "SuccessCriteriaMet", "Complete")
    assert ends(lab, *complete, seconds=30)
    assert status(lab, "job", "once")["succeeded"] == 2
    assert "active" not in status(lab, "job", "once")


def test_a_job_is_failed_when_it_is_so_in_one_and_runs_in_none(lab: Lab) -> None:
    lab.apply(API, job("never"))
    arrives(lab, "job", "never")
    failed = ("wait", "--for=condition=Failed", "job/never")
    play_job(lab, "rohan", "never", "FailureTarget", "Failed")
    play_job(lab, "gondor", "never")
    assert not ends(lab, *failed)
    play_job(lab, "gondor", "never", "SuccessCriteriaMet", "Complete")
    assert ends(lab, *failed, seconds=30)
    assert rows(lab, "job", "never")["rohan"] == ["True", "False", "played"]


def test_a_job_that_is_gone_where_it_was_complete_counts_after_a_restart(lab: Lab) -> None:
    lab.apply(API, job("gone"))
    arrives(lab, "job", "gone")
    play_job(lab, "gondor", "gone", "SuccessCriteriaMet", "Complete")
    seconds_until("the note", lambda: "gondor=Complete" in str(lab.get(API, "job", "gone", "-n", NAMESPACE)))
    lab.kubectl("gondor", "delete", "job", "gone", "-n", NAMESPACE)
    lab.stop()
    lab.start()
    play_job(lab, "rohan", "gone", "SuccessCriteriaMet", "Complete")
    # After a restart, what a cluster does not name counts as absent after half a minute only.
    assert ends(lab, "wait", "--for=condition=Complete", "job/gone", seconds=60)
    assert lab.get("gondor", "job", "gone", "-n", NAMESPACE) is None


# Services


def test_a_service_has_the_addresses_of_both(lab: Lab) -> None:
    lab.kubectl(API, "create", "service", "loadbalancer", "front", "--tcp=80", "-n", NAMESPACE)
    arrives(lab, "service", "front")
    for number, member in enumerate(MEMBERS, start=1):
        play(lab, member, "service", "front", {"loadBalancer": {"ingress": [{"ip": f"192.0.2.{number}"}]}})

    def addresses() -> list[str]:
        balancer = status(lab, "service", "front").get("loadBalancer", {})
        return [each["ip"] for each in balancer.get("ingress", [])]

    seconds_until("both addresses", lambda: addresses() == ["192.0.2.1", "192.0.2.2"])


# Reports


def test_what_a_member_refuses_is_in_the_report_with_its_words(lab: Lab) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": NAMESPACE}}
    lab.apply("rohan", quota | {"spec": {"hard": {"count/configmaps": "0"}}})
    # The quota counts once its own controller has looked, which no API server runs.
    lab.kubectl(
        "rohan",
        *("patch", "resourcequota", "few", "-n", NAMESPACE, "--subresource=status", "--type=merge", "-p"),
        json.dumps({"status": {"hard": {"count/configmaps": "0"}, "used": {"count/configmaps": "0"}}}),
    )
    lab.kubectl(API, "create", "configmap", "ring", "-n", NAMESPACE)
    seconds_until(
        "rohan in the report", lambda: "exceeded quota: few" in str(rows(lab, "configmap", "ring").get("rohan"))
    )
    assert rows(lab, "configmap", "ring").keys() == {"rohan"}
    assert rows(lab, "configmap", "ring")["rohan"][:2] == ["False", "Unknown"]
    lab.kubectl("rohan", "delete", "resourcequota", "few", "-n", NAMESPACE)
    seconds_until("the report to go", lambda: not rows(lab, "configmap", "ring"), 90)
    assert lab.get("rohan", "configmap", "ring", "-n", NAMESPACE) is not None


def test_a_report_is_owned_by_its_object_and_is_made_again(lab: Lab) -> None:
    found = lab.get(API, "propagation", "web.deployment.gondor", "-n", NAMESPACE)
    deployment = lab.get(API, "deployment", "web", "-n", NAMESPACE)
    assert found is not None
    assert deployment is not None
    assert [each["uid"] for each in found["metadata"]["ownerReferences"]] == [deployment["metadata"]["uid"]]
    lab.kubectl(API, "delete", "propagation", "web.deployment.gondor", "-n", NAMESPACE)
    seconds_until("it again", lambda: lab.get(API, "propagation", "web.deployment.gondor", "-n", NAMESPACE))
    lab.kubectl(API, "annotate", "deployment", "web", "-n", NAMESPACE, "federation/clusters=rohan")
    seconds_until("it gone", lambda: set(rows(lab, "deployment", "web")) == {"rohan"})
    lab.kubectl(API, "annotate", "deployment", "web", "-n", NAMESPACE, "federation/clusters-")
    seconds_until("it back", lambda: set(rows(lab, "deployment", "web")) == set(MEMBERS))


def test_no_report_is_carried(lab: Lab) -> None:
    for member in MEMBERS:
        assert "propagations" not in lab.kubectl(member, "api-resources")


# Writes


def line(lab: Lab, context: str) -> Api:
    """Faster than kubectl."""
    file = lab.folder / f"{context}.kubeconfig"
    file.write_text(lab.kubectl(context, "config", "view", "--raw", "--minify"))
    return Api.of_kubeconfig(file)


def test_a_busy_rollout_is_written_once_a_second_and_is_not_carried_again(lab: Lab) -> None:
    lab.apply(API, deployment("busy"))
    arrives(lab, "deployment", "busy")
    for member in MEMBERS:
        play(lab, member, "deployment", "busy", done(2, 2))
    assert ends(lab, "rollout", "status", "deployment/busy", seconds=30)
    deployments, reports = (
        f"/apis/{group}/namespaces/{NAMESPACE}/{kind}"
        for group, kind in (("apps/v1", "deployments"), ("engine.federation/v1alpha1", "propagations"))
    )
    applied, changes = lab.metric("federation_applied_total"), 0
    with line(lab, "gondor") as gondor, line(lab, API) as api:
        before = {path: api.get(path)["metadata"]["resourceVersion"] for path in (deployments, reports)}
        began = time.monotonic()
        while time.monotonic() - began < 4:
            changes += 1
            gondor.patch(
                f"{deployments}/busy/status", {"status": {"readyReplicas": 2, "availableReplicas": changes % 2}}
            )
        gondor.patch(f"{deployments}/busy/status", {"status": {"availableReplicas": 2}})
        seconds_until("it settled", lambda: status(lab, "deployment", "busy").get("availableReplicas") == 4)
        seconds = time.monotonic() - began
        # Long enough to see whether it goes on by itself.
        told = {
            path: list(watch(api._client, path, version, seconds=(5, 15), watch_seconds=4, query={}))
            for path, version in before.items()
        }
    counts = {path: sum(event.type == "MODIFIED" for event in events) for path, events in told.items()}
    assert changes > 3 * seconds
    assert all(0 < count <= seconds + 2 for count in counts.values()), (counts, seconds)
    assert lab.metric("federation_applied_total") == applied


def test_a_dead_member_is_named_and_ends_no_rollout(lab: Lab) -> None:
    lab.fleet("stop", "rohan", "--only", "kube-apiserver")
    seconds_until("not Ready", lambda: lab.ready("rohan").get("status") == "False", 60)

    def available() -> Json:
        conditions = status(lab, "deployment", "busy")["conditions"]
        return next(each for each in conditions if each["type"] == "Available")

    seconds_until("it not Available", lambda: available()["status"] == "False")
    assert "rohan is not Ready" in available()["message"]
    assert rows(lab, "deployment", "busy")["rohan"][:2] == ["Unknown", "Unknown"]
    assert not ends(lab, "rollout", "status", "deployment/busy")
    balancer = status(lab, "service", "front")["loadBalancer"]
    assert [each["ip"] for each in balancer["ingress"]] == ["192.0.2.1", "192.0.2.2"]
    lab.fleet("start", "rohan")
    lab.fleet("stop", "rohan", "--only", "kube-controller-manager")
    seconds_until("Ready", lambda: lab.is_ready("rohan"), 60)
    play(lab, "rohan", "deployment", "busy", done(2, 2))
    assert ends(lab, "rollout", "status", "deployment/busy", seconds=30)
