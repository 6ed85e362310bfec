"""What is downloaded; the server stands in for the projects' own."""

import hashlib
import io
import socket
import tarfile
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest

from lab.toolbox import ToolError, store, tools
from tests.unit.toolbox.folders import ETCD

pytestmark = pytest.mark.unit


def test_all_programs_of_an_archive_are_taken_at_once(server: tuple[str, Path]) -> None:
    address, published = server
    with tarfile.open(published / "etcd.tar.gz", "w:gz") as archive:
        for name in ("etcd", "etcdctl", "README"):
            member = tarfile.TarInfo(f"etcd-v3.6.16/{name}")
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    pin = replace(ETCD, programs=("etcd", "etcdctl"), release=f"{address}/etcd.tar.gz")
    first, second = tools.find(pin, "etcd"), tools.find(pin, "etcdctl")
    assert (first.path.read_text(), second.path.read_text()) == ("etcd", "etcdctl")
    assert (first.source, first.fetched, second.fetched) == ("release 127.0.0.1", True, False)
    assert not (store.home(pin) / "README").exists()


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("nothing", "HTTP Error 404: File not found"),
        ("short", "ended after 50 of 100 bytes"),
        ("short.tar.gz", "ended after"),
        ("other.tar.gz", "does not contain etcd"),
    ],
)
def test_a_bad_download_is_a_reason_and_leaves_nothing(server: tuple[str, Path], file: str, reason: str) -> None:
    address, published = server
    (published / "short").write_bytes(bytes(100))
    for name, program in (("short.tar.gz", "etcd"), ("other.tar.gz", "other")):
        with tarfile.open(published / name, "w:gz") as archive:
            member = tarfile.TarInfo(program)
            member.size = 1 << 20
            archive.addfile(member, io.BytesIO(bytes(range(256)) * (1 << 12)))
    with pytest.raises(ToolError, match=f"release: {address}/{file}.*({reason})"):
        tools.find(replace(ETCD, release=f"{address}/{file}"), "etcd")
    assert [entry.name for entry in store.home(ETCD).iterdir()] == [".lock"]


@pytest.mark.parametrize("form", ["{digest}", "{digest}  etcd", "{other}  etcdctl\n{digest}  etcd\n", "{digest} *etcd"])
def test_a_release_is_held_against_the_published_checksum(server: tuple[str, Path], form: str) -> None:
    address, published = server
    (published / "etcd").write_bytes(b"from the release")
    digest = hashlib.sha256(b"from the release").hexdigest()
    (published / "sums").write_text(form.format(digest=digest, other="0" * 64))
    pin = replace(ETCD, release=f"{address}/PROGRAM", checksums=f"{address}/sums")
    assert tools.find(pin, "etcd").path.read_bytes() == b"from the release"


def test_a_release_that_is_not_what_was_published_is_an_error(server: tuple[str, Path]) -> None:
    address, published = server
    (published / "etcd").write_bytes(b"exchanged")
    (published / "etcd.sha256").write_text("0" * 64)
    pin = replace(ETCD, release=f"{address}/PROGRAM", checksums=f"{address}/PROGRAM.sha256")
    with pytest.raises(ToolError, match=rf"^{address}/etcd: wrong checksum of etcd"):
        tools.find(pin, "etcd")
    assert [entry.name for entry in store.home(ETCD).iterdir()] == [".lock"]


def test_a_list_of_checksums_without_the_release_is_an_error(server: tuple[str, Path]) -> None:
    address, published = server
    (published / "etcd").write_bytes(b"from the release")
    (published / "sums").write_text(f"{'0' * 64}  etcd.tar.gz\n")
    with pytest.raises(ToolError, match=f"{address}/sums has no sha256 of etcd"):
        tools.find(replace(ETCD, release=f"{address}/PROGRAM", checksums=f"{address}/sums"), "etcd")


def test_one_name_that_is_not_resolved_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unresolved(host: str, port: None) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    for host in ("one.example", "one.example", "two.example"):
        with pytest.raises(ToolError, match=r"the name one\.example is not resolved here"):
            tools.find(replace(ETCD, release=f"https://{host}/PROGRAM"), "etcd")
    assert asked == ["one.example"]


def test_a_name_is_the_proxys_to_resolve(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def unresolved(host: str, port: int | None, *_: object) -> list[object]:
        if host != "127.0.0.1":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))]

    proxy, published = server
    # A proxy is asked for the whole address; this one takes it for a path in its folder.
    (published / "http:" / "far.example").mkdir(parents=True)
    (published / "http:" / "far.example" / "etcd").write_text("from far")
    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    # It keeps the proxies of the first request.
    monkeypatch.setattr("urllib.request._opener", None)
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "near.example")
    with pytest.raises(ToolError, match=r"the name near\.example is not resolved here"):
        tools.find(replace(ETCD, release="http://near.example/PROGRAM"), "etcd")
    assert tools.find(replace(ETCD, release="http://far.example/PROGRAM"), "etcd").path.read_text() == "from far"


def test_a_host_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def silent(url: str, timeout: float) -> None:
        asked.append(url)
        raise URLError(TimeoutError("timed out"))

    monkeypatch.setattr("urllib.request.urlopen", silent)
    for program in ("etcd", "etcdctl"):
        with pytest.raises(ToolError, match=f"release: http://127.0.0.1:1/{program}: timed out"):
            tools.find(replace(ETCD, programs=(program,)), program)
    assert asked == ["http://127.0.0.1:1/etcd"]
