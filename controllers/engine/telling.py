"""What is told of each object in one member, once: how it stands there, and what is wrong with it."""

from __future__ import annotations

import logging
from http import HTTPStatus

from controllers.engine.contract import CarrierHandlers
from controllers.engine.member_status import MemberStatus
from controllers.engine.metrics import Metrics
from controllers.engine.refs import Ref
from controllers.runtime.api import FAILURES, why
from kube.errors import ApiError

log = logging.getLogger(__name__)

NO_REFUSAL = (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
"""Answers that say nothing against an object: it has changed since it was looked at; the member is busy."""


class Telling:
    """To be used on the loop of the member's carrier only."""

    def __init__(self, member: str, handlers: CarrierHandlers, metrics: Metrics) -> None:
        self._member, self._handlers, self._metrics = member, handlers, metrics
        self._problems: dict[Ref, str] = {}
        self._stands: dict[Ref, MemberStatus] = {}
        self._foreign: set[Ref] = set()

    def problem(self, ref: Ref) -> str:
        """What was told last; empty if it is well."""
        return self._problems.get(ref, "")

    def report(self, ref: Ref, text: str) -> None:
        """Once, until it is another problem or none."""
        if self._problems.get(ref) != text:
            self._problems[ref] = text
            self._handlers.problem(ref, text)

    def failed(self, ref: Ref, error: Exception) -> None:
        """That it is not as it should be, for this failure, and is tried again."""
        log.warning(
            f"{ref} is not as it should be in {self._member}, and will be tried again: {why(error)}",
            exc_info=None if isinstance(error, FAILURES) else error,
            extra={"cluster": self._member, "object": str(ref)},
        )
        self._metrics.refused.labels(self._member).inc()
        # Without an answer (0 is TLS that failed) there is nothing to tell of this object: the heartbeat tells of the
        # member.
        if isinstance(error, ApiError) and error.status and error.status not in NO_REFUSAL:
            self.report(ref, f"{self._member} refuses {ref}: {why(error)}")

    def is_well(self, ref: Ref) -> None:
        self._problems.pop(ref, None)

    def stands(self, ref: Ref, now: MemberStatus | None) -> None:
        """How it stands; None is that it is to be there no more."""
        if self._stands.get(ref) == now:
            return
        if now is None:
            del self._stands[ref]
        else:
            self._stands[ref] = now
        self._handlers.status_changed(ref, now)

    def note_foreign(self, ref: Ref, *, foreign: bool) -> None:
        """Whether the member has one that others made, as a figure."""
        (self._foreign.add if foreign else self._foreign.discard)(ref)
        self._metrics.foreign.labels(self._member).set(len(self._foreign))

    def forget(self, ref: Ref) -> None:
        """All but how it stands: that it is to be there no more is told."""
        self._problems.pop(ref, None)
        self.note_foreign(ref, foreign=False)
