"""All objects of a collection, without their content."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.runtime.api import Api
from controllers.runtime.objects import Json

PAGE = "500"


def all_metadata(api: Api, path: str) -> Iterator[Json]:
    """The metadata of each, a page at a time. Raises what Api's calls raise."""
    more: dict[str, str] = {}
    while True:
        page = api.list_metadata(path, limit=PAGE, **more)
        yield from (item["metadata"] for item in page["items"] or ())  # Null if there are none.
        more = {"continue": page["metadata"].get("continue", "")}
        if not more["continue"]:
            return
