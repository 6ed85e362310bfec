"""Following a collection of objects: list, then watch, for ever."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event, Thread
from time import monotonic
from typing import Generic, TypeVar

from controllers.runtime.api import FAILURES, Api, wait_asked_for, why
from controllers.runtime.metrics import StreamMetrics
from controllers.runtime.objects import Json, Key, key_of
from kube.errors import ApiError
from kube.watching import Change, Ended, Page

log = logging.getLogger(__name__)

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 12.0
"""Seconds between attempts. Well below the 30 s that Karmada takes to call a returned cluster Ready, and with its
random share below the 20 s within which a change is answered after the federation API was away."""
PAUSE_SHARE = 0.25
"""Of the time since sight was lost: what comes back is seen after a quarter of the time for which it was away."""


T = TypeVar("T")


@dataclass(frozen=True)
class News(Generic[T]):
    """What a stream tells."""

    views: Mapping[Key, T | None]
    """By object; None is one that is gone or does not count."""
    complete: bool
    """Whether these are all objects there are, or only those that changed."""
    version: str = ""
    """Of the collection, by the API (resourceVersion)."""


@dataclass(frozen=True)
class Stream(Generic[T]):
    """A collection to follow."""

    name: str
    """For the reader of logs and metrics."""
    path: str
    read: Callable[[Json], T | None]
    connect: Callable[[], Api]
    """Called anew after each failure, for credentials that were changed meanwhile."""
    tell: Callable[[News[T]], None]
    selector: str = ""
    """Which labels count; empty is all."""
    watch_seconds: int | None = None
    """After so long the server ends each watch, and it is asked for the next; None is that of `kube.watching`."""
    failed: Callable[[Exception], None] = lambda _: None
    """Told why sight was lost, each time."""
    stopped: Event = field(default_factory=Event)


def follow(stream: Stream[T], metrics: StreamMetrics) -> None:
    """Starts a thread that tells all objects, then each change, until the stream is stopped."""
    Thread(target=_follow, args=(stream, metrics), name=stream.name, daemon=True).start()


def _follow(stream: Stream[T], metrics: StreamMetrics) -> None:
    """A failure is logged, and all begins anew."""
    pause, asked, told, lost = 0.0, 0.0, "", monotonic()
    while not stream.stopped.wait(max(asked, pause * random.uniform(0.8, 1.2))):
        began, asked = monotonic(), 0.0
        try:
            with stream.connect() as api:
                _list_and_watch(stream, api, metrics)
        except Exception as error:  # Whatever is odd about one collection, it must not stop the others.
            if stream.stopped.is_set():
                break
            metrics.failed(stream.name)
            asked = wait_asked_for(error)
            stream.failed(error)
            status = error.status if isinstance(error, ApiError) else None
            # A right that is missing stays so until somebody gives it: that is said once.
            if not (status == HTTPStatus.FORBIDDEN and told == why(error)):
                log.log(
                    logging.INFO if status == HTTPStatus.GONE else logging.WARNING,
                    f"lost sight of {stream.name}, what was seen last holds: {why(error)}",
                    exc_info=not isinstance(error, FAILURES),
                    extra={"stream": stream.name},
                )
            told = why(error)
        now = monotonic()
        if now - began > LONGEST_PAUSE:
            lost = now
        pause = pause_after(now - lost)


def pause_after(away: float) -> float:
    """Seconds until the next attempt, for what has been out of sight for so many. Pure."""
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, PAUSE_SHARE * away))


def _list_and_watch(stream: Stream[T], api: Api, metrics: StreamMetrics) -> None:
    views: dict[Key, T] = {}
    for told in api.follow(stream.path, stream.watch_seconds, labelSelector=stream.selector):
        if stream.stopped.is_set():
            return
        match told:
            case Page():
                for obj in told.items:
                    views |= {key: view for key, view in _read(stream, obj, metrics).items() if view is not None}
                if told.version:
                    stream.tell(News(views, complete=True, version=told.version))
                    metrics.connected(stream.name)
                    log.info(f"following {stream.name}: {len(views)}", extra={"stream": stream.name})
                    views = {}
            case Change():
                _tell(stream, told, metrics)
            case Ended():
                # A server or proxy that ends every watch at once is not asked more than once a second.
                if stream.stopped.wait(1 - told.seconds):
                    return
        del told  # Hundreds of objects in full are not held until the next change.


def _tell(stream: Stream[T], change: Change, metrics: StreamMetrics) -> None:
    # Nobody knows what it is about.
    if not change.version or (key := _key(change.object)) is None:
        _leave_out(stream, change.object, ValueError("it has no name, or no version"), metrics)
    elif change.type == "DELETED":
        stream.tell(News({key: None}, complete=False, version=change.version))
    else:
        # Of an object that cannot be read, what was seen last holds.
        views = _read(stream, change.object, metrics)
        stream.tell(News(views, complete=False, version=change.version))


def _key(obj: Json) -> Key | None:
    try:
        return key_of(obj)
    except KeyError:
        return None


def _read(stream: Stream[T], obj: Json, metrics: StreamMetrics) -> Mapping[Key, T | None]:
    """The object's view by its key; nothing of one that is malformed, which is reported."""
    try:
        return {key_of(obj): stream.read(obj)}
    except Exception as error:  # Whatever is odd about one object, it must not stop the others.
        _leave_out(stream, obj, error, metrics)
        return {}


def _leave_out(stream: Stream[T], obj: object, error: Exception, metrics: StreamMetrics) -> None:
    metrics.left_out(stream.name)
    metadata = obj.get("metadata") if isinstance(obj, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    log.error(
        f"one object of {stream.name} is malformed and left out: {type(error).__name__}: {error}",
        extra={"stream": stream.name, "object": str(name)},
    )
