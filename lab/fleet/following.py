"""Follows all objects of a kind: a list, then its changes, and so again whenever the API server was away."""

from collections.abc import Callable
from typing import Any

from lab.fleet.api import FAILURES, Api
from lab.fleet.waiting import wait_until

AWAY_SECONDS = 24 * 3600

Objects = dict[str, Any]
"""By NAMESPACE/NAME, or NAME alone for what has no namespace."""


def follow(api: Api, path: str, act: Callable[[Objects], None]) -> None:
    """Never returns. `act` is called with all objects after each change; what it changes itself it puts in there."""
    while True:
        try:
            _follow(api, path, act)
        except FAILURES as problem:
            print(f"following {path}: {problem}", flush=True)
        wait_until("the API server to come back", lambda: api.has("/readyz"), AWAY_SECONDS)


def _follow(api: Api, path: str, act: Callable[[Objects], None]) -> None:
    found = api.get(path)
    objects = {key(each): each for each in found["items"]}
    act(objects)
    for event in api.watch(path, found["metadata"]["resourceVersion"]):
        if event["type"] == "ERROR":
            return
        changed = event["object"]
        name = key(changed)
        if event["type"] == "DELETED":
            objects.pop(name, None)
        # An event may be older than what our own writing has returned.
        elif name not in objects or _version(changed) > _version(objects[name]):
            objects[name] = changed
        act(objects)


def key(each: Any) -> str:
    metadata = each["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else str(metadata["name"])


def _version(each: Any) -> int:
    return int(each["metadata"]["resourceVersion"])
