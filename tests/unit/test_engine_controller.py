"""The engine at its edges: API servers that are deaf, refuse, hold what others made, and people who edit."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest

from controllers.engine import controller, fights, heartbeat
from controllers.engine.clusters import COLLECTION as CLUSTERS
from controllers.engine.controller import Controller, Settings
from controllers.engine.metrics import Metrics
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from federation.settings.keys import API_UID, CARRIED_BY, FINALIZER
from kube.errors import ApiError
from tests.kube_api import ApiServer, Json

pytestmark = pytest.mark.unit

DEPLOYMENTS = "/apis/apps/v1/deployments"
MAPS, NAMESPACES, SECRETS, EVENTS = (f"/api/v1/{kind}" for kind in ("configmaps", "namespaces", "secrets", "events"))
OWN = "federation-fellowship"


class World:
    """A federation API and two members that answer, with one ConfigMap to carry."""

    def __init__(self) -> None:
        self.federation = ApiServer()
        self.members = {"gondor": ApiServer(), "rohan": ApiServer()}
        self.federation.put(NAMESPACES, {"metadata": {"name": "kube-system"}})
        self.federation.put(NAMESPACES, {"metadata": {"name": "shire"}})
        self.loop, self.metrics = Loop(), Metrics()
        for name, server in self.members.items():
            self.secret(name)
            self.reach(name, apiEndpoint=server.url)
        self.write("ring", "1")

    def secret(self, name: str, token: str = "good", ca: str = "none") -> None:
        data = {key: b64encode(text.encode()).decode() for key, text in (("caBundle", ca), ("token", token))}
        self.federation.put(SECRETS, {"metadata": {"name": name, "namespace": OWN}, "data": data})

    def reach(self, name: str, **spec: object) -> None:
        """The Cluster of this name, whose other parts stay."""
        old = self.federation.get(CLUSTERS, "", name) or {"metadata": {"name": name}}
        self.federation.put(CLUSTERS, old | {"spec": {**spec, "secretRef": {"namespace": OWN, "name": name}}})

    def write(self, name: str, value: str, **annotations: str) -> None:
        """As a person would: what else is on the object stays."""
        old = self.federation.get(MAPS, "shire", name) or {"metadata": {"name": name, "namespace": "shire"}}
        told = {f"federation/{key}": text for key, text in annotations.items()}
        old["metadata"]["annotations"] = told
        self.federation.put(MAPS, old | {"data": {"value": value}})

    def start(self, kinds: Sequence[str] = ("ConfigMap",)) -> Controller:
        settings = Settings("fellowship", kinds)
        new = Controller(settings, lambda: Api.of_token(self.federation.url, "", "admin"), self.loop, self.metrics)
        new.start()
        self.controller = new
        self.thread = Thread(target=self.loop.run, daemon=True)
        self.thread.start()
        return new

    def end(self) -> None:
        """With the process of a real one, its threads end."""
        self.loop.end()
        self.thread.join(10)
        self.controller._aggregator.end()
        if self.controller._members is not None:
            for name, member in list(self.controller._members._members.items()):
                self.controller._members._stop(name, member)

    def restart(self, *kinds: str) -> None:
        """Another process, which carries these kinds."""
        self.end()
        self.loop, self.metrics = Loop(), Metrics()
        self.start(kinds)

    def value(self, member: str, name: str = "ring") -> str | None:
        found = self.members[member].get(MAPS, "shire", name)
        return None if found is None else found["data"]["value"]

    def wait(self, expected: list[str | None], name: str = "ring") -> None:
        self.federation.wait(
            lambda: [self.value(each, name) for each in self.members] == expected, f"{name} to be {expected}"
        )

    def condition(self, member: str, of: str = "Ready") -> Json:
        cluster = self.federation.get(CLUSTERS, "", member) or {}
        conditions: list[Json] = cluster.get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == of), {})

    def wait_for_ready(self, member: str, status: str) -> None:
        self.federation.wait(lambda: self.condition(member).get("status") == status, f"{member} to be Ready={status}")

    def owed(self, member: str) -> Json:
        cluster = self.federation.get(CLUSTERS, "", member) or {}
        found: Json = cluster["status"].get("owed") or {}
        return found

    def events(self) -> list[str]:
        names = self.federation.list(EVENTS, {})["items"]
        asked = [path for method, path in self.federation.requests if (method, "events" in path) == ("POST", True)]
        assert len(names) <= len(asked)
        return [each["message"] for each in names]

    def delete(self, collection: str, namespace: str, name: str) -> None:
        path = f"{collection.rpartition('/')[0]}{f'/namespaces/{namespace}' if namespace else ''}"
        self.federation.answer("DELETE", f"{path}/{collection.rpartition('/')[2]}/{name}", None)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 0.2)
    monkeypatch.setattr(heartbeat, "SOON_SECONDS", 0.1)
    monkeypatch.setattr(controller, "ORPHANS_SECONDS", 0.2)
    monkeypatch.setattr("controllers.engine.health.SILENT_SECONDS", 1.0)
    new = World()
    yield new
    new.end()
    for server in (new.federation, *new.members.values()):
        server.stop()


def test_what_is_written_is_carried_and_marked(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    found = world.members["gondor"].get(MAPS, "shire", "ring")
    assert found is not None
    assert found["metadata"]["labels"] == {CARRIED_BY: "fellowship"}
    kube_system = world.federation.get(NAMESPACES, "", "kube-system")
    assert kube_system is not None
    assert found["metadata"]["annotations"][API_UID] == kube_system["metadata"]["uid"]
    assert world.members["gondor"].get(NAMESPACES, "", "shire") is not None
    assert world.members["gondor"].get(NAMESPACES, "", "kube-system") is None
    world.write("ring", "2")
    world.wait(["2", "2"])


def test_a_status_is_not_written_with_every_heartbeat(world: World) -> None:
    world.start()
    world.wait_for_ready("gondor", "True")
    world.wait(["1", "1"])

    def beats() -> int:
        return sum(path == "/readyz" for _, path in world.members["gondor"].requests)

    seen = beats()
    world.federation.wait(lambda: beats() > seen + 5, "heartbeats")
    written = [path for method, path in world.federation.requests if method == "PATCH" and "gondor/status" in path]
    assert len(written) == 1


def test_a_deleted_object_waits_for_the_members_and_one_that_is_away_owes_it(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    world.members["gondor"].stop()
    world.wait_for_ready("gondor", "False")
    assert "refused" in world.condition("gondor")["message"]
    world.delete(MAPS, "shire", "ring")
    world.federation.wait(lambda: world.federation.get(MAPS, "shire", "ring") is None, "it to go")
    assert [world.value(each) for each in world.members] == ["1", None]
    assert list(world.owed("gondor").values()) == ["ConfigMap shire/ring"]
    world.members["gondor"].start()
    world.wait([None, None])
    world.federation.wait(lambda: not world.owed("gondor"), "the note to go")


def test_absence_is_no_order_to_delete(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    world.federation.remove(MAPS, "shire", "ring")
    world.write("other", "1")
    world.wait(["1", "1"], "other")
    assert [world.value(each) for each in world.members] == ["1", "1"]


def test_what_the_federation_api_refuses_is_tried_again_once_however_often_it_was_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller, "RETRY_SECONDS", 0.5)

    def tries() -> int:
        return sum(method == "PATCH" and path.endswith("/ring") for method, path in world.federation.requests)

    world.federation.refused_methods.add(("PATCH", MAPS))
    world.start()
    for number in range(1, 11):
        world.write("ring", str(number))
        world.federation.wait(lambda number=number: tries() >= number, "a try")  # type: ignore[misc]
    began, seen = monotonic(), tries()
    world.federation.wait(lambda: tries() >= seen + 6, "further tries")
    assert monotonic() - began > 2.0
    world.federation.refused_methods.clear()
    world.wait(["10", "10"])


def test_a_foreign_object_is_told_of_and_left_alone(world: World) -> None:
    theirs: dict[str, Any] = {"metadata": {"name": "ring", "namespace": "shire"}, "data": {"value": "theirs"}}
    world.members["rohan"].put(NAMESPACES, {"metadata": {"name": "shire"}})
    world.members["rohan"].put(MAPS, theirs)
    world.start()
    world.wait(["1", "theirs"])
    world.federation.wait(lambda: any("did not make" in event for event in world.events()), "an Event")
    world.write("ring", "1", adopt="true")
    world.wait(["1", "1"])
    shire = world.members["rohan"].get(NAMESPACES, "", "shire")
    assert shire is not None
    assert "labels" not in shire["metadata"]
    world.federation.put(NAMESPACES, {"metadata": {"name": "shire", "annotations": {"federation/adopt": "true"}}})
    world.members["rohan"].wait(
        lambda: (world.members["rohan"].get(NAMESPACES, "", "shire") or {})["metadata"].get("labels"),
        "the Namespace to be taken over, too",
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "1"),
        ({"uid": "another"}, "replaced"),
        ({"labels": {CARRIED_BY: "another"}}, "replaced"),
        ({"annotations": {API_UID: "another"}}, "replaced"),
    ],
)
def test_what_was_replaced_without_its_marks_is_put_back_unless_it_is_somebody_elses(
    world: World, changed: Json, expected: str
) -> None:
    gondor = world.members["gondor"]
    world.start()
    world.wait(["1", "1"])
    found = gondor.get(MAPS, "shire", "ring")
    assert found is not None
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "uid")}
    gondor.put(MAPS, {"metadata": metadata | changed, "data": {"value": "replaced"}})
    if expected == "replaced":
        world.federation.wait(lambda: any("did not make" in event for event in world.events()), "an Event")
    world.wait([expected, "1"])
    after = gondor.get(MAPS, "shire", "ring")
    assert after is not None
    assert ((after["metadata"].get("labels") or {}).get(CARRIED_BY) == "fellowship") == (expected == "1")


def test_what_goes_on_being_changed_is_put_back_no_more_for_a_minute_and_told(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    for number in range(fights.ROUNDS + 1):
        found = world.members["gondor"].get(MAPS, "shire", "ring")
        assert found is not None
        world.members["gondor"].put(MAPS, found | {"data": {"value": f"stolen {number}"}})
        if number < fights.ROUNDS:
            world.wait(["1", "1"])
    world.federation.wait(lambda: any("goes on changing" in event for event in world.events()), "an Event")
    assert world.value("gondor") == f"stolen {fights.ROUNDS}"


def test_a_malformed_object_holds_up_nothing(world: World) -> None:
    world.federation.put(MAPS, {"metadata": {"name": "odd", "namespace": "shire", "labels": "none"}})
    world.start()
    world.wait(["1", "1"])
    world.federation.put(MAPS, {"metadata": {"name": "odd2", "namespace": "shire", "labels": [1]}})
    world.write("ring", "2")
    world.wait(["2", "2"])


def test_a_member_that_leaves_is_left_clean_and_a_dead_one_says_why_it_cannot(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    world.members["rohan"].stop()
    world.wait_for_ready("rohan", "False")
    world.delete(CLUSTERS, "", "gondor")
    world.delete(CLUSTERS, "", "rohan")
    world.federation.wait(lambda: world.federation.get(CLUSTERS, "", "gondor") is None, "gondor to go")
    assert world.value("gondor") is None
    assert world.members["gondor"].get(NAMESPACES, "", "shire") is None

    def left() -> str:
        cluster = world.federation.get(CLUSTERS, "", "rohan") or {}
        return " ".join(each["message"] for each in cluster["status"]["conditions"] if each["type"] == "Left")

    world.federation.wait(lambda: "federation/unreachable" in left(), "the reason")
    cluster = world.federation.get(CLUSTERS, "", "rohan")
    assert cluster is not None
    assert cluster["metadata"]["finalizers"] == [FINALIZER]
    cluster["metadata"]["annotations"] = {"federation/unreachable": "true"}
    world.federation.put(CLUSTERS, cluster)
    world.federation.wait(lambda: world.federation.get(CLUSTERS, "", "rohan") is None, "rohan to be given up")


def test_secrets_of_others_are_never_read(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    asked = [path for _, path in world.members["gondor"].requests if re.search("secrets", path)]
    assert asked == []


@pytest.mark.parametrize("was_there", [False, True])
def test_an_apply_that_is_late_replaces_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, *, was_there: bool
) -> None:
    """As of a leader that is stopped between its last look at the Lease and the write, while the next one writes."""
    held, go, refusals, real = Event(), Event(), list[int | None](), Api.apply

    def late(self: Api, path: str, body: str, manager: str, *, force: bool) -> Json:
        if "late" not in body or held.is_set():
            return real(self, path, body, manager, force=force)
        held.set()
        assert go.wait(30)
        try:
            return real(self, path, body, manager, force=force)
        except ApiError as error:
            refusals.append(error.status)
            raise

    monkeypatch.setattr(Api, "apply", late)
    world.write("ring", "1" if was_there else "late", clusters="gondor")
    world.start()
    if was_there:
        world.wait(["1", None])
        world.write("ring", "late", clusters="gondor")
    assert held.wait(30)
    found = world.members["gondor"].get(MAPS, "shire", "ring") or {"metadata": {"name": "ring", "namespace": "shire"}}
    world.members["gondor"].put(MAPS, found | {"data": {"value": "of the next leader"}})
    go.set()
    world.federation.wait(lambda: refusals, "the answer to the late one")
    assert refusals == [409]
