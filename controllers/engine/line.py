"""A line to one API that is kept while it works, and is new after a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from kubernetes.client import ApiException

from controllers.runtime.api import FAILURES, Api

FRESH_SECONDS = 30.0
"""After so long it is made anew, with the credentials of then."""
DENIED = (401, 403)


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
            if not isinstance(error, ApiException) or error.status in DENIED:
                self.close()
            raise

    def close(self) -> None:
        if self._api is not None:
            with self._api:
                self._api = None
