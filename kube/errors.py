"""What goes wrong with an API server, besides urllib3's HTTPError where there is no answer."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """An answer that is not the one asked for; or none, as no TLS session came about."""

    def __init__(
        self, status: int = 0, reason: str | None = None, body: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """`status` of HTTP, 0 where TLS failed; `body` is a Status object in JSON where the API server wrote it."""
        super().__init__(f"{status} {reason}{': ' * bool(body)}{body}")
        self.status, self.reason, self.body, self.headers = status, reason, body, headers or {}

    @property
    def is_cut_off(self) -> bool:
        """Whether TLS ended before it began: a load balancer whose API servers are gone does that."""
        return not self.status and "EOF" in str(self.reason)


class CredentialsError(Exception):
    """The credentials of a kubeconfig come to nothing; the message says why."""
