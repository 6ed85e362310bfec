"""The latest view of each object of a stream, and the Service that it is about."""

from __future__ import annotations

from collections import defaultdict
from typing import Generic, Protocol, TypeVar

from controllers.runtime.objects import Key
from controllers.runtime.watching import News


class OfService(Protocol):
    @property
    def service(self) -> Key: ...


V = TypeVar("V", bound=OfService)


class Cache(Generic[V]):
    """The latest view of each object of a stream, and the Service that it is about."""

    def __init__(self) -> None:
        self.synced = False
        """Whether all objects were told once."""
        self._views: dict[Key, V] = {}
        self._of: defaultdict[Key, dict[Key, V]] = defaultdict(dict)

    def take(self, news: News[V]) -> set[Key]:
        """The Services of which something changed."""
        self.synced = self.synced or news.complete
        gone = self._views.keys() - news.views.keys() if news.complete else set()
        changed = [(key, news.views.get(key)) for key in {*news.views, *gone}]
        return set().union(*(self._put(key, view) for key, view in changed))

    def of(self, service: Key) -> list[V]:
        return list(self._of[service].values()) if service in self._of else []

    def one(self, service: Key) -> V | None:
        """The one object of the Service, for streams that have one."""
        return next(iter(self.of(service)), None)

    @property
    def services(self) -> set[Key]:
        return set(self._of)

    def _put(self, key: Key, view: V | None) -> set[Key]:
        old = self._views.pop(key, None)
        if view is not None:
            self._views[key] = view
        if old == view:
            return set()
        if old is not None:
            del self._of[old.service][key]
            if not self._of[old.service]:
                del self._of[old.service]
        if view is not None:
            self._of[view.service][key] = view
        return {each.service for each in (old, view) if each is not None}
