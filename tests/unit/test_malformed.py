"""What no API server should send: it is reported and left out, and all else goes on, also for the next process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controllers.engine.clusters import COLLECTION as CLUSTERS
from controllers.runtime import watching
from tests.kube_api import ApiServer, Json
from tests.unit.test_dns_watching import PATH, Follower, put
from tests.unit.test_engine_controller import World, world

pytestmark = pytest.mark.unit

__all__ = ["world"]

MALFORMED: dict[str, object] = {
    "nothing": {},
    "no metadata": {"metadata": None, "data": "x"},
    "no name": {"metadata": {"namespace": "x", "resourceVersion": "101"}, "data": "x"},
    "a list as metadata": {"metadata": ["name"]},
    "no content": {"metadata": {"namespace": "x", "name": "bad", "resourceVersion": "1"}},
    "text": "a text",
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr(watching, "SHORTEST_PAUSE", 0.1)
    new = ApiServer()
    yield new
    new.stop()


@pytest.mark.parametrize("what", MALFORMED)
def test_in_a_list_it_is_left_out_and_the_rest_is_followed(server: ApiServer, what: str) -> None:
    server.odd[PATH] = [MALFORMED[what]]
    put(server, "good", "1")
    for _ in range(2):  # Before and after a restart.
        follower = Follower(server)
        server.wait(lambda follower=follower: follower.values == {("x", "good"): "1"}, "the good one")  # type: ignore[misc]
        assert b'malformed_objects_total{stream="configmaps"} 1.0' in follower.metrics.text()
        follower.stop()


@pytest.mark.parametrize("change", ["ADDED", "DELETED", "BOOKMARK"])
@pytest.mark.parametrize("what", [each for each in MALFORMED if each not in ("text", "no content")])
def test_in_a_watch_it_is_left_out_and_the_watch_goes_on(server: ApiServer, what: str, change: str) -> None:
    put(server, "good", "1")
    follower = Follower(server)
    server.wait(lambda: follower.values, "the good one")
    server.tell(PATH, {"type": change, "object": MALFORMED[what]})
    put(server, "good", "2")
    server.wait(lambda: follower.values == {("x", "good"): "2"}, "the change")
    assert follower.lists == 1
    follower.stop()


@pytest.mark.parametrize(
    "line", [b"{half a li", b'"a text"', b"[]", b'{"type": "ADDED"}', b'{"type": "ERROR", "object": {}}']
)
def test_a_line_that_is_no_event_has_all_listed_anew(server: ApiServer, line: bytes) -> None:
    """As what it was about is not known."""
    put(server, "good", "1")
    follower = Follower(server)
    server.wait(lambda: follower.values, "the good one")
    server.tell(PATH, line)
    put(server, "good", "2")
    server.wait(lambda: follower.values == {("x", "good"): "2"}, "the change")
    server.wait(lambda: follower.lists == 2, "a list")
    follower.stop()


@pytest.mark.parametrize("answer", [{"items": 5}, {"items": [], "metadata": 5}, {"items": [], "metadata": {}}, [], 5])
def test_a_list_that_is_none_is_asked_for_again(server: ApiServer, answer: object) -> None:
    put(server, "good", "1")
    server.answers[PATH] = answer
    follower = Follower(server)
    server.wait(lambda: sum("limit" in path for _, path in server.requests) > 1, "a second try")
    del server.answers[PATH]
    server.wait(lambda: follower.values == {("x", "good"): "1"}, "the good one")
    follower.stop()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/version", {}),
        ("/version", []),
        ("/api/v1/nodes", {"items": [None]}),
        ("/api/v1/nodes", {"items": [{"status": []}, 5]}),
        ("/api/v1/nodes", {}),
    ],
)
def test_a_member_that_says_nonsense_of_itself_is_not_ready_and_the_others_are(
    world: World, path: str, answer: object
) -> None:
    world.members["gondor"].answers[path] = answer
    world.start()
    world.wait([None, "1"])
    world.wait_for_ready("gondor", "False")
    assert "ValueError" in world.condition("gondor")["message"]
    del world.members["gondor"].answers[path]
    world.wait(["1", "1"])


def test_a_member_may_have_no_nodes(world: World) -> None:
    world.members["gondor"].answers["/api/v1/nodes"] = {"items": None}
    world.start()
    world.wait(["1", "1"])


CLUSTERS_LIKE_NONE: dict[str, Json] = {
    "no spec": {"metadata": {"name": "mordor"}},
    "no endpoint": {"metadata": {"name": "mordor"}, "spec": {}},
    "no address": {"metadata": {"name": "mordor"}, "spec": {"apiEndpoint": "a://b:c/d"}},
    "odd conditions": {"metadata": {"name": "mordor"}, "spec": {"apiEndpoint": "x"}, "status": {"conditions": "none"}},
    "odd debts": {
        "metadata": {"name": "mordor"},
        "spec": {"apiEndpoint": "x"},
        "status": {"owed": {"uid": "junk"}, "conditions": [{"type": "Ready", "status": "True"}]},
    },
}


@pytest.mark.parametrize("what", CLUSTERS_LIKE_NONE)
def test_a_malformed_cluster_keeps_no_other_one_waiting(world: World, what: str) -> None:
    world.start()
    world.wait(["1", "1"])
    world.federation.put(CLUSTERS, CLUSTERS_LIKE_NONE[what])
    world.write("ring", "2")
    world.wait(["2", "2"])
    world.restart("ConfigMap")
    world.write("ring", "3")
    world.wait(["3", "3"])
