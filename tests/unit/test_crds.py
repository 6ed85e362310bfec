"""Karmada's CRDs: only the pinned archive is taken, and what is wrong with another one is said."""

import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from federation.engine.karmada import crds
from federation.engine.karmada.crds import CrdError
from federation.settings import Crds

pytestmark = pytest.mark.unit

BUNDLE = crds.bundle_folder({}) / crds.BUNDLE
SMALL = {"crds/bases/a.yaml": b"metadata: {name: b}", "crds/bases/b.yaml": b"metadata: {name: a}", "README": b"not one"}


def packed(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def unpacked(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: file.read() for member in tar if (file := tar.extractfile(member))}


def test_the_bundle_is_the_pinned_release_with_its_19_definitions() -> None:
    manifests = crds.load(Crds(), BUNDLE.parent)
    names = [manifest["metadata"]["name"] for manifest in manifests]
    assert len(names) == 19
    assert names == sorted(set(names))
    assert set(crds.CONVERTED) <= set(names)
    assert {manifest["kind"] for manifest in manifests} == {"CustomResourceDefinition"}


def test_what_is_pinned_is_the_content_and_not_its_packing(tmp_path: Path) -> None:
    again = tmp_path / "again.tar.gz"
    again.write_bytes(packed({f"./{name}": content for name, content in reversed(unpacked(BUNDLE).items())}))
    assert crds.load(Crds(source=str(again)), tmp_path) == crds.load(Crds(source=str(BUNDLE)), tmp_path)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda files: {**files, min(files): files[min(files)] + b"\n"},
        lambda files: {name: content for name, content in files.items() if name != min(files)},
        lambda files: {**files, "crds/bases/extra.yaml": b"kind: Extra"},
    ],
    ids=["changed", "removed", "added"],
)
def test_an_archive_with_other_content_is_refused(
    tmp_path: Path, tamper: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    archive = tmp_path / "tampered.tar.gz"
    archive.write_bytes(packed(tamper(unpacked(BUNDLE))))
    with pytest.raises(CrdError, match=rf"{archive}: sha256 is [0-9a-f]{{64}}, expected {crds.CONTENT_SHA256}"):
        crds.load(Crds(source=str(archive)), tmp_path)


def test_an_archive_of_ones_own_is_taken_by_its_checksum(tmp_path: Path) -> None:
    archive = tmp_path / "own.tar.gz"
    archive.write_bytes(packed(SMALL))
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    taken = crds.load(Crds(source=str(archive), sha256=checksum), tmp_path)
    assert [manifest["metadata"]["name"] for manifest in taken] == ["a", "b"]
    with pytest.raises(CrdError, match=f"sha256 is {checksum}, expected {'0' * 64}; see federation:crds"):
        crds.load(Crds(source=str(archive), sha256="0" * 64), tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>not here</html>", gzip.compress(b"not a tar"), packed(SMALL)[:60], packed(SMALL)[:-12]],
    ids=["empty", "a page", "gzip of something else", "half a download", "nearly all of a download"],
)
def test_what_is_no_archive_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "crds.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(CrdError, match=re.escape(str(archive))):
        crds.load(Crds(source=str(archive)), tmp_path)


def test_a_missing_archive_is_told_with_the_ways_to_have_one(tmp_path: Path) -> None:
    with pytest.raises(CrdError) as refusal:
        crds.load(Crds(source=str(tmp_path / "none.tar.gz")), tmp_path)
    for part in (f"{tmp_path}/none.tar.gz", "No such file", "federation:crds.source", "FEDERATION_TOOLS"):
        assert part in str(refusal.value)


def test_without_a_bundle_the_release_page_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def download(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(BUNDLE.read_bytes())

    monkeypatch.setattr("urllib.request.urlopen", download)
    assert len(crds.load(Crds(), tmp_path)) == 19
    assert asked == [crds.RELEASE]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"FEDERATION_TOOLS": "/tools"}, Path("/tools")), ({"FEDERATION_TOOLS": ""}, BUNDLE.parent), ({}, BUNDLE.parent)],
)
def test_the_bundle_is_looked_for_in_the_named_folder_else_beside_the_repository(
    environment: Mapping[str, str], folder: Path
) -> None:
    assert crds.bundle_folder(environment) == folder


def test_the_conversion_goes_to_the_webhook_and_trusts_its_authority() -> None:
    webhook = crds.conversion("https://webhook:443", "Y2E=")["webhook"]
    assert webhook["clientConfig"] == {"url": "https://webhook:443/convert", "caBundle": "Y2E="}
