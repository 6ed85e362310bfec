"""A line to one API server as controllers need it: a fence before each write, and finite times for everything."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from urllib3.exceptions import HTTPError

from controllers.runtime.objects import Json
from kube.client import APPLY, MERGE_PATCH, Client
from kube.errors import ApiError, CredentialsError
from kube.watching import Change, Ended, Page, follow

CONNECT_SECONDS = 5
ANSWER_SECONDS = 15
"""The engine judges a member's health by it, and dns-controller whether its API answers at all: both the same."""
LONGEST_WAIT = 60.0
"""No server is left alone for longer, whatever it asks for."""

FAILURES = (ApiError, HTTPError, CredentialsError, OSError, ValueError)
"""What the calls raise: an answer that is not one; no answer; bad credentials; a missing file; no JSON."""

_PARTIAL = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


class Api:
    """One API server. Not for several threads at once."""

    def __init__(
        self,
        client: Client,
        *,
        fence: Callable[[], None] = lambda: None,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        """`fence` is called right before each write, and does not return where none may go out (any more).

        `seconds` is how long an answer may take.
        """
        self.fence, self._seconds, self._client = fence, seconds, client

    @classmethod
    def of_kubeconfig(
        cls, path: Path, *, fence: Callable[[], None] = lambda: None, seconds: float = ANSWER_SECONDS
    ) -> Self:
        """The API of the file's one context; the file is read anew, since its certificates change."""
        try:
            kubeconfig = yaml.safe_load(path.read_text())
            entries = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        except (yaml.YAMLError, KeyError, IndexError, TypeError) as error:
            raise CredentialsError(f"{path} is no kubeconfig: {error}") from error
        return cls(Client(*entries), fence=fence, seconds=seconds)

    @classmethod
    def of_token(
        cls,
        url: str,
        ca: str,
        token: str,
        *,
        insecure: bool = False,
        proxy: str = "",
        fence: Callable[[], None] = lambda: None,
    ) -> Self:
        """The API at `url`, whose certificate is signed by `ca` (PEM), for the bearer of `token`.

        `insecure` takes any certificate; `proxy` is the URL of an HTTP proxy on the way.
        """
        # An authority that cannot be read would count, although nothing is held against it.
        trusted = {} if insecure else {"certificate-authority-data": b64encode(ca.encode()).decode()}
        cluster = {"server": url, "insecure-skip-tls-verify": insecure, "proxy-url": proxy, **trusted}
        return cls(Client(cluster, {"token": token}), fence=fence)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ping(self, seconds: float = ANSWER_SECONDS) -> None:
        """Whether it is ready; raises ApiError if it says that it is not."""
        self._client.call("GET", "/readyz", seconds=_times(seconds))

    def get(self, path: str, **query: str) -> Json:
        return self._ask("GET", path, query=query)

    def metadata(self, path: str) -> Json:
        """The object without its content: of a Secret, nothing that is secret."""
        return self._ask("GET", path, accept=_PARTIAL.format(""))

    def list_metadata(self, path: str, **query: str) -> Json:
        """A page of a collection, of each object as much as `metadata` gives."""
        return self._ask("GET", path, query=query, accept=_PARTIAL.format("List"))

    def create(self, path: str, body: Json) -> Json:
        return self._ask("POST", path, body=body)

    def replace(self, path: str, body: Json) -> Json:
        """Raises ApiError with 409 if `metadata.resourceVersion` is not the current one."""
        return self._ask("PUT", path, body=body)

    def patch(self, path: str, body: Json) -> Json:
        """Merges (RFC 7386): keys that `body` does not name stay as they are."""
        return self._ask("PATCH", path, body=body, content=MERGE_PATCH)

    def apply(self, path: str, body: str, manager: str, *, force: bool) -> Json:
        """Server-side apply of a whole object in JSON; `force` takes fields over that others manage."""
        query = {"fieldManager": manager, "force": str(force).lower()}
        return self._ask("PATCH", path, query=query, body=body, content=APPLY)

    def delete(self, path: str, body: Json) -> Json:
        return self._ask("DELETE", path, body=body)

    def follow(self, path: str, watch_seconds: int | None = None, **query: str) -> Iterator[Page | Change | Ended]:
        """All objects of a collection, then its changes, as `kube.watching` has them."""
        return follow(self._client, path, seconds=_times(self._seconds), watch_seconds=watch_seconds, query=query)

    def _ask(self, method: str, path: str, **request: Any) -> Json:
        if method != "GET":
            self.fence()
        return self._client.ask_for_object(method, path, seconds=_times(self._seconds), **request)


def _times(seconds: float) -> tuple[float, float]:
    """To connect, and to answer."""
    return min(CONNECT_SECONDS, seconds), seconds


def wait_asked_for(error: Exception) -> float:
    """Seconds that the server asks us to wait before we ask again (Retry-After); 0 if it asks for nothing."""
    headers = error.headers or {} if isinstance(error, ApiError) else {}
    try:
        return min(LONGEST_WAIT, max(0.0, float(headers.get("Retry-After", 0))))
    except ValueError:
        return 0.0


def why(error: Exception) -> str:
    """The failure in one line: what an API server answered, or why there was no answer."""
    if isinstance(error, ApiError):
        return f"{error.status} {_message(error)}"
    return f"{type(error).__name__}: {error.__cause__ or error}"


def _message(error: ApiError) -> str:
    """What the server says in a Status object, else the HTTP reason."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
