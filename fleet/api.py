"""A cluster's API, as far as the fleet itself needs it: read, create, patch, watch."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

SECONDS = 10


@dataclass(frozen=True)
class Api:
    """The API server at this address, with the administrator's certificate from this folder."""

    server: str
    keys: Path

    def session(self) -> requests.Session:
        session = requests.Session()
        # A proxy of the user's is no way into the sandbox.
        session.trust_env = False
        session.cert = (str(self.keys / "admin.crt"), str(self.keys / "admin.key"))
        session.verify = str(self.keys / "ca.crt")
        return session

    def get(self, path: str) -> Any:
        with self.session() as session:
            return _checked(session.get(self.server + path, timeout=SECONDS)).json()

    def has(self, path: str) -> bool:
        """Whether the path answers; no while the API server does not."""
        try:
            with self.session() as session:
                return session.get(self.server + path, timeout=SECONDS).ok
        except requests.RequestException:
            return False

    def create(self, path: str, body: Any) -> None:
        """Creates it unless it is there: what a user has changed since stays as it is."""
        if not self.has(f"{path}/{body['metadata']['name']}"):
            with self.session() as session:
                _checked(session.post(self.server + path, json=body, timeout=SECONDS))

    def would_accept(self, path: str, body: Any) -> bool:
        """Whether it could be created now; nothing is."""
        with self.session() as session:
            return session.post(f"{self.server}{path}?dryRun=All", json=body, timeout=SECONDS).ok

    def patch(self, path: str, body: Any) -> Any:
        """Merges the body in and returns the result; None if there is no such object (any more)."""
        with self.session() as session:
            headers = {"Content-Type": "application/merge-patch+json"}
            answer = session.patch(self.server + path, data=json.dumps(body), headers=headers, timeout=SECONDS)
            return None if answer.status_code == requests.codes.not_found else _checked(answer).json()

    def delete(self, path: str) -> None:
        with self.session() as session:
            answer = session.delete(self.server + path, timeout=SECONDS)
            if answer.status_code != requests.codes.not_found:
                _checked(answer)

    def watch(self, path: str, version: str) -> Iterator[Any]:
        """The events after this version, for some minutes; then it ends, and so it may at any time."""
        parameters = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "240"}
        with self.session() as session:
            url = self.server + path
            with session.get(url, params=parameters, stream=True, timeout=(SECONDS, 300)) as answer:
                yield from (json.loads(line) for line in _checked(answer).iter_lines(chunk_size=None) if line)


def _checked(answer: requests.Response) -> requests.Response:
    """Unlike raise_for_status() it says what the API server said."""
    if not answer.ok:
        raise requests.HTTPError(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}")
    return answer
