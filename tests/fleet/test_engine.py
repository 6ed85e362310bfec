"""The built-in engine on real API servers: a federation API and two members, none of which has a node."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import requests

from tests.figures import Figures
from tests.fleet.engine_lab import API, FEDERATION, MEMBERS, NAMESPACE, Lab, configmap, running, seconds_until, value


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("engine")) as found:
        yield found


def test_clusters_become_ready(lab: Lab) -> None:
    for member in MEMBERS:
        lab.join(member)
    seconds_until("both Ready", lambda: all(map(lab.is_ready, MEMBERS)))
    cluster = lab.get(API, "cluster", "gondor")
    assert cluster is not None
    assert cluster["status"]["kubernetesVersion"].startswith("v1.")
    assert cluster["status"]["nodeSummary"] == {"totalNum": 0, "readyNum": 0}


def test_objects_reach_both_members_with_their_namespace(lab: Lab) -> None:
    lab.kubectl(API, "create", "namespace", NAMESPACE)
    lab.apply(API, configmap("a"))
    seconds_until("it in both", lambda: all(value(lab, each, "a") == "1" for each in MEMBERS))
    lab.kubectl(API, "create", "service", "clusterip", "web", "--tcp=80:80", "-n", NAMESPACE)
    seconds_until("the Service", lambda: all(lab.get(each, "service", "web", "-n", NAMESPACE) for each in MEMBERS))
    ours, theirs = (lab.get(each, "service", "web", "-n", NAMESPACE) for each in (API, "gondor"))
    assert ours is not None
    assert theirs is not None
    assert theirs["metadata"]["labels"] == {"app": "web", "federation/carried-by": FEDERATION}
    (entry,) = [each for each in lab.managers("gondor", "service", "web", NAMESPACE) if each["manager"] == "federation"]
    assert "f:clusterIP" not in entry["fieldsV1"]["f:spec"]
    assert lab.get("gondor", "service", "kubernetes") is not None


def test_a_change_goes_on_and_one_in_a_member_is_put_back(lab: Lab) -> None:
    lab.apply(API, configmap("a", "2"))
    seconds_until("the change", lambda: all(value(lab, each, "a") == "2" for each in MEMBERS))
    lab.kubectl("gondor", "patch", "configmap", "a", "-n", NAMESPACE, "-p", '{"data": {"value": "stolen"}}')
    seconds_until("it put back", lambda: value(lab, "gondor", "a") == "2")
    lab.kubectl("gondor", "delete", "configmap", "a", "-n", NAMESPACE)
    seconds_until("it made again", lambda: value(lab, "gondor", "a") == "2")


def test_what_a_member_had_before_is_left_alone_until_adopted(lab: Lab) -> None:
    lab.apply("rohan", configmap("theirs", "old"))
    lab.apply(API, configmap("theirs", "new"))
    seconds_until("it in gondor", lambda: value(lab, "gondor", "theirs") == "new")

    def events() -> str:
        return lab.kubectl(API, "get", "events", "-n", NAMESPACE, "-o", "json")

    seconds_until("an Event", lambda: "did not make" in events())
    assert value(lab, "rohan", "theirs") == "old"
    lab.apply(API, configmap("theirs", "new", adopt="true"))
    seconds_until("it taken over", lambda: value(lab, "rohan", "theirs") == "new")


def test_an_annotation_narrows_and_one_that_names_nobody_changes_nothing(lab: Lab) -> None:
    lab.apply(API, configmap("narrow"))
    seconds_until("it in both", lambda: all(value(lab, each, "narrow") for each in MEMBERS))
    lab.apply(API, configmap("narrow", "2", clusters="mordor"))
    seconds_until(
        "an Event", lambda: "names mordor" in lab.kubectl(API, "get", "events", "-n", NAMESPACE, "-o", "json")
    )
    assert [value(lab, each, "narrow") for each in MEMBERS] == ["1", "1"]
    lab.apply(API, configmap("narrow", "3", clusters="gondor"))
    seconds_until("it out of rohan", lambda: value(lab, "rohan", "narrow") is None)
    seconds_until("it changed in gondor", lambda: value(lab, "gondor", "narrow") == "3")


def test_deletion_takes_it_back_first(lab: Lab, figures: Figures) -> None:
    lab.apply(API, configmap("short"))
    seconds_until("it in both", lambda: all(value(lab, each, "short") for each in MEMBERS))
    seconds = seconds_until("kubectl", lambda: lab.kubectl(API, "delete", "configmap", "short", "-n", NAMESPACE))
    figures.add("engine: object deleted, and gone from both members", seconds)
    assert [value(lab, each, "short") for each in MEMBERS] == [None, None]


def test_a_dead_member_is_not_ready_and_owes_what_was_deleted(lab: Lab, figures: Figures) -> None:
    lab.apply(API, configmap("owed"))
    seconds_until("it in both", lambda: all(value(lab, each, "owed") for each in MEMBERS))
    # To stop it takes a while on a busy machine, and belongs to its silence.
    began = time.monotonic()
    lab.fleet("stop", "gondor", "--only", "kube-apiserver")
    seconds_until("not Ready", lambda: lab.ready("gondor").get("status") == "False", 60)
    assert time.monotonic() - began > 20
    assert lab.ready("gondor")["reason"] == "ClusterNotReachable"
    assert "refused" in lab.ready("gondor")["message"]
    assert lab.is_ready("rohan")
    lab.kubectl(API, "delete", "configmap", "owed", "-n", NAMESPACE, "--timeout=10s")
    lab.apply(API, configmap("meanwhile"))
    seconds_until("the other member to have it", lambda: value(lab, "rohan", "meanwhile"))
    assert value(lab, "rohan", "owed") is None
    lab.fleet("start", "gondor")
    seconds = seconds_until("Ready", lambda: lab.is_ready("gondor"), 60)
    figures.add("engine: member's API back to Ready", seconds)
    seconds_until("it to give back", lambda: value(lab, "gondor", "owed") is None)
    seconds_until("it to catch up", lambda: value(lab, "gondor", "meanwhile"))
    seconds_until("the note to go", lambda: not (lab.get(API, "cluster", "gondor") or {})["status"].get("owed"))


def test_a_new_run_changes_nothing_but_what_went_meanwhile(lab: Lab) -> None:
    lab.stop()
    lab.kubectl("rohan", "delete", "configmap", "a", "-n", NAMESPACE)
    before = lab.get("gondor", "configmap", "a", "-n", NAMESPACE)
    lab.start()
    seconds_until("what went meanwhile", lambda: value(lab, "rohan", "a") == "2")
    assert lab.get("gondor", "configmap", "a", "-n", NAMESPACE) == before
    log = [json.loads(line) for line in lab.log.read_text().splitlines()]
    assert [line for line in log if line["level"] == "error"] == []
    assert "federation_cluster_ready" in requests.get(f"{lab.url}/metrics", timeout=30).text


def test_a_namespace_with_what_others_made_stays_without_our_marks(lab: Lab) -> None:
    lab.apply("rohan", configmap("foreign"))
    lab.kubectl(API, "delete", "namespace", NAMESPACE, "--timeout=60s")
    gone = {"metadata": {"deletionTimestamp": "long ago"}}
    seconds_until(
        "it to end in gondor",
        lambda: (lab.get("gondor", "namespace", NAMESPACE) or gone)["metadata"].get("deletionTimestamp"),
    )
    # Its own controller-manager ends with its API server, and begins anew when the lease of the old one is over.
    seconds_until("it out of gondor", lambda: lab.get("gondor", "namespace", NAMESPACE) is None, 90)
    left = lab.get("rohan", "namespace", NAMESPACE)
    assert left is not None
    assert "federation" not in json.dumps(left["metadata"].get("labels", {}))
    assert value(lab, "rohan", "foreign") == "1"
    assert value(lab, "rohan", "a") is None


def test_a_member_that_leaves_is_left_clean(lab: Lab) -> None:
    lab.kubectl(API, "create", "namespace", "bree")
    lab.kubectl(API, "create", "configmap", "pony", "-n", "bree")
    seconds_until("it in both", lambda: all(lab.get(each, "configmap", "pony", "-n", "bree") for each in MEMBERS))
    lab.kubectl(API, "annotate", "cluster", "rohan", "federation/keep-workloads=true")
    lab.kubectl(API, "delete", "cluster", *MEMBERS, "--timeout=30s")
    seconds_until("gondor clean", lambda: lab.get("gondor", "namespace", "bree") is None)
    kept = lab.get("rohan", "configmap", "pony", "-n", "bree")
    assert kept is not None
    assert "federation/" not in json.dumps({**kept["metadata"], "managedFields": None})
    lab.kubectl(API, "delete", "namespace", "bree", "--timeout=60s")
