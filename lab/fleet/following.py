"""Follows all objects of a kind: a list, then its changes, and so again whenever the API server was away."""

import time
from collections.abc import Callable
from typing import Any

from kube import watching
from kube.watching import Change, Ended, Page
from lab.fleet.api import FAILURES, SECONDS, Api
from lab.fleet.waiting import wait_until

AWAY_SECONDS = 24 * 3600
WATCH_SECONDS = 240

Objects = dict[str, Any]
"""By NAMESPACE/NAME, or NAME alone for what has no namespace."""


def follow(api: Api, path: str, act: Callable[[Objects], None]) -> None:
    """Never returns. `act` is called with all objects after each change; what it changes itself it puts in there."""
    while True:
        try:
            _follow(api, path, act)
        except FAILURES as problem:
            print(f"following {path}: {problem}", flush=True)
            time.sleep(1)  # Also where the API server is well, and something in it is not.
        wait_until("the API server to come back", lambda: api.has("/readyz"), AWAY_SECONDS)


def _follow(api: Api, path: str, act: Callable[[Objects], None]) -> None:
    objects: Objects = {}
    with api.client() as client:
        for told in watching.follow(client, path, seconds=SECONDS, watch_seconds=WATCH_SECONDS):
            match told:
                case Page():
                    objects |= {key(each): each for each in told.items}
                    if told.version:
                        act(objects)
                case Change():
                    _note(objects, told)
                    act(objects)
                case Ended():
                    # A server that ends every watch at once is not asked more than once a second.
                    time.sleep(max(0.0, 1 - told.seconds))


def _note(objects: Objects, change: Change) -> None:
    name = key(change.object)
    if change.type == "DELETED":
        objects.pop(name, None)
    # A change may be older than what our own writing has returned.
    elif name not in objects or _version(change.object) > _version(objects[name]):
        objects[name] = change.object


def key(each: Any) -> str:
    metadata = each["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else str(metadata["name"])


def _version(each: Any) -> int:
    return int(each["metadata"]["resourceVersion"])
