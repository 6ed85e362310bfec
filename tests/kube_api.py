"""An API server in this process that speaks list, watch and single objects: the edge that controllers are tested at."""

from __future__ import annotations

import copy
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from threading import Condition, Thread
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
Snapshot = tuple[int, dict[str, dict[tuple[str, str], Json]], list[tuple[int, str, str, Json]]]
APPLY = "application/apply-patch+yaml"
_AS_IT_IS = ""

_OBJECT = re.compile(
    r"(?P<group>/apis?/.*?v[0-9][0-9a-z]*)(/namespaces/(?P<namespace>[^/]+))?/(?P<kind>[^/]+)"
    r"(/(?P<name>[^/]+))?(/(?P<subresource>status))?"
)


class ApiServer:
    """Objects by collection (`/api/v1/services`), and the history of their changes."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """It speaks http, and https with `tls`."""
        self._tls = tls
        self.requests: list[tuple[str, str]] = []
        """Method and path with query, of every request that was let in."""
        self.tokens: set[str] | None = None
        """The bearer tokens that are let in; None is everybody."""
        self.refused = 0
        """How many requests were not let in."""
        self.broken: set[str] = set()
        """Collections whose requests are all answered 500."""
        self.forbidden: set[str] = set()
        """Collections whose lists and watches are answered 403."""
        self.broken_pages: set[str] = set()
        """Collections whose lists are answered 500 after their first page."""
        self.refused_methods: set[tuple[str, str]] = set()
        """Methods and collections whose requests for an object are all answered 403."""
        self.silent = False
        """Whether watches neither tell anything nor end, as if the machine were gone."""
        self.compacted = 0
        """Watches from before this version are told 410 Gone."""
        self.odd: dict[str, list[object]] = {}
        """By collection, what its lists have besides its objects: anything."""
        self.answers: dict[str, object] = {}
        """By path, what is answered there in place of what is right."""
        self._objects: dict[str, dict[tuple[str, str], Json]] = {}
        self._history: list[tuple[int, str, str, Json]] = []
        self._version = 100
        self._life = 0
        """How often it was restored: watches of before end."""
        self._changed = Condition()
        self._port = 0
        self._server: DroppingServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listens, after `stop` on the same port as before."""
        self._server = DroppingServer(("127.0.0.1", self._port), _handler(self))
        if self._tls is not None:
            # The handshake is left to the thread of the connection: a slow one must not hold up the others.
            self._server.socket = self._tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Ends all connections; nothing listens any more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.drop_connections()

    def expire(self) -> None:
        """Forgets the history: whoever watches from before must list anew. Ends all connections."""
        with self._changed:
            self.compacted = self._version = self._version + 1
        if self._server is not None:
            self._server.drop_connections()

    def snapshot(self) -> Snapshot:
        with self._changed:
            return self._version, copy.deepcopy(self._objects), list(self._history)

    def restore(self, snapshot: Snapshot) -> None:
        """Has what was there then, with the versions of then; watches end as if in good order."""
        with self._changed:
            self._version, self._objects, self._history = snapshot
            self._life += 1

    def get(self, collection: str, namespace: str, name: str) -> Json | None:
        with self._changed:
            return copy.deepcopy(self._objects.get(collection, {}).get((namespace, name)))

    def put(self, collection: str, obj: Json) -> Json:
        """Creates or replaces the object, as somebody else would."""
        obj = copy.deepcopy(obj)
        metadata = obj["metadata"]
        with self._changed:
            key = metadata.get("namespace", ""), metadata["name"]
            objects = self._objects.setdefault(collection, {})
            self._version += 1
            metadata |= {"resourceVersion": str(self._version)}
            metadata.setdefault("uid", f"uid-{self._version}")
            metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
            self._note("MODIFIED" if key in objects else "ADDED", collection, obj)
            objects[key] = obj
        return obj

    def remove(self, collection: str, namespace: str, name: str) -> Json | None:
        with self._changed:
            obj = self._objects.get(collection, {}).pop((namespace, name), None)
            if obj is not None:
                self._version += 1
                self._note(
                    "DELETED", collection, obj | {"metadata": obj["metadata"] | {"resourceVersion": str(self._version)}}
                )
        return obj

    def tell(self, collection: str, event: object) -> None:
        """To all watches of the collection, in place of an event; bytes are a line as it is."""
        with self._changed:
            self._version += 1
            self._history.append((self._version, _AS_IT_IS, collection, {"event": event}))
            self._changed.notify_all()

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 30) -> None:
        """Waits for a condition on the objects or the requests; it is looked at after each of them."""
        end = monotonic() + seconds
        with self._changed:
            while not condition():
                left = end - monotonic()
                assert left > 0, f"not within {seconds} s: {what}"
                self._changed.wait(min(left, 0.1))

    def _note(self, change: str, collection: str, obj: Json) -> None:
        self._history.append((self._version, change, collection, copy.deepcopy(obj)))
        self._changed.notify_all()

    def answer(self, method: str, path: str, body: Json | None, content: str = "") -> tuple[int, Json]:
        """The answer to a request for one object. Server-side apply merges like a patch: nobody's fields are minded."""
        found = _OBJECT.fullmatch(path)
        assert found is not None, f"{method} {path} is not spoken here"
        collection, namespace = f"{found['group']}/{found['kind']}", found["namespace"] or ""
        if (method, collection) in self.refused_methods:
            return _status(403, "forbidden by the test")
        name = found["name"] or (body or {})["metadata"]["name"]
        with self._changed:
            now = self.get(collection, namespace, name)
            if now is None:
                return self._make(method, collection, name, body, content)
            if method == "POST":
                return _status(409, "already exists")
            if method == "PUT" and "resourceVersion" not in (body or {})["metadata"]:
                return _status(422, "resourceVersion must be specified for an update")
            lock = (body or {}).get("preconditions" if method == "DELETE" else "metadata", {})
            if any(lock.get(key) not in (None, now["metadata"][key]) for key in ("uid", "resourceVersion")):
                return _status(409, "the object has been modified")
            if method == "DELETE":
                ending = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
                now = self._change(collection, now, now | {"metadata": now["metadata"] | ending})
            if method == "PATCH":
                now = self._change(collection, now, _merged(now, body))
            if method == "PUT":
                now = self.put(collection, body or {})
            return 200, now

    def _make(self, method: str, collection: str, name: str, body: Json | None, content: str) -> tuple[int, Json]:
        """The answer to a request for an object that is not there."""
        if body is not None and (method in ("POST", "PUT") or (content == APPLY and "uid" not in body["metadata"])):
            return 201, self.put(collection, body)
        return _status(404, f"{name} not found")

    def _change(self, collection: str, now: Json, after: Json) -> Json:
        """What is as it was gets no new version; what is being deleted is gone with its last finalizer."""
        metadata = after["metadata"]
        if after | {"metadata": metadata | {"resourceVersion": now["metadata"]["resourceVersion"]}} == now:
            return now
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            self.remove(collection, metadata.get("namespace", ""), metadata["name"])
            return after
        return self.put(collection, after)

    def list(self, path: str, query: dict[str, str]) -> Json:
        collection, namespace = _place(path)
        with self._changed:
            objects = sorted(self._objects.get(collection, {}).items())
            within = [obj for key, obj in objects if namespace in ("", key[0])]
            items: list[object] = [
                copy.deepcopy(obj) for obj in within if _selected(obj, query.get("labelSelector", ""))
            ]
            items = [*self.odd.get(collection, []), *items]
            start, size = int(query.get("continue", 0)), int(query.get("limit", 0)) or len(items)
            more = {"continue": str(start + size)} if start + size < len(items) else {}
            return {"metadata": {"resourceVersion": str(self._version), **more}, "items": items[start : start + size]}

    def events(self, path: str, query: dict[str, str], server: BaseServer) -> Iterator[Any]:
        """What a watch tells, until the server it came to is stopped."""
        collection, namespace = _place(path)
        seen, selector = int(query["resourceVersion"]), query.get("labelSelector", "")
        end, life = monotonic() + float(query["timeoutSeconds"]), self._life
        while server is self._server and life == self._life and (monotonic() < end or self.silent):
            with self._changed:
                if seen < self.compacted:
                    yield {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
                    return
                news = [] if self.silent else [event for event in self._history if event[0] > seen]
                if not news:
                    self._changed.wait(0.05)
            for version, change, where, obj in news:
                seen = version
                if where == collection and change == _AS_IT_IS:
                    yield obj["event"]
                elif where == collection and namespace in ("", obj["metadata"].get("namespace")):
                    # An object that loses the label is gone for those who select by it.
                    yield {"type": change if _selected(obj, selector) else "DELETED", "object": obj}


class DroppingServer(ThreadingHTTPServer):
    """Can end all its connections at once."""

    daemon_threads = True
    request_queue_size = 64
    """As many may come together; of five, which is the default, the others wait a second or more."""

    def __init__(self, *arguments: Any) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.add(connection)
        return connection, address

    def drop_connections(self) -> None:
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was dropped; a failed assertion shows in the test by the answer that is missing."""


def _handler(api: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:  # noqa: PLR0911 - each kind of answer is one
            url = urlsplit(self.path)
            query = dict(parse_qsl(url.query))
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
            if api.tokens is not None and self.headers.get("Authorization") not in {f"Bearer {t}" for t in api.tokens}:
                api.refused += 1
                return self._send(*_status(401, "Unauthorized"))
            with api._changed:
                api.requests.append((self.command, self.path))
                api._changed.notify_all()
            if url.path in api.answers and "watch" not in query:
                return self._send(200, api.answers[url.path])
            if url.path in ("/readyz", "/version"):
                return self._send(200, {"gitVersion": "v1.34.4"})
            is_broken_page = url.path in api.broken_pages and "continue" in query
            if is_broken_page or any(url.path.startswith(broken) for broken in api.broken):
                return self._send(*_status(500, "broken by the test"))
            found = _OBJECT.fullmatch(url.path)
            if found is not None and (found["name"] or self.command != "GET"):
                return self._send(*api.answer(self.command, url.path, body, self.headers.get("Content-Type", "")))
            if url.path in api.forbidden:
                return self._send(*_status(403, f"forbidden by the test: {url.path}"))
            if "watch" in query:
                return self._stream(api.events(url.path, query, self.server))
            return self._send(200, api.list(url.path, query))

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_PUT(self) -> None:
            self._serve()

        def do_PATCH(self) -> None:
            self._serve()

        def do_DELETE(self) -> None:
            self._serve()

        def _send(self, status: int, obj: object) -> None:
            content = json.dumps(obj).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _stream(self, events: Iterator[Any]) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in events:
                line = (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            """The requests are kept."""

    return Handler


def _status(code: int, message: str) -> tuple[int, Json]:
    return code, {"kind": "Status", "code": code, "message": message}


def _place(path: str) -> tuple[str, str]:
    """Collection and namespace of a path; all namespaces are an empty one."""
    found = _OBJECT.fullmatch(path)
    assert found is not None, f"{path} is not spoken here"
    return f"{found['group']}/{found['kind']}", found["namespace"] or ""


def _selected(obj: Json, selector: str) -> bool:
    """Understands `key` and `key=value`."""
    key, equals, value = selector.partition("=")
    labels = obj["metadata"].get("labels", {})
    return not selector or (labels.get(key) == value if equals else key in labels)


def _merged(obj: Any, change: Any) -> Any:
    """RFC 7386."""
    if not isinstance(change, dict):
        return change
    result = dict(obj) if isinstance(obj, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
