"""Following a collection of objects: a list by pages, then one watch after the other, each from where the last ended.

What to do about a failure, and about an object that cannot be read, is the caller's.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Any

from kube.client import Client
from kube.errors import ApiError

PAGE = "500"
WATCH_SECONDS = 30
"""After so long the server ends a watch, so that a dead connection is one that stays silent for longer."""
GRACE_SECONDS = 5
"""So much longer than a watch may last, a connection may stay silent."""
_CHANCE = random.Random()


@dataclass(frozen=True)
class Page:
    """A part of the list; few objects at a time are held in full."""

    items: Sequence[Any]
    version: str
    """Of the collection (resourceVersion), on the last page; empty on those before it."""


@dataclass(frozen=True)
class Change:
    """What a watch tells."""

    type: str
    """ADDED, MODIFIED or DELETED."""
    object: dict[str, Any]
    version: str
    """Of the collection then; empty for what does not say it, of which nobody knows what it is about."""


@dataclass(frozen=True)
class Ended:
    """The server has ended a watch, in good order; with the next step the next one begins."""

    seconds: float
    """How long it was."""


def follow(
    client: Client,
    path: str,
    *,
    seconds: tuple[float, float],
    watch_seconds: int | None = None,
    query: Mapping[str, str] | None = None,
) -> Iterator[Page | Change | Ended]:
    """All objects, then what changes, for ever. Raises what Client's calls raise, and ValueError for no such answer.

    `seconds` is how long it may take to connect, and to answer; `watch_seconds` (default: WATCH_SECONDS) after how long
    the server ends each watch. Where the API went back to before what was seen of it, ApiError (410) is raised.
    """
    query, watch_seconds = query or {}, watch_seconds or WATCH_SECONDS
    version = ""
    for page in pages(client, path, seconds, query):
        version = page.version
        yield page
    del page  # Hundreds of objects in full are not held while nothing happens.
    while True:
        began = monotonic()
        for change in watch(client, path, version, seconds=seconds, watch_seconds=watch_seconds, query=query):
            version = _after(version, change.version) if change.version else version
            if change.type != "BOOKMARK" or not change.version:
                yield change
        lasted = monotonic() - began
        # A watch is asked for a fifth less at the least.
        if lasted < 0.8 * watch_seconds - 1:
            # It ended early, as when the server starts anew: on an etcd of before, a watch from now would tell nothing.
            now = client.ask_for_object("GET", path, query={**query, "limit": "1"}, seconds=seconds)
            _after(version, (now.get("metadata") or {}).get("resourceVersion") or "")
        yield Ended(lasted)


def watch(
    client: Client,
    path: str,
    version: str,
    *,
    seconds: tuple[float, float],
    watch_seconds: int,
    query: Mapping[str, str],
) -> Iterator[Change]:
    """The events of one watch after this version; it ends where the server ends it, after about `watch_seconds`.

    About: watches that began together should not all be asked for again at once.
    """
    lasting = max(1, round(watch_seconds * _CHANCE.uniform(0.8, 1.2)))
    asked = {
        **query,
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(lasting),
        "resourceVersion": version,
    }
    answer = client.call("GET", path, query=asked, seconds=(seconds[0], lasting + GRACE_SECONDS), streamed=True)
    try:
        for line in answer:
            event = json.loads(line)
            if not isinstance(event, dict) or not isinstance(event.get("object"), dict):
                raise ValueError(f"this line of a watch tells of no object: {line[:100]!r}")
            told = event["object"]
            if event.get("type") == "ERROR":
                raise ApiError(status=told.get("code"), reason=told.get("message"))
            metadata = told.get("metadata")
            newer = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
            yield Change(str(event.get("type")), told, str(newer or ""))
    finally:
        answer.close()


def pages(client: Client, path: str, seconds: tuple[float, float], query: Mapping[str, str]) -> Iterator[Page]:
    """All objects of a collection as they are now. Raises as `follow` does."""
    more = ""
    while True:
        asked = {**query, "limit": PAGE, **({"continue": more} if more else {})}
        page = client.ask_for_object("GET", path, query=asked, seconds=seconds)
        metadata = page.get("metadata") or {}
        more = metadata.get("continue", "")
        version = "" if more else metadata.get("resourceVersion") or ""
        if not (more or version):
            raise ValueError("this list does not say of which version it is")
        yield Page(page.get("items") or (), version)
        if not more:
            return


def _after(version: str, now: str) -> str:
    """The later version; raises ApiError (410) where the API went back to before what was seen of it."""
    if int(now) < int(version):
        raise ApiError(status=HTTPStatus.GONE, reason=f"the API went back, from version {version} to {now}")
    return now
