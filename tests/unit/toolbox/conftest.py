"""A machine for the toolbox, and a server of releases."""

import io
import os
import platform
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.toolbox import build, release


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux machine with an empty PATH, no bundle, an empty cache and no proxy, that has not asked anybody yet."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    for variable, folder in {"PATH": "path", "FEDERATION_TOOLS": "bundle", "FEDERATION_CACHE": "cache"}.items():
        monkeypatch.setenv(variable, str(tmp_path / folder))
    for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    monkeypatch.setattr(release, "_unresolved", {})
    monkeypatch.setattr(release, "_unanswered", {})
    release._published.cache_clear()
    build._installed.cache_clear()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server of releases: its address, and the folder whose files it publishes."""
    folder = tmp_path / "published"
    folder.mkdir()
    handler: Callable[..., SimpleHTTPRequestHandler] = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{http.server_port}", folder
        http.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a log; a file whose name has `short` in it breaks off half-way."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def copyfile(self, source: io.BufferedIOBase, outputfile: io.BufferedIOBase) -> None:  # type: ignore[override]
        """Send what was announced, or half of it."""
        content = source.read()
        outputfile.write(content[: len(content) // 2] if "short" in self.path else content)
