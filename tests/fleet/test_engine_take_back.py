"""What the built-in engine takes back and what it never does, on real API servers whose etcd goes back, too."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from federation.settings import access
from federation.settings.schema import Access
from lab.fleet.record import fleets
from tests.figures import Figures
from tests.fleet.conftest import FLEET
from tests.fleet.engine_lab import API, KINDS, MEMBERS, NAMESPACE, Lab, configmap, running, seconds_until, value

ETCD = fleets() / f"{FLEET}-engine" / "clusters" / API / "etcd"
"""Of the federation API."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("take-back")) as found:
        for member in MEMBERS:
            found.join(member)
        found.kubectl(API, "create", "namespace", NAMESPACE)
        found.apply(API, configmap("a"))
        seconds_until("it in both", lambda: all(value(found, each, "a") == "1" for each in MEMBERS), 60)
        yield found


def orphans(lab: Lab) -> set[str | None]:
    """What the condition of both members says."""
    return {lab.condition(each, "Orphans").get("status") for each in MEMBERS}


def figure(lab: Lab, line: str) -> bool:
    return line in requests.get(f"{lab.url}/metrics", timeout=30).text


def events(lab: Lab, namespace: str) -> str:
    return lab.kubectl(API, "get", "events", "-n", namespace, "-o", "jsonpath={.items[*].message}")


def finalizers(lab: Lab, *what: str) -> list[str]:
    found = lab.get(API, *what, "-n", NAMESPACE)
    assert found is not None
    return list(found["metadata"].get("finalizers", []))


def copy_of_etcd(lab: Lab, folder: Path) -> None:
    """A snapshot of the federation API's etcd, taken while it is stopped."""
    lab.fleet("stop", API)
    shutil.copytree(ETCD, folder)
    lab.fleet("start", API)
    lab.revive()


def test_a_kind_that_is_dropped_goes_from_the_members_and_nothing_else_does(lab: Lab, figures: Figures) -> None:
    service = ("service", "web", "-n", NAMESPACE)
    lab.kubectl(API, "create", "service", "clusterip", "web", "--tcp=80:80", "-n", NAMESPACE)
    seconds_until("it in both", lambda: all(lab.get(each, *service) for each in MEMBERS))
    lab.kubectl("rohan", "create", "service", "clusterip", "theirs", "--tcp=80:80", "-n", NAMESPACE)
    assert finalizers(lab, "service", "web") == ["federation/engine"]
    lab.stop()
    lab.start([kind for kind in KINDS if kind != "Service"])
    seconds = seconds_until("it out of both", lambda: not any(lab.get(each, *service) for each in MEMBERS))
    figures.add("engine: a kind dropped, start to gone from both members", seconds)
    seconds_until("the finalizer off", lambda: finalizers(lab, "service", "web") == [])
    assert lab.get("rohan", "service", "theirs", "-n", NAMESPACE) is not None
    assert [value(lab, each, "a") for each in MEMBERS] == ["1", "1"]
    lab.kubectl(API, "delete", *service, "--timeout=5s")
    lab.stop()
    lab.start()


