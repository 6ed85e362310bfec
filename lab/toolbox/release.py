"""The fourth way: the download that the tool's own project publishes, held against the checksum that is beside it.

Checksums come from the same server, so they tell of damage and of a mirror's fault, not of a project's own.
"""

import functools
import re
import socket
import tarfile
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from lab.toolbox import store
from lab.toolbox.errors import MissingError, ToolError
from lab.toolbox.found import Found
from lab.toolbox.machine import this_platform
from lab.toolbox.pins import PLATFORM, Pin

SECONDS_TO_ANSWER = 10
MOST_BYTES_OF_CHECKSUMS = 1 << 20

_resolving = threading.Lock()
_unresolved: dict[str, str] = {}
"""The first host whose name was not resolved in this run, and why: one wait for that is enough."""
_unanswered: dict[str, str] = {}
"""Hosts that did not take a connection in this run, and why."""


def from_release(pin: Pin, program: str) -> Found:
    """The released program, downloaded once."""
    path = store.home(pin) / (program + pin.suffix)
    with store.locked(path.parent):
        if store.holds(path):
            return Found(path, "cache", fetched=False)
        url = _address(pin, program)
        try:
            _download(pin, program, path, url)
        except (OSError, HTTPException, EOFError, tarfile.TarError) as error:
            # The cause of a failed connection reads better than its wrapping; a 404 is told as it is.
            reason = error.reason if type(error) is URLError else error
            raise MissingError(f"{url}: {reason}") from None
        if not store.holds(path):
            raise MissingError(f"{url} does not contain {program}")
    return Found(path, f"release {urlsplit(url).hostname}", fetched=True)


def reach(url: str) -> None:
    """Raise MissingError, at once and without asking, for a host that was not reached before in this run.

    A name that a proxy is to resolve (https_proxy, no_proxy) is not resolved here.
    """
    host = urlsplit(url).hostname or ""
    proxied = urlsplit(url).scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host)
    with _resolving:
        for unresolved, reason in () if proxied else _unresolved.items():
            raise MissingError(f"{url}: {reason}" if host == unresolved else f"{url}: not tried, as {reason}")
        if not proxied and host not in _unanswered:
            try:
                socket.getaddrinfo(host, None)
            except OSError as error:
                _unresolved[host] = f"the name {host} is not resolved here ({error.strerror})"
                raise MissingError(f"{url}: {_unresolved[host]}") from None
    if host in _unanswered:
        raise MissingError(f"{url}: {_unanswered[host]}")


def _address(pin: Pin, program: str) -> str:
    if not pin.release:
        raise MissingError("its project does not publish it as a file")
    if this_platform() != PLATFORM:
        raise MissingError(f"pinned for {PLATFORM}, this machine is {this_platform()}")
    return pin.release.replace("PROGRAM", program)


def _download(pin: Pin, program: str, path: Path, url: str) -> None:
    packed = not pin.suffix and url.endswith((".tar.gz", ".tgz"))
    # What is packed is verified as a whole before any of it is unpacked.
    file = path.with_name(".download") if packed else path
    with _open(url) as answer:
        length = answer.headers["Content-Length"]
        expected = _published(pin.checksums.replace("PROGRAM", program), url) if pin.checksums else None
        store.put(file, answer, url, size=int(length) if length else None, sha256=expected)
    if packed:
        try:
            _unpack(pin, file, url)
        finally:
            store.drop(file)


def _unpack(pin: Pin, file: Path, url: str) -> None:
    with tarfile.open(file, "r:gz") as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member)
            if content and name in (*pin.programs, *pin.beside):
                store.put(file.with_name(name), content, url)


@functools.cache
def _published(checksums: str, url: str) -> str:
    """The sha256 that stands in the file `checksums` for the file at `url`."""
    with _open(checksums) as answer:
        text = answer.read(MOST_BYTES_OF_CHECKSUMS).decode(errors="replace")
    name = urlsplit(url).path.rpartition("/")[2]
    for line in text.splitlines():
        # Alone, or as sha256sum writes it, which marks a binary file with `*`.
        if match := re.fullmatch(rf"([0-9a-f]{{64}})(\s+\*?{re.escape(name)})?\s*", line):
            return match[1]
    raise ToolError(f"{checksums} has no sha256 of {name}")


def _open(url: str) -> Any:
    reach(url)
    try:
        return urllib.request.urlopen(url, timeout=SECONDS_TO_ANSWER)
    except URLError as error:
        if type(error) is URLError:
            _unanswered[urlsplit(url).hostname or ""] = str(error.reason)
        raise
