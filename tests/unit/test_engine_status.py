"""The status of a federated object out of those in its clusters: kubectl ends when all are done, not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.engine.member_status import ClusterStatus, Reported
from controllers.engine.refs import Ref
from controllers.engine.reports import is_reported, report
from controllers.engine.status import COUNTS, aggregate, change

pytestmark = pytest.mark.unit

NOW, THEN = "2026-02-02T00:00:00Z", "2026-01-01T00:00:00Z"
Json = dict[str, Any]


def reported(generation: int = 1, observed: int | None = None, desired: int = 2, **status: Any) -> Reported:
    observed = generation if observed is None else observed
    return Reported(generation, {"replicas": desired}, {"observedGeneration": observed, **status})


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def good(replicas: int = 2) -> Reported:
    conditions = [
        condition("Available", "True", "MinimumReplicasAvailable", "has enough"),
        condition("Progressing", "True", "NewReplicaSetAvailable", "is there"),
    ]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
    return reported(desired=replicas, **counts, conditions=conditions)


def own(generation: int = 1, **status: Any) -> Reported:
    return Reported(generation, {"replicas": 2}, status)


def at(cluster: str, what: Reported | None, **more: Any) -> ClusterStatus:
    return ClusterStatus(cluster, what, **{"applied": True, **more})


def find(status: Json, kind: str) -> Json:
    return next((each for each in status.get("conditions", ()) if each["type"] == kind), {})


# What kubectl says (pkg/polymorphichelpers/rollout_status.go), the specification of all this.


def is_rolled_out(kind: str, generation: int, spec: Json, status: Json) -> bool:
    def count(key: str) -> int:
        return int(status.get(key) or 0)

    if count("observedGeneration") < max(generation, 1):
        return False
    wanted, desired = int(spec["replicas"]), count("desiredNumberScheduled")
    updated = count("updatedReplicas")
    match kind:
        case "Deployment":
            return (
                find(status, "Progressing").get("reason") != "ProgressDeadlineExceeded"
                and updated >= wanted
                and count("replicas") <= updated
                and count("availableReplicas") >= updated
            )
        case "StatefulSet":
            partition = int(spec["updateStrategy"]["rollingUpdate"]["partition"])
            return count("readyReplicas") >= wanted and updated >= wanted - partition
    return count("updatedNumberScheduled") >= desired and count("numberAvailable") >= desired


@st.composite
def deployments(draw: st.DrawFn, replicas: int) -> Reported:
    total = draw(st.integers(0, 4))
    ready = draw(st.integers(0, total))
    counts = {
        "replicas": total,
        "updatedReplicas": draw(st.integers(0, total)),
        "readyReplicas": ready,
        "availableReplicas": draw(st.integers(0, ready)),
    }
    reason = draw(st.sampled_from(["NewReplicaSetAvailable", "ReplicaSetUpdated", "ProgressDeadlineExceeded"]))
    progressing = condition("Progressing", "False" if reason.startswith("Pro") else "True", reason, "so")
    available = condition("Available", draw(st.sampled_from(["True", "False"])), "Reason", "message")
    return reported(3, draw(st.integers(2, 3)), replicas, **counts, conditions=[available, progressing])


@st.composite
def stateful_sets(draw: st.DrawFn, replicas: int, partition: int) -> Reported:
    total = draw(st.integers(0, 4))
    keys = ("readyReplicas", "updatedReplicas", "currentReplicas")
    counts = {"replicas": total, **{key: draw(st.integers(0, total)) for key in keys}}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    revisions = {"currentRevision": "web-1", "updateRevision": "web-2"}
    status = {"observedGeneration": draw(st.integers(2, 3)), **counts, **revisions}
    return Reported(3, {"replicas": replicas, "updateStrategy": strategy}, status)


@st.composite
def daemon_sets(draw: st.DrawFn) -> Reported:
    desired = draw(st.integers(0, 3))
    keys = ("updatedNumberScheduled", "numberReady", "numberAvailable", "currentNumberScheduled")
    counts = {"desiredNumberScheduled": desired, **{key: draw(st.integers(0, desired)) for key in keys}}
    return reported(3, draw(st.integers(2, 3)), **counts)


@st.composite
def rollouts(draw: st.DrawFn) -> tuple[str, Json, list[ClusterStatus]]:
    """A kind, the spec that all have, and what 1 to 3 clusters say."""
    kind = draw(st.sampled_from(sorted(COUNTS)))
    replicas, partition = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    spec = {"replicas": replicas, "updateStrategy": {"rollingUpdate": {"partition": partition}}}
    kinds = {
        "Deployment": deployments(replicas),
        "StatefulSet": stateful_sets(replicas, partition),
        "DaemonSet": daemon_sets(),
    }
    names = draw(st.sampled_from([("gondor",), ("gondor", "rohan"), ("gondor", "mordor", "rohan")]))
    return kind, spec, [at(name, draw(kinds[kind])) for name in names]


def verdicts(kind: str, spec: Json, clusters: Sequence[ClusterStatus]) -> list[bool]:
    return [
        cluster.applied
        and not cluster.away
        and cluster.reported is not None
        and is_rolled_out(kind, cluster.reported.generation, spec, cluster.reported.status)
        for cluster in clusters
    ]


@given(rollouts(), st.integers(1, 9))
def test_kubectl_ends_when_it_would_in_every_cluster(
    case: tuple[str, Json, list[ClusterStatus]], generation: int
) -> None:
    kind, spec, clusters = case
    status = aggregate(kind, own(generation), clusters, NOW)
    assert is_rolled_out(kind, generation, spec, status) == all(verdicts(kind, spec, clusters))


@given(rollouts(), st.sampled_from([{"applied": False}, {"away": True}, {"applied": False, "message": "409"}]))
def test_one_cluster_that_is_away_or_behind_keeps_it_from_ending(
    case: tuple[str, Json, list[ClusterStatus]], behind: Json
) -> None:
    kind, spec, clusters = case
    clusters[-1] = at("rohan", None if behind.get("away") else clusters[-1].reported, **behind)
    status = aggregate(kind, own(3, observedGeneration=3), clusters, NOW)
    assert not is_rolled_out(kind, 3, spec, status)
    assert find(status, "Available").get("status") != "True"


@given(rollouts())
def test_of_one_cluster_it_says_what_that_cluster_says(case: tuple[str, Json, list[ClusterStatus]]) -> None:
    kind, _, (cluster, *_) = case
    assert cluster.reported is not None
    status = aggregate(kind, own(3), [cluster], NOW)
    theirs = cluster.reported.status
    if cluster.observed:
        assert {key: status.get(key, 0) for key in COUNTS[kind]} == {key: theirs.get(key, 0) for key in COUNTS[kind]}
        told = [
            {key: value for key, value in each.items() if "Time" not in key} for each in status.get("conditions", ())
        ]
        assert told == theirs.get("conditions", [])
    assert status.get("observedGeneration", 0) <= theirs["observedGeneration"]


@given(rollouts())
def test_what_was_told_once_is_not_told_again(case: tuple[str, Json, list[ClusterStatus]]) -> None:
    kind, _, clusters = case
    first = aggregate(kind, own(3), clusters, THEN)
    assert change(first, aggregate(kind, Reported(3, {}, first), clusters, NOW)) is None
    # An API shows zeros of some fields.
    assert change({**dict.fromkeys(COUNTS[kind], 0), **first}, first) is None


@given(rollouts())
def test_an_api_takes_the_counts(case: tuple[str, Json, list[ClusterStatus]]) -> None:
    kind, _, clusters = case
    status = aggregate(kind, own(3), clusters, NOW)
    if kind != "DaemonSet":
        assert max(status.get(key, 0) for key in COUNTS[kind] if key != "unavailableReplicas") <= status.get(
            "replicas", 0
        )
    assert status.get("observedGeneration", 0) >= 0


# Conditions


def test_available_needs_every_cluster_and_names_who_is_not() -> None:
    bad = reported(conditions=[condition("Available", "False", "MinimumReplicasUnavailable", "has too few")])
    found = find(aggregate("Deployment", own(), [at("gondor", good()), at("rohan", bad)], NOW), "Available")
    assert (found["status"], found["reason"]) == ("False", "MinimumReplicasUnavailable")
    assert found["message"] == "rohan: has too few"
    away = ClusterStatus("rohan", away=True, message="rohan is not Ready: no answer")
    found = find(aggregate("Deployment", own(), [at("gondor", good()), away], NOW), "Available")
    assert (found["status"], found["reason"]) == ("False", "ClusterNotReady")
    assert "rohan is not Ready: no answer" in found["message"]


def test_a_condition_keeps_its_times_until_it_changes() -> None:
    first = aggregate("Deployment", own(), [at("gondor", good())], THEN)
    later = aggregate("Deployment", Reported(1, {}, first), [at("gondor", good()), at("rohan", good())], NOW)
    assert find(first, "Available")["lastTransitionTime"] == THEN
    assert find(later, "Available")["lastTransitionTime"] == THEN
    assert find(later, "Available")["lastUpdateTime"] == NOW


def test_a_failure_to_make_replicas_is_told_of_any_cluster() -> None:
    failing = reported(conditions=[condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")])
    status = aggregate("Deployment", own(), [at("gondor", good()), at("rohan", failing)], NOW)
    assert find(status, "ReplicaFailure")["message"] == "rohan: exceeded quota"
    assert find(aggregate("Deployment", own(), [at("gondor", good())], NOW), "ReplicaFailure") == {}


def test_pods_of_an_older_content_are_no_updated_ones() -> None:
    clusters = [at("gondor", good()), at("rohan", good(), applied=False)]
    status = aggregate("Deployment", own(2, observedGeneration=1), clusters, NOW)
    assert (status["replicas"], status["updatedReplicas"], status["observedGeneration"]) == (4, 2, 1)


# Jobs


def job(*conditions: str, **status: Any) -> Reported:
    told = [condition(each, "True", "Reason", "words") for each in conditions]
    end = {"completionTime": "2026-01-01T00:01:00Z"} if "Complete" in conditions else {}
    return Reported(1, {}, {"startTime": THEN, **end, **status, "conditions": told})


COMPLETE, FAILED, RUNNING = (
    job("SuccessCriteriaMet", "Complete", succeeded=1),
    job("FailureTarget", "Failed", failed=1),
    job(active=1, ready=1),
)


@pytest.mark.parametrize(
    ("two", "expected"),
    [
        ((COMPLETE, COMPLETE), {"SuccessCriteriaMet", "Complete"}),
        ((COMPLETE, RUNNING), set()),
        ((FAILED, RUNNING), set()),
        ((FAILED, COMPLETE), {"FailureTarget", "Failed"}),
        ((FAILED, FAILED), {"FailureTarget", "Failed"}),
    ],
)
def test_a_job_ends_with_all_and_fails_with_any(two: tuple[Reported, Reported], expected: set[str]) -> None:
    status = aggregate("Job", own(), [at("gondor", two[0]), at("rohan", two[1])], NOW)
    assert {each["type"] for each in status.get("conditions", ()) if each["status"] == "True"} == expected
    assert ("completionTime" in status) == ("Complete" in expected)
    assert not (expected and {"active", "ready", "terminating"} & status.keys())


def test_a_job_that_one_cluster_refused_fails_once_the_other_does() -> None:
    refused, unknown = (
        at("rohan", None, applied=False, message="403 no"),
        ClusterStatus("rohan", away=True, message="away"),
    )
    assert find(aggregate("Job", own(), [at("gondor", FAILED), refused], NOW), "Failed")
    assert not find(aggregate("Job", own(), [at("gondor", FAILED), unknown], NOW), "Failed")
    assert not find(aggregate("Job", own(), [at("gondor", COMPLETE), refused], NOW), "Complete")


def test_what_an_api_holds_fast_of_a_job_stays() -> None:
    before = own(succeeded=5, failed=3, startTime="2025-01-01T00:00:00Z")
    status = aggregate("Job", before, [at("gondor", RUNNING)], NOW)
    assert (status["succeeded"], status["failed"], status["startTime"]) == (5, 3, "2025-01-01T00:00:00Z")
    finished = aggregate("Job", before, [at("gondor", COMPLETE)], NOW)
    assert aggregate("Job", Reported(1, {}, finished), [at("gondor", RUNNING)], NOW) == finished


def test_a_suspended_job_says_so_until_one_cluster_goes_on() -> None:
    stopped = job("Suspended")
    first = aggregate("Job", own(), [at("gondor", stopped), at("rohan", stopped)], THEN)
    assert find(first, "Suspended")["status"] == "True"
    second = aggregate("Job", Reported(1, {}, first), [at("gondor", RUNNING), at("rohan", stopped)], NOW)
    assert find(second, "Suspended")["status"] == "False"


# Services


def service(*addresses: str, kind: str = "LoadBalancer") -> Reported:
    ingress = [{"ip": each} for each in addresses]
    return Reported(0, {"type": kind}, {"loadBalancer": {"ingress": ingress} if ingress else {}})


def test_a_service_has_the_addresses_of_all_once() -> None:
    clusters = [at("gondor", service("192.0.2.1", "192.0.2.9")), at("rohan", service("192.0.2.2", "192.0.2.9"))]
    status = aggregate("Service", own(0), clusters, NOW)
    assert [each["ip"] for each in status["loadBalancer"]["ingress"]] == ["192.0.2.1", "192.0.2.9", "192.0.2.2"]
    assert aggregate("Service", own(0), [at("gondor", service())], NOW) == {}


def test_addresses_stay_while_a_cluster_is_out_of_sight_and_go_once_it_is_heard() -> None:
    old = own(0, **service("192.0.2.1", "192.0.2.2").status)
    here, away = at("gondor", service("192.0.2.3")), ClusterStatus("rohan", away=True, message="away")
    kept = aggregate("Service", old, [here, away], NOW)["loadBalancer"]["ingress"]
    assert [each["ip"] for each in kept] == ["192.0.2.3", "192.0.2.1", "192.0.2.2"]
    heard = aggregate("Service", old, [here, at("rohan", service())], NOW)["loadBalancer"]["ingress"]
    assert [each["ip"] for each in heard] == ["192.0.2.3"]


def test_what_is_no_longer_said_is_taken_out() -> None:
    assert change({"readyReplicas": 2, "replicas": 2}, {"replicas": 2}) == {"readyReplicas": None, "replicas": 2}


# Reports


@pytest.mark.parametrize(
    ("kind", "cluster", "expected"),
    [
        ("Deployment", at("gondor", good()), ("True", "True", "")),
        ("Deployment", at("gondor", reported(2, 1)), ("True", "Unknown", "it is not observed yet")),
        ("Deployment", at("gondor", reported(updatedReplicas=1)), ("True", "False", "1 of 2 replicas are updated")),
        ("Deployment", at("gondor", None, applied=False, message="409 no"), ("False", "Unknown", "409 no")),
        ("Deployment", at("gondor", None, applied=False), ("False", "Unknown", "it is not applied yet")),
        ("Deployment", ClusterStatus("gondor", away=True, message="dead"), ("Unknown", "Unknown", "dead")),
        ("StatefulSet", at("gondor", reported(readyReplicas=1)), ("True", "False", "1 of 2 replicas are ready")),
        ("DaemonSet", at("gondor", reported(desiredNumberScheduled=1)), ("True", "False", "0 of 1 pods are updated")),
        ("Job", at("gondor", RUNNING), ("True", "True", "")),
        ("Job", at("gondor", FAILED), ("True", "False", "words")),
        ("Service", at("gondor", service()), ("True", "False", "its load balancer has no address")),
        ("Service", at("gondor", service(kind="ClusterIP")), ("True", "True", "")),
        ("ConfigMap", at("gondor", None), ("True", "True", "")),
    ],
)
def test_a_report_says_how_it_stands_and_why(kind: str, cluster: ClusterStatus, expected: tuple[str, str, str]) -> None:
    found = report(Ref(kind, "shire", "web"), "uid", cluster)
    assert (found.applied, found.healthy, found.message) == expected


@pytest.mark.parametrize(
    ("kind", "cluster", "expected"),
    [
        ("Deployment", at("gondor", good()), True),
        ("ConfigMap", at("gondor", None), False),
        ("ConfigMap", at("gondor", None, applied=False), False),
        ("ConfigMap", at("gondor", None, applied=False, message="403 no"), True),
        ("ConfigMap", ClusterStatus("gondor", away=True, message="dead"), False),
    ],
)
def test_what_has_no_status_is_reported_only_where_it_is_refused(
    kind: str, cluster: ClusterStatus, expected: bool
) -> None:
    assert is_reported(kind, cluster) is expected


def test_the_name_of_a_report_is_one_of_an_object_and_of_this_object_alone() -> None:
    names = [report(Ref("ConfigMap", "shire", name * 126), "uid", at("gondor", None)).name for name in ("aa", "ab")]
    assert max(map(len, names)) <= 253
    assert len(set(names)) == 2
    assert report(Ref("Deployment", "shire", "web"), "uid", at("gondor", None)).name == "web.deployment.gondor"