def test_an_etcd_restored_from_an_earlier_snapshot_deletes_nothing(lab: Lab, tmp_path: Path, figures: Figures) -> None:
    lab.apply(API, configmap("before"), configmap("changed"))
    seconds_until("them in both", lambda: all(value(lab, each, "changed") for each in MEMBERS))
    copy_of_etcd(lab, tmp_path / "etcd")
    lab.apply(API, configmap("after"), configmap("changed", "2"))
    lab.kubectl(API, "delete", "configmap", "before", "-n", NAMESPACE, "--timeout=60s")
    seconds_until("that in both", lambda: all(value(lab, each, "after") for each in MEMBERS))
    seconds_until("the change", lambda: all(value(lab, each, "changed") == "2" for each in MEMBERS))
    for number in range(20):  # So that versions are far ahead of those of the snapshot.
        lab.apply(API, configmap("after", str(number)))
    lab.fleet("stop", API)
    shutil.rmtree(ETCD)
    shutil.copytree(tmp_path / "etcd", ETCD)
    lab.fleet("start", API)
    lab.revive()
    assert lab.get(API, "configmap", "after", "-n", NAMESPACE) is None
    seconds = seconds_until("what is there again", lambda: all(value(lab, each, "before") for each in MEMBERS), 60)
    figures.add("engine: etcd restored from a snapshot, API up to objects back in members", seconds)
    seconds_until("the value of then", lambda: all(value(lab, each, "changed") == "1" for each in MEMBERS))
    seconds_until("the orphan to be told", lambda: orphans(lab) == {"True"})
    for member in MEMBERS:
        assert f"ConfigMap {NAMESPACE}/after;" in lab.condition(member, "Orphans")["message"]
        assert value(lab, member, "after") == "19"
        assert lab.is_ready(member)
        assert figure(lab, f'federation_orphans{{cluster="{member}"}} 1.0')
    assert "ConfigMap shire/after" in events(lab, "default")
    lab.apply(API, configmap("new"))
    seconds_until("what comes now", lambda: all(value(lab, each, "new") for each in MEMBERS))
    lab.kubectl("gondor", "delete", "configmap", "after", "-n", NAMESPACE)
    lab.apply(API, configmap("after", "adopted"))  # Its marks are ours: made here again, it is an orphan no more.
    seconds_until("both to be right", lambda: all(value(lab, each, "after") == "adopted" for each in MEMBERS))
    seconds_until("no orphan", lambda: orphans(lab) == {"False"})
    for member in MEMBERS:
        assert figure(lab, f'federation_orphans{{cluster="{member}"}} 0.0')


def test_into_a_namespaced_member_it_looks_in_its_namespaces_alone(lab: Lab) -> None:
    lab.kubectl(API, "delete", "cluster", "rohan", "--timeout=60s")
    seconds_until("it empty", lambda: lab.get("rohan", "configmap", "a", "-n", NAMESPACE) is None)
    assert lab.get("rohan", "service", "theirs", "-n", NAMESPACE) is not None
    given = access.rights(
        Access.model_validate({"profile": "namespaced", "namespaces": [NAMESPACE]}), KINDS, access.BUILTIN
    )
    lab.kubectl("rohan", "delete", "clusterrolebinding", "engine")
    lab.join("rohan", given)
    seconds_until("its objects", lambda: value(lab, "rohan", "a") == "1", 60)
    lab.kubectl("rohan", "delete", "configmap", "a", "-n", NAMESPACE)
    seconds_until("it back", lambda: value(lab, "rohan", "a") == "1")
    lab.kubectl(API, "create", "namespace", "moria")
    lab.apply(API, configmap("deep", namespace="moria"))
    seconds_until("it in gondor", lambda: value(lab, "gondor", "deep", "moria"))
    seconds_until("an Event", lambda: 'rohan takes nothing in the namespace "moria"' in events(lab, "moria"))
    lab.kubectl(API, "delete", "namespace", "moria", "--timeout=30s")
    assert lab.condition("rohan", "AccessGranted") == {}
    log = [json.loads(line)["message"] for line in lab.log.read_text().splitlines()]
    # By RBAC, that is: a Namespace that is about to go takes nothing new either.
    assert [line for line in log if re.search(r"\b403\b.* cannot ", line)] == []


def test_of_an_empty_new_etcd_the_members_keep_all_that_they_have(lab: Lab) -> None:
    before = {name: value(lab, "gondor", name) for name in ("a", "before", "new")}
    assert lab.engine is not None
    process = lab.engine.process
    lab.fleet("stop", API)
    shutil.rmtree(ETCD)
    lab.fleet("start", API)
    # The account of the new API has the right to see that it is another one.
    lab.prepare()
    process.wait(60)
    # It sees the one or the other first.
    assert re.search("the federation API is another one|no longer leads", lab.log.read_text())
    lab.join("gondor")
    lab.kubectl(API, "create", "namespace", NAMESPACE)
    lab.apply(API, configmap("a", "new API"), configmap("fresh"))
    seconds_until("what is new in gondor", lambda: value(lab, "gondor", "fresh"), 60)
    seconds_until("an Event", lambda: "did not make" in events(lab, NAMESPACE))
    seconds_until("the orphans to be told", lambda: lab.condition("gondor", "Orphans").get("status") == "True")
    assert {name: value(lab, "gondor", name) for name in before} == before
    lab.kubectl(API, "annotate", "configmap", "a", "-n", NAMESPACE, "federation/adopt=true")
    seconds_until("it taken over", lambda: value(lab, "gondor", "a") == "new API")
