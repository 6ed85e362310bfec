"""What a kind of resource does, without Pulumi's protocol, and how it says what went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from provider.values import Values

T = TypeVar("T")


class ProviderError(Exception):
    """Something that cannot be done; the message is one sentence for the user, with no secret in it."""


class BegunError(ProviderError):
    """Something was changed outside, and not all that was to be: Pulumi is to remember the resource, and go on."""


class GivenUpError(ProviderError):
    """Pulumi was interrupted, and with it what was under way."""

    def __init__(self) -> None:
        super().__init__("interrupted; the next run does it again")


class Work:
    """Waiting, in a way that holds up no other resource and ends when Pulumi is interrupted."""

    def __init__(self) -> None:
        self._cancelled = asyncio.Event()

    def cancel(self) -> None:
        """End all that is awaited, now and later."""
        self._cancelled.set()

    async def sleep(self, seconds: float) -> None:
        """Wait that long; raises GivenUpError."""
        await self._unless_cancelled(asyncio.sleep(seconds))

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """What the function returns, called in a thread; raises GivenUpError, and the call then goes on unheeded."""
        return await self._unless_cancelled(asyncio.to_thread(function, *arguments))

    async def _unless_cancelled(self, awaited: Coroutine[Any, Any, T]) -> T:
        if self._cancelled.is_set():
            awaited.close()
            raise GivenUpError
        task, cancelled = asyncio.ensure_future(awaited), asyncio.ensure_future(self._cancelled.wait())
        await asyncio.wait({task, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        cancelled.cancel()
        if task.done():
            return task.result()
        task.cancel()
        raise GivenUpError


class Resource:
    """One kind. All are given plain values: the inputs as the program has them, the state with the outputs too.

    What they return are the outputs that are no inputs. Nothing here is called with an unknown value, but `problems`
    and `foreseen`.
    """

    def __init__(self, work: Work, gone: frozenset[str], tell: Callable[[str], Awaitable[None]]) -> None:
        """`gone`: the members that are not to be asked any more. `tell` shows the user a warning."""
        self.work = work
        self.gone = gone
        self.tell = tell

    async def problems(self, old: Values | None, new: Values) -> Mapping[str, str]:
        """What would make an update fail, by input; `old` are the inputs of the last update, if there was one.

        In a preview, values in `new` may be unknown: a kind says what it can tell without them.
        """
        return {}

    def stale(self, state: Values, new: Values) -> list[str]:
        """The outputs that call for an update although no input has changed."""
        return []

    def foreseen(self, state: Values, old: Values, new: Values) -> Values:
        """Those outputs of an update that a preview knows already."""
        return {}

    async def create(self, new: Values) -> Values:
        raise NotImplementedError

    async def read(self, state: Values) -> Values:
        """The outputs as they are now."""
        return {}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        raise NotImplementedError

    async def delete(self, state: Values) -> None:
        """Take away what there is outside of Pulumi's state; what is gone already is no error."""
