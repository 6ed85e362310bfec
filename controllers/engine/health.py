"""Whether a member is Ready, judged by its answers over time. Pure."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from urllib3.exceptions import NameResolutionError, NewConnectionError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from controllers.runtime.api import why
from controllers.runtime.member import MemberCredentialsError
from kube.errors import ApiError

SILENT_SECONDS = 30.0
GOOD_ANSWERS = 2
"""So many in a row make a member Ready that was not."""
REACHABLE, NOT_REACHABLE, NOT_READY = "ClusterReady", "ClusterNotReachable", "ClusterNotReady"
"""Karmada's own reasons."""


@dataclass(frozen=True)
class Verdict:
    """Of the condition Ready."""

    ready: bool
    reason: str
    message: str


@dataclass(frozen=True)
class Health:
    """What is known of a member; times are of time.monotonic."""

    ready: bool | None
    """None before it was ever asked."""
    good_since: float
    """When it last answered well, or when we began to ask."""
    in_a_row: int = 0

    def heard(self, now: float) -> tuple[Health, Verdict | None]:
        """After a good answer; the verdict is None where that is not enough yet."""
        after = replace(self, good_since=now, in_a_row=self.in_a_row + 1)
        if self.ready is False and after.in_a_row < GOOD_ANSWERS:
            return after, None
        return replace(after, ready=True), Verdict(True, REACHABLE, "the cluster's API answers")

    def missed(self, now: float, error: Exception) -> tuple[Health, Verdict | None]:
        """After no answer or a bad one; the verdict is None while it still counts as Ready."""
        after = replace(self, in_a_row=0)
        if self.ready and now - self.good_since < SILENT_SECONDS:
            return after, None
        reason = NOT_READY if isinstance(error, ApiError) and error.status else NOT_REACHABLE
        return replace(after, ready=False), Verdict(False, reason, in_words(error))

    def patience(self, now: float) -> float:
        """Seconds until it is not Ready unless it answers; 0 if it is not."""
        return max(0.0, self.good_since + SILENT_SECONDS - now) if self.ready else 0.0


def in_words(error: Exception) -> str:
    """Why there was no good answer, for a person."""
    if isinstance(error, MemberCredentialsError):
        return str(error)
    if isinstance(error, ApiError):
        if not error.status:  # The client's way to tell of TLS.
            return f"the cluster's certificate is not accepted: {error.reason}"
        return _ANSWERS.get(error.status, "the cluster's API says that it is not ready: {}").format(why(error))
    for cause in _causes(error):
        for kinds, words in _FAILURES.items():
            if isinstance(cause, kinds):
                return words.format(cause)
    return f"no answer from the cluster: {why(error)}"


_ANSWERS = {
    401: "401: the cluster does not know the federation's token",
    403: "403: the cluster refuses the federation's account: {}",
}
_FAILURES: Mapping[type[Exception] | tuple[type[Exception], ...], str] = {
    ConnectionRefusedError: "connection refused: nothing listens at the cluster's address",
    (SSLError, ssl.SSLError): "the cluster's certificate is not accepted: {}",
    (NameResolutionError, socket.gaierror): "the name of the cluster's address is not found: {}",
    ProxyError: "the proxy does not lead to the cluster: {}",
    (HTTPTimeoutError, TimeoutError): "no answer from the cluster's address",
}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it comes from, the innermost first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
    # A connection that could not be made says little; what it came from says why.
    innermost_first = reversed(chain)
    return iter(sorted(innermost_first, key=lambda each: isinstance(each, NewConnectionError)))
