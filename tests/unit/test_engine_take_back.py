"""What the engine takes back, and what it never does: kinds that are dropped, orphans, kinds that are refused."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import Any

import pytest

from controllers.engine.clusters import COLLECTION as CLUSTERS
from controllers.engine.refs import Ref
from federation.settings.keys import API_UID, CARRIED_BY, FINALIZER, OBJECT_UID
from tests.unit.test_engine_controller import MAPS, SECRETS, World, world
from tests.unit.test_engine_controller import NAMESPACES as NAMESPACE_OBJECTS

__all__ = ["world"]

pytestmark = pytest.mark.unit

SERVICES = "/api/v1/services"


def ours(world: World, name: str, api_uid: str = "", made_of: str = "gone") -> dict[str, Any]:
    """A ConfigMap of a member with the marks of the federation."""
    kube_system = world.federation.get(NAMESPACE_OBJECTS, "", "kube-system")
    assert kube_system is not None
    marks = {API_UID: api_uid or kube_system["metadata"]["uid"], OBJECT_UID: made_of}
    metadata = {
        "name": name,
        "namespace": "shire",
        "labels": {CARRIED_BY: "fellowship"},
        "annotations": marks,
    }
    return {"metadata": metadata, "data": {"value": "orphan"}}


def finalizers(world: World, collection: str, name: str) -> list[str]:
    found = world.federation.get(collection, "shire", name)
    assert found is not None
    return list(found["metadata"].get("finalizers", []))


def test_a_kind_that_is_dropped_goes_from_the_members_and_nothing_else_does(world: World) -> None:
    world.federation.put(SERVICES, {"metadata": {"name": "web", "namespace": "shire"}, "spec": {}})
    foreign = {"metadata": {"name": "theirs", "namespace": "shire"}, "spec": {}}
    world.members["rohan"].put(SERVICES, foreign)
    world.start(("ConfigMap", "Service"))
    world.wait(["1", "1"])
    members = world.members.values()
    world.federation.wait(lambda: all(each.get(SERVICES, "shire", "web") for each in members), "it in both")
    world.restart("ConfigMap")
    world.federation.wait(lambda: not any(each.get(SERVICES, "shire", "web") for each in members), "it to go")
    world.federation.wait(lambda: finalizers(world, SERVICES, "web") == [], "the finalizer to go")
    assert world.members["rohan"].get(SERVICES, "shire", "theirs") is not None
    assert [world.value(each) for each in world.members] == ["1", "1"]
    assert finalizers(world, MAPS, "ring") == [FINALIZER]


def test_an_absent_member_owes_what_is_of_a_dropped_kind(world: World) -> None:
    world.federation.put(SERVICES, {"metadata": {"name": "web", "namespace": "shire"}, "spec": {}})
    world.start(("ConfigMap", "Service"))
    gondor, rohan = world.members.values()
    world.federation.wait(lambda: gondor.get(SERVICES, "shire", "web") and rohan.get(SERVICES, "shire", "web"), "both")
    gondor.stop()
    world.wait_for_ready("gondor", "False")
    world.restart("ConfigMap")
    world.federation.wait(lambda: finalizers(world, SERVICES, "web") == [], "the finalizer to go")
    world.restart("ConfigMap")  # Of Services this one knows by the note alone.
    gondor.start()
    world.federation.wait(lambda: gondor.get(SERVICES, "shire", "web") is None, "it to go from gondor")
    world.federation.wait(lambda: not world.owed("gondor"), "the note to go")


def test_an_orphan_is_told_of_once_and_never_deleted(world: World) -> None:
    world.members["gondor"].put(MAPS, ours(world, "lost"))
    world.members["gondor"].put(MAPS, ours(world, "strange", api_uid="another API"))
    world.start()
    world.federation.wait(lambda: world.condition("gondor", "Orphans").get("status") == "True", "the condition")
    assert "ConfigMap shire/lost, ConfigMap shire/strange;" in world.condition("gondor", "Orphans")["message"]
    for figure in ('federation_orphans{cluster="gondor"} 2.0', 'federation_orphans{cluster="rohan"} 0.0'):
        world.federation.wait(lambda figure=figure: figure in world.metrics.text().decode(), figure)  # type: ignore[misc]
    assert world.condition("rohan", "Orphans") == {}
    world.federation.wait(lambda: any("lost" in event for event in world.events()), "an Event")
    assert world.value("gondor", "lost") == "orphan"
    for name in ("lost", "strange"):
        world.members["gondor"].remove(MAPS, "shire", name)
    world.federation.wait(lambda: world.condition("gondor", "Orphans").get("status") == "False", "it to be over")
    assert sum("lost" in event for event in world.events()) == 1


def test_what_another_federation_api_of_the_same_name_made_is_foreign(world: World) -> None:
    world.members["gondor"].put(MAPS, ours(world, "ring", api_uid="another API"))
    world.start()
    world.wait(["orphan", "1"])
    world.federation.wait(lambda: any("did not make" in event for event in world.events()), "an Event")
    assert 'federation_foreign{cluster="gondor"} 1.0' in world.metrics.text().decode()
    world.write("ring", "2", adopt="true")
    world.wait(["2", "2"])
    assert 'federation_foreign{cluster="gondor"} 0.0' in world.metrics.text().decode()


def test_a_member_leaves_with_its_orphans_there_and_unmarked(world: World) -> None:
    world.members["gondor"].put(MAPS, ours(world, "lost"))
    world.start()
    world.wait(["1", "1"])
    world.delete(CLUSTERS, "", "gondor")
    world.federation.wait(lambda: world.federation.get(CLUSTERS, "", "gondor") is None, "gondor to go")
    assert world.value("gondor") is None
    left = world.members["gondor"].get(MAPS, "shire", "lost")
    assert left is not None
    assert "federation" not in str(left["metadata"])


def test_a_member_that_refuses_while_it_leaves_keeps_its_cluster_which_says_why(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    gondor = world.members["gondor"]
    gondor.refused_methods.add(("DELETE", MAPS))
    world.delete(CLUSTERS, "", "gondor")
    world.federation.wait(lambda: world.condition("gondor", "Left").get("reason") == "NotTakenBack", "the condition")
    assert "ConfigMap shire/ring: 403" in world.condition("gondor", "Left")["message"]
    gondor.refused_methods.clear()
    world.federation.wait(lambda: world.federation.get(CLUSTERS, "", "gondor") is None, "gondor to go")
    assert gondor.get(NAMESPACE_OBJECTS, "", "shire") is None
    assert world.value("gondor") is None


def test_what_is_seen_in_a_member_that_refuses_while_it_leaves_is_no_further_try(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    gondor = world.members["gondor"]

    def tries() -> int:
        return sum(method == "DELETE" for method, _ in gondor.requests)

    gondor.refused_methods.add(("DELETE", MAPS))
    world.delete(CLUSTERS, "", "gondor")
    world.federation.wait(lambda: world.condition("gondor", "Left").get("reason") == "NotTakenBack", "the condition")
    carrier = world.controller._members._members["gondor"].carrier  # type: ignore[union-attr]
    before, rounds, ring = tries(), 30, Ref("ConfigMap", "shire", "ring")
    for number in range(rounds):
        version = gondor.put(MAPS, (gondor.get(MAPS, "shire", "ring") or {}) | {"data": {"value": str(number)}})[
            "metadata"
        ]["resourceVersion"]
        gondor.wait(lambda version=version: carrier._informer.ours[ring].version == version, "it to be seen")  # type: ignore[misc, union-attr]
    assert tries() - before < rounds / 2


def test_a_kind_that_a_member_refuses_keeps_its_objects_and_holds_up_no_other(world: World) -> None:
    world.federation.put(SERVICES, {"metadata": {"name": "web", "namespace": "shire"}, "spec": {}})
    world.start(("ConfigMap", "Service"))
    gondor = world.members["gondor"]
    world.federation.wait(lambda: gondor.get(SERVICES, "shire", "web"), "it in gondor")
    gondor.forbidden.add(SERVICES)
    gondor.refused_methods |= {("GET", SERVICES), ("DELETE", SERVICES)}
    gondor.expire()
    world.federation.wait(lambda: world.condition("gondor", "AccessGranted").get("status") == "False", "the condition")
    assert f"403 forbidden by the test: {SERVICES}" in world.condition("gondor", "AccessGranted")["message"]
    world.write("ring", "2")
    world.wait(["2", "2"])
    # Nobody waits for what it does not let us take back.
    world.delete(SERVICES, "shire", "web")
    world.federation.wait(lambda: world.federation.get(SERVICES, "shire", "web") is None, "it to go here")
    assert list(world.owed("gondor").values()) == ["Service shire/web"]
    assert gondor.get(SERVICES, "shire", "web") is not None
    gondor.forbidden.clear()
    gondor.refused_methods.clear()
    world.federation.wait(lambda: gondor.get(SERVICES, "shire", "web") is None, "it to go from gondor", 30)
    world.federation.wait(lambda: world.condition("gondor", "AccessGranted").get("status") == "True", "all well", 30)
    world.federation.wait(lambda: not world.owed("gondor"), "the note to go")


def test_what_a_member_does_not_let_us_look_for_is_owed_and_keeps_it_from_leaving(world: World) -> None:
    world.federation.put(SECRETS, {"metadata": {"name": "key", "namespace": "shire"}})
    world.start(("ConfigMap", "Secret"))
    gondor = world.members["gondor"]
    world.federation.wait(lambda: gondor.get(SECRETS, "shire", "key"), "it in gondor")
    gondor.forbidden.add(SECRETS)
    gondor.refused_methods |= {("GET", SECRETS), ("PATCH", SECRETS), ("DELETE", SECRETS)}
    world.restart("ConfigMap", "Secret")  # This one has never seen the Secret there.
    world.federation.wait(lambda: world.condition("gondor", "AccessGranted").get("status") == "False", "the condition")
    world.delete(SECRETS, "shire", "key")
    world.federation.wait(lambda: world.federation.get(SECRETS, "shire", "key") is None, "it to go here")
    assert list(world.owed("gondor").values()) == ["Secret shire/key"]
    world.restart("ConfigMap")  # This one does not even follow Secrets.
    world.wait(["1", "1"])
    world.delete(CLUSTERS, "", "gondor")
    world.federation.wait(lambda: "Secret shire/key: 403" in str(world.condition("gondor", "Left")), "the condition")
    gondor.forbidden.clear()
    gondor.refused_methods.clear()
    world.federation.wait(lambda: world.federation.get(CLUSTERS, "", "gondor") is None, "gondor to go")
    assert gondor.get(SECRETS, "shire", "key") is None


def test_a_member_that_hides_a_kind_gives_back_all_others_and_stays_until_it_shows_it(world: World) -> None:
    world.federation.put(SERVICES, {"metadata": {"name": "web", "namespace": "shire"}, "spec": {}})
    world.start(("ConfigMap", "Service"))
    gondor = world.members["gondor"]
    world.wait(["1", "1"])
    world.federation.wait(lambda: gondor.get(SERVICES, "shire", "web"), "it in gondor")
    gondor.forbidden.add(SERVICES)
    world.restart("ConfigMap", "Service")  # This one has never seen the Service there.
    world.federation.wait(lambda: world.condition("gondor", "AccessGranted").get("status") == "False", "the condition")
    before = gondor.get(NAMESPACE_OBJECTS, "", "shire")
    world.delete(CLUSTERS, "", "gondor")
    world.wait([None, "1"])
    cure = "let it list Service by `access` of its line, or annotation federation/unreachable"
    world.federation.wait(lambda: cure in str(world.condition("gondor", "Left")), "the condition")
    assert gondor.get(SERVICES, "shire", "web") is not None
    assert gondor.get(NAMESPACE_OBJECTS, "", "shire") == before
    assert world.federation.get(CLUSTERS, "", "gondor") is not None
    gondor.forbidden.clear()
    world.federation.wait(lambda: world.federation.get(CLUSTERS, "", "gondor") is None, "gondor to go")
    assert gondor.get(SERVICES, "shire", "web") is None
    assert gondor.get(NAMESPACE_OBJECTS, "", "shire") is None


def test_a_kind_that_the_federation_api_refuses_holds_up_no_other(world: World) -> None:
    world.federation.put(SERVICES, {"metadata": {"name": "web", "namespace": "shire"}, "spec": {}})
    world.start(("ConfigMap", "Service"))
    members = world.members.values()
    world.federation.wait(lambda: all(each.get(SERVICES, "shire", "web") for each in members), "it in both")
    world.federation.forbidden.add(SERVICES)
    world.restart("ConfigMap", "Service")
    world.write("ring", "2")
    world.wait(["2", "2"])
    assert all(each.get(SERVICES, "shire", "web") for each in members)
    assert world.condition("gondor", "Orphans") == {}


def test_what_was_changed_while_it_was_to_be_deleted_is_looked_at_again(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    gondor = world.members["gondor"]
    there = gondor.answer

    def changes_first(method: str, path: str, body: Any, content: str = "") -> tuple[int, Any]:
        if method == "DELETE" and path.endswith("/ring"):
            gondor.answer = there  # type: ignore[method-assign]
            found = gondor.get(MAPS, "shire", "ring")
            assert found is not None
            assert body["preconditions"]["resourceVersion"] == found["metadata"]["resourceVersion"]
            found["metadata"]["annotations"] = {}
            gondor.put(MAPS, found)
        return there(method, path, body, content)

    gondor.answer = changes_first  # type: ignore[method-assign]
    world.delete(MAPS, "shire", "ring")
    world.federation.wait(lambda: world.federation.get(MAPS, "shire", "ring") is None, "it to go")
    assert [world.value(each) for each in world.members] == ["1", None]
    assert world.events() == []


def test_what_is_for_a_busy_member_again_and_then_deleted_goes_from_it_first(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    gondor = world.members["gondor"]
    there, is_asked, go = gondor.answer, Event(), Event()

    def busy_once(method: str, path: str, body: Any, content: str = "") -> tuple[int, Any]:
        if method == "DELETE":
            gondor.answer = there  # type: ignore[method-assign]
            is_asked.set()
            assert go.wait(30)
            return 429, {"message": "busy"}
        return there(method, path, body, content)

    gondor.answer = busy_once  # type: ignore[method-assign]
    world.write("ring", "1", clusters="rohan")
    assert is_asked.wait(30)
    world.write("ring", "2")
    world.wait(["1", "2"])
    world.delete(MAPS, "shire", "ring")
    world.wait(["1", None])
    go.set()
    world.federation.wait(lambda: world.federation.get(MAPS, "shire", "ring") is None, "it to go here")
    assert world.value("gondor") is None


def test_late_news_that_it_was_taken_back_leave_nothing_of_what_is_there_again(world: World) -> None:
    engine = world.start()
    world.wait(["1", "1"])
    ring = world.federation.get(MAPS, "shire", "ring")
    assert ring is not None
    is_held, go = Event(), Event()

    def hold() -> None:
        is_held.set()
        assert go.wait(30)

    world.loop.post(hold)
    assert is_held.wait(30)
    world.loop.post(partial(engine._settled, "gondor", Ref("ConfigMap", "shire", "ring"), ring["metadata"]["uid"]))
    waiting = world.loop._inbox.qsize()
    world.delete(MAPS, "shire", "ring")
    world.federation.wait(lambda: world.loop._inbox.qsize() > waiting, "news of the deletion")
    go.set()
    world.federation.wait(lambda: world.federation.get(MAPS, "shire", "ring") is None, "it to go here")
    assert world.value("gondor") is None


def test_what_is_for_a_member_again_that_refuses_to_give_it_back_is_not_owed(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    gondor = world.members["gondor"]
    gondor.refused_methods.add(("DELETE", MAPS))
    world.write("ring", "1", clusters="rohan")
    world.federation.wait(lambda: world.owed("gondor"), "the note")
    world.write("ring", "2")
    world.federation.wait(lambda: not world.owed("gondor"), "the note to go")
    world.wait(["2", "2"])


def test_a_member_that_was_away_gives_back_the_old_object_though_a_new_one_is_not_for_it(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    world.members["gondor"].stop()
    world.wait_for_ready("gondor", "False")
    world.delete(MAPS, "shire", "ring")
    world.federation.wait(lambda: world.federation.get(MAPS, "shire", "ring") is None, "it to go")
    world.write("ring", "2", clusters="rohan")
    world.wait(["1", "2"])
    world.members["gondor"].start()
    world.wait([None, "2"])
    world.federation.wait(lambda: not world.owed("gondor"), "the note to go")


def test_a_list_narrowed_while_a_member_is_away_holds_when_it_is_back(world: World) -> None:
    world.start()
    world.wait(["1", "1"])
    world.members["gondor"].stop()
    world.wait_for_ready("gondor", "False")
    world.write("ring", "2", clusters="rohan")
    world.wait(["1", "2"])
    world.members["gondor"].start()
    world.wait([None, "2"])


def test_an_api_that_is_another_one_ends_the_process_before_anything_is_written(world: World) -> None:
    controller = world.start()
    world.wait(["1", "1"])
    world.federation.remove(MAPS, "shire", "ring")
    found = world.federation.get(NAMESPACE_OBJECTS, "", "kube-system")
    assert found is not None
    found["metadata"]["uid"] = "another"
    world.federation.put(NAMESPACE_OBJECTS, found)
    world.federation.put(MAPS, {"metadata": {"name": "ring", "namespace": "shire"}, "data": {"value": "new"}})
    world.federation.expire()
    world.federation.wait(lambda: not world.thread.is_alive(), "the loop to end")
    assert "another" not in str(world.members["gondor"].get(MAPS, "shire", "ring"))
    assert controller.missing == []
