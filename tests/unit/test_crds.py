"""Karmada's CRDs: only the pinned archive is taken, and what is wrong with another one is said."""

import gzip
import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from federation.engine.karmada import crds
from federation.engine.karmada.crds import CrdError
from federation.settings.schema import Crds
from lab.toolbox import archive
from tests import archives
from tests.archives import packed

pytestmark = pytest.mark.unit

SMALL = {"crds/bases/a.yaml": b"metadata: {name: b}", "crds/bases/b.yaml": b"metadata: {name: a}", "README": b"not one"}


@pytest.fixture
def bundle() -> Path:
    """The pinned archive, as it came from the folder of tools."""
    return archive("karmada-crds")


def unpacked(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {member.name: content.read() for member in tar if (content := tar.extractfile(member))}


@pytest.mark.needs("karmada-crds")
def test_the_pinned_release_has_19_definitions(bundle: Path) -> None:
    manifests = crds.load(Crds(source=str(bundle)), None)
    names = [manifest["metadata"]["name"] for manifest in manifests]
    assert len(names) == 19
    assert names == sorted(set(names))
    assert set(crds.CONVERTED) <= set(names)
    assert {manifest["kind"] for manifest in manifests} == {"CustomResourceDefinition"}


@pytest.mark.needs("karmada-crds")
def test_the_kinds_of_the_tests_are_those_of_the_pinned_release(bundle: Path) -> None:
    def shape(manifest: dict[str, Any]) -> tuple[Any, ...]:
        spec = manifest["spec"]
        versions = [(each["name"], each["storage"]) for each in spec["versions"]]
        return manifest["metadata"]["name"], spec["names"]["kind"], spec["scope"], versions

    ours = sorted(archives.kinds(), key=lambda each: str(each["metadata"]["name"]))
    assert list(map(shape, ours)) == list(map(shape, crds.load(Crds(source=str(bundle)), None)))


@pytest.mark.needs("karmada-crds")
def test_what_is_pinned_is_the_content_and_not_its_packing(bundle: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar.gz"
    again.write_bytes(packed({f"./{name}": content for name, content in reversed(unpacked(bundle).items())}))
    assert crds.load(Crds(source=str(again)), tmp_path) == crds.load(Crds(source=str(bundle)), tmp_path)


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A bundle's folder with an archive of our own, pinned in place of the release's."""
    archives.small(tmp_path / crds.BUNDLE)
    digest = crds._digest(unpacked(tmp_path / crds.BUNDLE))
    monkeypatch.setattr(crds, "CONTENT_SHA256", digest)
    return tmp_path


def test_the_bundle_comes_before_the_release_page(pinned: Path) -> None:
    assert len(crds.load(Crds(), pinned)) == len(archives.kinds())


def test_the_prose_is_left_out(pinned: Path) -> None:
    assert "Prose." in str(archives.kinds())
    assert "Prose." not in str(crds.load(Crds(), pinned))


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
    pinned: Path, tamper: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    file = pinned / "tampered.tar.gz"
    file.write_bytes(packed(tamper(unpacked(pinned / crds.BUNDLE))))
    with pytest.raises(CrdError, match=rf"{file}: sha256 is [0-9a-f]{{64}}, expected {crds.CONTENT_SHA256}"):
        crds.load(Crds(source=str(file)), None)


def test_an_archive_of_ones_own_is_taken_by_its_checksum(tmp_path: Path) -> None:
    file = tmp_path / "own.tar.gz"
    file.write_bytes(packed(SMALL))
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    taken = crds.load(Crds(source=str(file), sha256=checksum), tmp_path)
    assert [manifest["metadata"]["name"] for manifest in taken] == ["a", "b"]
    with pytest.raises(CrdError, match=f"sha256 is {checksum}, expected {'0' * 64}; see federation:crds"):
        crds.load(Crds(source=str(file), sha256="0" * 64), tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>not here</html>", gzip.compress(b"not a tar"), packed(SMALL)[:60], packed(SMALL)[:-12]],
    ids=["empty", "a page", "gzip of something else", "half a download", "nearly all of a download"],
)
def test_what_is_no_archive_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "crds.tar.gz"
    file.write_bytes(content)
    with pytest.raises(CrdError, match=re.escape(str(file))):
        crds.load(Crds(source=str(file)), tmp_path)


def test_a_missing_archive_is_told_with_the_ways_to_have_one(tmp_path: Path) -> None:
    with pytest.raises(CrdError) as refusal:
        crds.load(Crds(source=str(tmp_path / "none.tar.gz")), tmp_path)
    for part in (f"{tmp_path}/none.tar.gz", "No such file", "federation:crds.source", "FEDERATION_TOOLS"):
        assert part in str(refusal.value)


@pytest.mark.parametrize("named", [True, False], ids=["a folder without it", "no folder"])
def test_without_a_bundle_the_release_page_is_asked(
    pinned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    asked: list[str] = []
    content = (pinned / crds.BUNDLE).read_bytes()

    def download(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(content)

    monkeypatch.setattr("urllib.request.urlopen", download)
    assert len(crds.load(Crds(), tmp_path / "empty" if named else None)) == 19
    assert asked == [crds.RELEASE]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"FEDERATION_TOOLS": "/tools"}, Path("/tools")), ({"FEDERATION_TOOLS": ""}, None), ({}, None)],
)
def test_the_bundle_is_looked_for_in_the_named_folder_only(environment: Mapping[str, str], folder: Path | None) -> None:
    assert crds.bundle_folder(environment) == folder


def test_the_conversion_goes_to_the_webhook_and_trusts_its_authority() -> None:
    webhook = crds.conversion("https://webhook:443", "Y2E=")["webhook"]
    assert webhook["clientConfig"] == {"url": "https://webhook:443/convert", "caBundle": "Y2E="}
