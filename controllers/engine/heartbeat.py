"""Asks one member's API every few seconds how it is, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

from controllers.engine.health import Health, Verdict
from controllers.runtime.api import ANSWER_SECONDS, FAILURES, Api
from controllers.runtime.member import MemberCredentialsError
from kube.errors import ApiError

EVERY_SECONDS = 5.0
SOON_SECONDS = 1.0
"""After the first good answer of a member that is not Ready, until the next."""
FRESH_SECONDS = 30.0
"""After so long the credentials are read anew."""
REPORT_SECONDS = 60.0
"""After so long a member is asked again what it says of itself: a list of many nodes is long."""


@dataclass(frozen=True)
class Report:
    """What a member says of itself."""

    kubernetes: str
    nodes: tuple[int, int] | None
    """All, and those that are Ready; None if we may not know."""


class Heartbeat:
    """Tells each verdict, from its own thread, until it is stopped."""

    def __init__(
        self, name: str, connect: Callable[[], Api], ready: bool | None, tell: Callable[[Verdict, Report | None], None]
    ) -> None:
        """`connect` makes a new line with credentials that are read anew; `ready` is what was held so far."""
        self._connect, self._tell = connect, tell
        self._health = Health(ready, monotonic())
        self._line: Api | None = None
        self._fresh_until = 0.0
        self._report_again = 0.0
        self._report: Report | None = None
        self._name = name
        self.stopped = Event()

    def start(self) -> None:
        Thread(target=self._run, name=f"heartbeat of {self._name}", daemon=True).start()

    def _run(self) -> None:
        pause = 0.0
        while not self.stopped.wait(pause):
            began = monotonic()
            verdict = self._ask(began)
            if verdict is not None and not self.stopped.is_set():
                self._tell(verdict, self._report)
            now = monotonic()
            waiting = self._health.ready is False and self._health.in_a_row > 0
            every = SOON_SECONDS if waiting else EVERY_SECONDS
            patience = self._health.patience(now)
            # Once the time is up the next attempt decides, and does not wait for its turn.
            pause = max(0.1, min(began + every - now, patience) if patience else began + every - now)
        self._drop()

    def _ask(self, began: float) -> Verdict | None:
        patience = self._health.patience(began)
        seconds = min(ANSWER_SECONDS, max(1.0, patience)) if patience else ANSWER_SECONDS
        is_fresh = self._line is not None and began < self._fresh_until
        try:
            line = self._line if is_fresh else self._renew(began)
            if line is None:
                return None
            line.ping(seconds)
            if began >= self._report_again:
                self._report, self._report_again = _report(line), began + REPORT_SECONDS
        except FAILURES as error:
            self._drop()
            self._health, verdict = self._health.missed(monotonic(), error)
        else:
            self._health, verdict = self._health.heard(monotonic())
        return verdict

    def _renew(self, now: float) -> Api | None:
        """A new line; None if the federation API did not give the credentials, which says nothing of the member."""
        self._drop()
        try:
            self._line, self._fresh_until = self._connect(), now + FRESH_SECONDS
        except MemberCredentialsError:
            raise
        except FAILURES:
            return None
        return self._line

    def _drop(self) -> None:
        if self._line is not None:
            with self._line:
                self._line = None


def _report(api: Api) -> Report:
    """Raises what Api's calls raise, also for an answer of another shape."""
    version, nodes = api.get("/version"), None
    try:
        # Where the federation may not see nodes, their number is not known, and nothing is wrong.
        with suppress(ApiError):
            items = api.get("/api/v1/nodes", resourceVersion="0")["items"] or ()  # Null if there are none.
            nodes = len(items), sum(_is_ready(node.get("status") or {}) for node in items)
        return Report(str(version["gitVersion"]), nodes)
    except (KeyError, TypeError, AttributeError) as error:
        # One odd member must not stop the others.
        raise ValueError(f"what it says of its version and nodes cannot be read: {error!r}") from error


def _is_ready(status: dict[str, object]) -> bool:
    conditions = status.get("conditions")
    return isinstance(conditions, list) and any(
        each.get("type") == "Ready" and each.get("status") == "True" for each in conditions
    )
