"""Following a collection: pages, ends of watches, and the picture that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kube.watching
from controllers.names.cache import Cache
from controllers.names.metrics import Metrics
from controllers.runtime import watching
from controllers.runtime.api import Api
from controllers.runtime.objects import Json, Key
from controllers.runtime.watching import News, Stream, follow, pause_after
from tests.kube_api import ApiServer

pytestmark = pytest.mark.unit

PATH = "/api/v1/configmaps"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    new = ApiServer()
    yield new
    new.stop()


class Follower:
    """What a stream told, as its reader would know it."""

    def __init__(self, server: ApiServer, selector: str = "") -> None:
        self.values: dict[Key, str] = {}
        self.lists = 0
        self.metrics = Metrics()
        self.stream = Stream(
            "configmaps", PATH, _value, lambda: Api.of_token(server.url, "", "token"), self._tell, selector
        )
        follow(self.stream, self.metrics.streams)

    def _tell(self, news: News[str]) -> None:
        self.lists += news.complete
        kept = {} if news.complete else self.values
        self.values = {key: value for key, value in {**kept, **news.views}.items() if value is not None}

    def stop(self) -> None:
        self.stream.stopped.set()


def _value(obj: Json) -> str | None:
    value: str | None = obj["data"]
    return value


def put(server: ApiServer, name: str, value: str | None, **labels: str) -> None:
    server.put(PATH, {"metadata": {"namespace": "x", "name": name, "labels": labels}, "data": value})


def test_a_long_list_is_read_by_pages(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube.watching, "PAGE", "3")
    for number in range(8):
        put(server, f"n{number}", str(number) if number != 5 else None)
    follower = Follower(server)
    server.wait(lambda: len(follower.values) == 7, "all but the one that does not count")
    assert sum("limit=3" in path for _, path in server.requests) == 3
    follower.stop()


def test_an_api_that_went_back_to_an_earlier_version_is_listed_anew(server: ApiServer) -> None:
    put(server, "a", "1")
    before = server.snapshot()
    follower = Follower(server)
    server.wait(lambda: len(follower.values) == 1, "the list")
    put(server, "b", "2")
    server.wait(lambda: len(follower.values) == 2, "what the watch tells")
    server.restore(before)
    server.wait(lambda: follower.values == {("x", "a"): "1"}, "what is there now")
    put(server, "c", "3")
    server.wait(lambda: ("x", "c") in follower.values, "what came after, though its version is not higher")
    follower.stop()


def test_a_list_that_fails_half_way_tells_nothing(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube.watching, "PAGE", "1")
    for name in "ab":
        put(server, name, "1")
    follower = Follower(server)
    server.wait(lambda: len(follower.values) == 2, "both")
    server.broken_pages.add(PATH)
    server.expire()
    put(server, "c", "1")
    server.wait(lambda: sum("continue" in path for _, path in server.requests) >= 3, "second pages to be refused")
    assert set(follower.values) == {("x", "a"), ("x", "b")}
    assert follower.lists == 1
    server.broken_pages.clear()
    server.wait(lambda: len(follower.values) == 3, "all, once it is whole")
    follower.stop()


def test_a_watch_that_the_server_ends_goes_on_without_a_new_list(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube.watching, "WATCH_SECONDS", 1)
    put(server, "a", "1")
    follower = Follower(server)

    def watched_from() -> list[int]:
        queries = [dict(parse_qsl(urlsplit(path).query)) for _, path in server.requests]
        return [int(query["resourceVersion"]) for query in queries if "watch" in query]

    server.wait(watched_from, "a watch")
    put(server, "a", "2")
    put(server, "b", None)
    server.wait(lambda: watched_from()[-1] == watched_from()[0] + 2, "a watch from there")
    server.wait(lambda: follower.values == {("x", "a"): "2"}, "the change")
    put(server, "a", None)
    server.wait(lambda: follower.values == {}, "what no longer counts to go")
    assert follower.lists == 1
    follower.stop()


def test_an_object_that_loses_the_label_is_gone(server: ApiServer) -> None:
    put(server, "a", "1", app="web")
    put(server, "b", "1")
    follower = Follower(server, "app=web")
    server.wait(lambda: follower.values == {("x", "a"): "1"}, "the labelled one")
    put(server, "a", "1", app="other")
    server.wait(lambda: follower.values == {}, "it to go")
    follower.stop()


def test_objects_that_went_unseen_are_gone_with_the_next_list(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SHORTEST_PAUSE", 0.1)
    put(server, "a", "1")
    follower = Follower(server)
    server.wait(lambda: follower.values, "the object")
    server.stop()
    server.wait(lambda: b'connected{stream="configmaps"} 0.0' in follower.metrics.text(), "the loss to be noticed")
    assert follower.values == {("x", "a"): "1"}
    server.remove(PATH, "x", "a")
    server.start()
    server.wait(lambda: follower.values == {}, "it to go")
    assert b'failures_total{stream="configmaps"} 0.0' not in follower.metrics.text()
    follower.stop()


@pytest.mark.parametrize(("away", "pause"), [(0, 0.5), (2, 0.5), (8, 2), (48, 12), (3600, 12)])
def test_what_comes_back_is_seen_after_a_quarter_of_the_time_for_which_it_was_away(away: float, pause: float) -> None:
    assert pause_after(away) == pause


@dataclass(frozen=True)
class Part:
    service: Key
    value: int


KEYS = st.tuples(st.just("x"), st.sampled_from("abc"))
VIEWS = st.dictionaries(KEYS, st.one_of(st.none(), st.builds(Part, KEYS, st.integers(0, 1))))


@given(st.lists(st.builds(News, VIEWS, st.booleans()), max_size=6))
def test_the_kept_picture_is_what_was_told(told: list[News[Part]]) -> None:
    cache: Cache[Part] = Cache()
    expected: dict[Key, Part] = {}
    for news in told:
        before = expected
        expected = {} if news.complete else dict(expected)
        for key, view in news.views.items():
            expected.pop(key, None)
            if view is not None:
                expected[key] = view
        differing = {key for key in {*before, *expected} if before.get(key) != expected.get(key)}
        touched = {each[key].service for each in (before, expected) for key in differing if key in each}
        assert cache.take(news) == touched
        for service in [("x", letter) for letter in "abc"]:
            parts = [part for part in expected.values() if part.service == service]
            assert sorted(part.value for part in cache.of(service)) == sorted(part.value for part in parts)
            assert cache.one(service) in parts or not parts
        assert cache.services == {part.service for part in expected.values()}
    assert cache.synced is any(news.complete for news in told)
