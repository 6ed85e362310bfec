"""What the aggregator writes to the federation API, and how often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from controllers.engine import aggregator
from controllers.engine.aggregator import StatusAggregator, TellStatus
from controllers.engine.federated import Federated, reader
from controllers.engine.member_status import MemberStatus, Reported
from controllers.engine.metrics import Metrics
from controllers.engine.refs import Ref
from controllers.engine.reports import COLLECTION as REPORTS
from controllers.runtime.api import Api
from tests.kube_api import ApiServer

pytestmark = pytest.mark.unit

DEPLOYMENTS = "/apis/apps/v1/deployments"
WEB = Ref("Deployment", "shire", "web")
BOTH = frozenset(["gondor", "rohan"])
Json = dict[str, Any]


class World:
    """A federation API with one Deployment, and two clusters that are Ready."""

    def __init__(self) -> None:
        self.api = ApiServer()
        self.aggregator = StatusAggregator(lambda: Api.of_token(self.api.url, "", "admin"), Metrics())
        metadata = {"name": "web", "namespace": "shire", "generation": 1}
        self.obj = self.read(self.api.put(DEPLOYMENTS, {"metadata": metadata, "spec": {"replicas": 1}}))
        self.listeners: dict[str, TellStatus] = {}

    def read(self, obj: Json) -> Federated:
        return reader("Deployment", "fellowship")(obj)

    def start(self) -> None:
        self.aggregator.start()
        self.listeners = {cluster: self.aggregator.listener(cluster) for cluster in sorted(BOTH)}
        self.aggregator.follow(self.obj, BOTH)

    def tell(self, cluster: str, available: int, digest: str | None = None, problem: str = "") -> None:
        counts = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": available}
        reported = Reported(5, {"replicas": 1}, {"observedGeneration": 5, **counts})
        self.listeners[cluster](WEB, MemberStatus(self.obj.digest if digest is None else digest, problem, reported))

    @property
    def status(self) -> Json:
        found = self.api.get(DEPLOYMENTS, "shire", "web") or {}
        status: Json = found.get("status", {})
        return status

    def rows(self) -> dict[str, tuple[str, str, str]]:
        items = self.api.list(REPORTS, {})["items"]
        return {
            each["spec"]["cluster"]: tuple(each["status"][key] for key in ("applied", "healthy", "message"))
            for each in items
        }

    def writes(self, part: str) -> int:
        return sum(method == "PATCH" and part in path for method, path in self.api.requests)

    def wait(self, status: Json) -> None:
        self.api.wait(lambda: status.items() <= self.status.items(), f"the status to have {status}")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(aggregator, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(aggregator, "EVERY_SECONDS", 0.3)
    new = World()
    yield new
    new.aggregator.end()
    new.api.stop()


def test_nothing_is_told_until_every_cluster_was_heard(world: World) -> None:
    world.start()
    world.tell("gondor", 1)
    world.tell("gondor", 0)
    world.aggregator.lose("mordor", "it is nobody's")
    world.api.wait(lambda: any("propagations" in path for _, path in world.api.requests), "it to look at reports")
    assert world.writes("") == 0
    world.tell("rohan", 1)
    world.wait({"replicas": 2, "availableReplicas": 1, "observedGeneration": 1})
    world.api.wait(lambda: world.rows().keys() == BOTH, "two reports")
    assert world.rows()["rohan"] == ("True", "True", "")
    assert world.rows()["gondor"] == ("True", "False", "0 of 1 replicas are available")


def test_a_cluster_that_goes_on_saying_nothing_counts_as_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregator, "PATIENCE_SECONDS", 0.3)
    world.start()
    world.tell("gondor", 1)
    world.api.wait(lambda: world.rows().get("rohan") == ("False", "Unknown", "it is not applied yet"), "the report")
    world.wait({"replicas": 1, "availableReplicas": 1})
    assert "observedGeneration" not in world.status


def test_many_changes_are_few_writes_and_the_last_one_is_told(world: World) -> None:
    world.start()
    world.tell("rohan", 1)
    began, number = time.monotonic(), 0
    while time.monotonic() - began < 1.2:
        number += 1
        world.tell("gondor", number % 2)
        time.sleep(0.005)
    world.tell("gondor", 1)
    world.wait({"availableReplicas": 2})
    world.api.wait(lambda: world.rows().get("gondor") == ("True", "True", ""), "the report")
    most = 2 + (time.monotonic() - began) / aggregator.EVERY_SECONDS
    assert world.writes("web/status") <= most
    assert world.writes("gondor") <= most


def test_what_is_as_it_was_is_not_written(world: World) -> None:
    world.start()
    for cluster in BOTH:
        world.tell(cluster, 1)
    world.api.wait(lambda: world.rows().keys() == BOTH, "two reports")
    written = world.writes("")
    found = world.api.get(DEPLOYMENTS, "shire", "web")
    assert found is not None
    world.aggregator.follow(world.read(found), BOTH)
    # Once this has been looked at, so has all before it.
    world.tell("gondor", 0)
    world.wait({"availableReplicas": 1})
    world.api.wait(lambda: world.rows()["gondor"][1] == "False", "the report")
    assert world.writes("") == written + 2


def test_a_cluster_that_is_lost_is_named_and_its_word_counts_no_more(world: World) -> None:
    world.start()
    for cluster in BOTH:
        world.tell(cluster, 1)
    world.wait({"observedGeneration": 1})
    world.aggregator.lose("rohan", "no answer")
    world.tell("rohan", 1)
    world.api.wait(lambda: world.rows().get("rohan") == ("Unknown", "Unknown", "rohan is not Ready: no answer"), "it")
    assert "observedGeneration" not in world.status
    late = world.listeners["rohan"]
    world.listeners["rohan"] = world.aggregator.listener("rohan")
    late(WEB, MemberStatus("", "409 from before", None))
    world.tell("rohan", 1)
    world.wait({"observedGeneration": 1})
    world.api.wait(lambda: world.rows()["rohan"] == ("True", "True", ""), "the report")


def test_a_report_comes_back_and_goes_with_its_cluster(world: World) -> None:
    world.start()
    for cluster in BOTH:
        world.tell(cluster, 1)
    world.api.wait(lambda: world.rows().keys() == BOTH, "two reports")
    world.api.remove(REPORTS, "shire", "web.deployment.gondor")
    world.api.wait(lambda: world.rows().keys() == BOTH, "it again")
    world.aggregator.follow(world.obj, frozenset(["rohan"]))
    world.api.wait(lambda: world.rows().keys() == {"rohan"}, "one report")
    world.wait({"replicas": 1})


def test_what_is_refused_is_told_and_what_goes_is_left_alone(world: World) -> None:
    world.start()
    world.tell("gondor", 1)
    world.tell("rohan", 1, "older", "409 immutable")
    world.api.wait(lambda: world.rows().get("rohan") == ("False", "Unknown", "409 immutable"), "the report")
    world.wait({"updatedReplicas": 1, "replicas": 2})
    world.aggregator.forget(WEB)
    written = world.writes("")
    world.tell("rohan", 1)
    world.api.remove(REPORTS, "shire", "web.deployment.rohan")
    other = world.api.put(
        DEPLOYMENTS, {"metadata": {"name": "other", "namespace": "shire", "generation": 1}, "spec": {}}
    )
    world.aggregator.follow(world.read(other), frozenset(["gondor"]))
    world.listeners["gondor"](Ref("Deployment", "shire", "other"), MemberStatus("", "no", None))
    world.api.wait(lambda: world.writes("other.deployment.gondor"), "the other one's report")
    assert world.writes("") == written + 2
