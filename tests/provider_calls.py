"""A kind of resource of our own provider, called as its edge calls it, each call in a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from provider.resource import Resource, Work
from provider.values import Values


class Called:
    """One resource; `gone` are the members that are given up."""

    def __init__(self, kind: type[Resource], gone: Collection[str] = ()) -> None:
        self._kind, self._gone = kind, frozenset(gone)
        self.told: list[str] = []
        """The warnings."""

    @property
    def resource(self) -> Resource:
        return self._kind(Work(), self._gone, self._tell)

    async def _tell(self, message: str) -> None:
        self.told.append(message)

    def problems(self, old: Values | None, new: Values) -> Mapping[str, str]:
        return asyncio.run(self.resource.problems(old, new))

    def stale(self, state: Values, new: Values) -> list[str]:
        return self.resource.stale(state, new)

    def create(self, new: Values) -> Values:
        return {**new, **asyncio.run(self.resource.create(new))}

    def read(self, state: Values) -> Values:
        return {**state, **asyncio.run(self.resource.read(state))}

    def update(self, state: Values, new: Values, old: Values | None = None) -> Values:
        return {**new, **asyncio.run(self.resource.update(state, old or new, new))}

    def delete(self, state: Values) -> None:
        asyncio.run(self.resource.delete(state))
