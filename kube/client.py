"""One API server with the credentials of a kubeconfig: HTTP and JSON on urllib3.

The official client is built on urllib3 too. Its import alone takes half a second of CPU, which each `pulumi preview`
and each controller would spend at its start.
"""

from __future__ import annotations

import binascii
import json
import socket
import ssl
import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlencode

import urllib3
from urllib3 import BaseHTTPResponse, HTTPHeaderDict
from urllib3.exceptions import InsecureRequestWarning
from urllib3.util import make_headers, parse_url
from urllib3.util.ssl_ import create_urllib3_context

from kube.errors import ApiError, CredentialsError

Entry = Mapping[str, Any]
"""The `cluster` or `user` of an entry of a kubeconfig. Of files only tokenFile is read; others are in it, as -data."""

JSON, MERGE_PATCH, APPLY = "application/json", "application/merge-patch+json", "application/apply-patch+yaml"
CONNECTIONS = 4
"""Kept open at once."""
IDLE_SECONDS, INTERVAL_SECONDS, PROBES = 15, 5, 3
"""TCP keepalive: a machine that is gone without a word is noticed in about 30 s."""

# Who has insecure-skip-tls-verify is told so in the preview, and not with each request.
urllib3.disable_warnings(InsecureRequestWarning)


class Client:
    """For the calls of several threads."""

    def __init__(self, cluster: Entry, user: Entry) -> None:
        """Raises CredentialsError for certificates, keys and tokens that cannot be used, before anything is asked."""
        self._server = str(cluster["server"]).rstrip("/")
        self._headers = HTTPHeaderDict({"User-Agent": "kube-federation"})
        for header, value in (*_authorization(user), *_impersonation(user)):
            self._headers.add(header, value)
        options: dict[str, Any] = {"maxsize": CONNECTIONS, "retries": False, "socket_options": _keepalive()}
        if self._server.startswith("https"):
            options["ssl_context"] = _tls(cluster, user)
            if name := cluster.get("tls-server-name"):
                options["server_hostname"] = name
        self._pool: urllib3.PoolManager
        if proxy := cluster.get("proxy-url"):
            auth = parse_url(proxy).auth
            headers = make_headers(proxy_basic_auth=unquote(auth)) if auth else None
            self._pool = urllib3.ProxyManager(proxy, proxy_headers=headers, **options)
        else:
            self._pool = urllib3.PoolManager(**options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._pool.clear()

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """What the answer says, with the arguments of `call`. Raises ValueError too, for what is no JSON."""
        return json.loads(self.call(method, path, **request).data)

    def ask_for_object(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The same of what has to be an object; raises ValueError for all else."""
        answer = self.ask(method, path, **request)
        if not isinstance(answer, dict):
            raise ValueError(f"the answer to {method} {path} is no object")
        return answer

    def call(
        self,
        method: str,
        path: str,
        *,
        seconds: tuple[float, float],
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | str | None = None,
        content: str = JSON,
        accept: str = JSON,
        streamed: bool = False,
    ) -> BaseHTTPResponse:
        """The answer, once; whoever has it `streamed` reads and closes it.

        `seconds` to connect, and without a byte. Raises ApiError for an answer that is no success and for a failure of
        TLS, urllib3's HTTPError where there is no answer.
        """
        headers = HTTPHeaderDict(self._headers)
        headers["Accept"] = accept
        if body is not None:
            headers["Content-Type"] = content
        try:
            answer = self._pool.request(
                method,
                f"{self._server}{path}{f'?{urlencode(query)}' if query else ''}",
                headers=headers,
                body=body if isinstance(body, str | None) else json.dumps(body),
                timeout=urllib3.Timeout(connect=seconds[0], read=seconds[1]),
                preload_content=not streamed,
                redirect=False,
            )
        except urllib3.exceptions.SSLError as error:
            raise ApiError(status=0, reason=str(error)) from error
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            text = answer.data.decode(errors="replace")
            raise ApiError(answer.status, answer.reason, text, answer.headers)
        return answer


def _authorization(user: Entry) -> Iterator[tuple[str, str]]:
    if file := user.get("tokenFile"):
        try:
            yield "Authorization", _bearer(Path(file).read_text().strip())
        except (OSError, ValueError) as error:
            raise CredentialsError(f"its token file {file} cannot be read: {error}") from error
    elif token := user.get("token"):
        yield "Authorization", _bearer(token)
    elif user.get("username"):
        yield from make_headers(basic_auth=f"{user['username']}:{user.get('password', '')}").items()


def _bearer(token: str) -> str:
    if not (token.isascii() and token.isprintable()):
        # Not shown, as the library would: all but its end is good.
        raise CredentialsError("its token holds what no header can, such as a line break")
    return f"Bearer {token}"


def _impersonation(user: Entry) -> Iterator[tuple[str, str]]:
    """As whom to ask, as kubectl does it; a header may be there several times."""
    extra = user.get("as-user-extra") or {}
    told = [
        ("Impersonate-User", user.get("as")),
        ("Impersonate-Uid", user.get("as-uid")),
        *(("Impersonate-Group", group) for group in user.get("as-groups") or ()),
        *((f"Impersonate-Extra-{quote(key, safe='')}", each) for key, values in extra.items() for each in values),
    ]
    return ((name, str(value)) for name, value in told if value)


def _tls(cluster: Entry, user: Entry) -> ssl.SSLContext:
    insecure = bool(cluster.get("insecure-skip-tls-verify"))
    # As kubectl: an authority that another one signed is trusted by itself, and one without identifiers of its key, as
    # older clusters have, is taken. By itself urllib3 refuses the first before Python 3.13, the second from then on.
    context = create_urllib3_context(
        cert_reqs=ssl.CERT_NONE if insecure else ssl.CERT_REQUIRED, verify_flags=ssl.VERIFY_X509_PARTIAL_CHAIN
    )
    try:
        if authority := _pem(cluster, "certificate-authority"):
            context.load_verify_locations(cadata=authority)
        elif not insecure:
            context.load_default_certs()
    except (ssl.SSLError, ValueError) as error:
        raise CredentialsError(f"its certificate-authority cannot be used: {error}") from error
    if certificate := _pem(user, "client-certificate"):
        # The library of TLS takes files alone. This one is readable for us, and gone right after.
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(f"{certificate}\n{_pem(user, 'client-key')}")
            file.flush()
            try:
                # A key with a passphrase is refused, instead of asked for on a terminal.
                context.load_cert_chain(file.name, password="")
            except (ssl.SSLError, ValueError) as error:
                raise CredentialsError(f"its client-certificate or client-key cannot be used: {error}") from error
    return context


def _pem(entry: Entry, key: str) -> str:
    """Empty where there is none; without what is no ASCII, as remarks between the blocks of a bundle may be."""
    try:
        # Line breaks are allowed in it, and nothing else.
        return b64decode("".join((entry.get(f"{key}-data") or "").split()), validate=True).decode("ascii", "ignore")
    except (binascii.Error, AttributeError) as error:
        raise CredentialsError(f"its {key}-data is no PEM in base64: {error}") from error


def _keepalive() -> list[tuple[int, int, int]]:
    """By the names that this system has: that of the idle time is another on macOS."""
    wanted = [
        *(("TCP_KEEPIDLE", IDLE_SECONDS), ("TCP_KEEPALIVE", IDLE_SECONDS)),
        *(("TCP_KEEPINTVL", INTERVAL_SECONDS), ("TCP_KEEPCNT", PROBES)),
    ]
    known = [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in wanted if hasattr(socket, name)]
    defaults = urllib3.connection.HTTPConnection.default_socket_options
    return [*defaults, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *known]
