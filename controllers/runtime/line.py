"""A line to one API that is kept while it works, and is new after a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from controllers.runtime.api import FAILURES, Api
from kube.errors import ApiError

FRESH_SECONDS = 30.0
"""After so long it is made anew, with the credentials of then."""
BROKEN = (0, 401, 403)
"""Answers that a new line may change; 0 is the client's way to tell of TLS."""


class Line:
    """Not for several threads."""

    def __init__(self, connect: Callable[[], Api]) -> None:
        self._connect = connect
        self._api: Api | None = None
        self._until = 0.0

    @contextmanager
    def open(self) -> Iterator[Api]:
        """Raises what Api's calls raise."""
        if self._api is None or monotonic() >= self._until:
            self.close()
            self._api, self._until = self._connect(), monotonic() + FRESH_SECONDS
        try:
            yield self._api
        except FAILURES as error:
            # An answer shows that the line is good, unless it does not know who asks.
            if not isinstance(error, ApiError) or error.status in BROKEN:
                self.close()
            raise

    def close(self) -> None:
        if self._api is not None:
            with self._api:
                self._api = None
