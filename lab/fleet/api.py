"""A cluster's API, as far as the fleet itself needs it: read, create, patch."""

from base64 import b64encode
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from urllib3.exceptions import HTTPError

from kube.client import MERGE_PATCH, Client
from kube.errors import ApiError

SECONDS = (10, 10)
"""To connect, and to answer."""
FAILURES = (ApiError, HTTPError, ValueError)
"""What the calls raise: an answer that is not the one asked for; no answer; no JSON."""


@dataclass(frozen=True)
class Api:
    """The API server at this address, with the administrator's certificate from this folder."""

    server: str
    keys: Path

    def client(self) -> Client:
        return Client(
            {"server": self.server, "certificate-authority-data": self._encoded("ca.crt")},
            {
                "client-certificate-data": self._encoded("admin.crt"),
                "client-key-data": self._encoded("admin.key"),
            },
        )

    def get(self, path: str) -> Any:
        with self.client() as client:
            return client.ask("GET", path, seconds=SECONDS)

    def has(self, path: str) -> bool:
        """Whether the path answers; no while the API server does not."""
        try:
            with self.client() as client:
                client.call("GET", path, seconds=SECONDS)
        except FAILURES:
            return False
        return True

    def create(self, path: str, body: Any) -> None:
        """Creates it unless it is there: what a user has changed since stays as it is."""
        if not self.has(f"{path}/{body['metadata']['name']}"):
            with self.client() as client:
                client.call("POST", path, body=body, seconds=SECONDS)

    def would_accept(self, path: str, body: Any) -> bool:
        """Whether it could be created now; nothing is."""
        try:
            with self.client() as client:
                client.call("POST", path, query={"dryRun": "All"}, body=body, seconds=SECONDS)
        except ApiError:
            return False
        return True

    def patch(self, path: str, body: Any) -> Any:
        """Merges the body in and returns the result; None if there is no such object (any more)."""
        return self._unless_gone("PATCH", path, body=body, content=MERGE_PATCH)

    def delete(self, path: str) -> None:
        self._unless_gone("DELETE", path)

    def _unless_gone(self, method: str, path: str, **request: Any) -> Any:
        try:
            with self.client() as client:
                return client.ask(method, path, seconds=SECONDS, **request)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def _encoded(self, file: str) -> str:
        return b64encode((self.keys / file).read_bytes()).decode()
