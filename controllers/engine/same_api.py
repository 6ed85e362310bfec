"""That the federation API is the one that we began with: of another one, nothing that we hold is true."""

from __future__ import annotations

from collections.abc import Callable

from controllers.engine.api_writer import uid_of
from controllers.runtime.api import FAILURES, Api
from controllers.runtime.loop import Loop


class AnotherApiError(ValueError):
    """The federation API is not the one that we began with."""


def connect_to(uid: str, connect: Callable[[], Api], loop: Loop) -> Api:
    """A new line to the federation API, unless it is not that of this UID any more: then the loop ends by an error."""
    api = connect()
    try:
        now = uid_of(api)
    except FAILURES:
        with api:
            raise

    def give_up() -> None:
        """Ends the process: the next one begins with what is there now."""
        raise AnotherApiError(f"the federation API is another one, {now} instead of {uid}: all begins anew")

    if now != uid:
        loop.post(give_up)
        raise AnotherApiError(f"it is another API by now, {now}")
    return api
