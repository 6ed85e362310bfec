"""Image archives: shared programs are in once, links stand where the published images have their programs."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from lab.fleet import archive
from lab.fleet.archive import Image, Links, Program

pytestmark = pytest.mark.unit


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return elf(tmp_path / "multi")


def elf(file: Path) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"\x7fELF")
    file.chmod(0o700)
    return file


def image(name: str, program: Path, path: str) -> Image:
    return Image(name, (Program(program), Links((path,), "/programs/multi")), {"Entrypoint": [f"/{path}"]})


def test_images_share_the_layer_of_their_program(program: Path, tmp_path: Path) -> None:
    archive.write([image("r/one:1", program, "bin/one"), image("r/two:1", program, "two")], tmp_path / "a")
    with tarfile.open(tmp_path / "a") as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]
        assert len(tar.getnames()) == len(files)
    one, two = json.loads(files["manifest.json"])
    assert [one["RepoTags"], two["RepoTags"]] == [["r/one:1"], ["r/two:1"]]
    assert one["Layers"][0] == two["Layers"][0] != two["Layers"][1]
    assert len(files) == len({*one["Layers"], *two["Layers"]}) + len([one["Config"], two["Config"], "manifest.json"])

    config = json.loads(files[two["Config"]])
    assert config["config"] == {"Entrypoint": ["/two"]}
    digests = [f"sha256:{hashlib.sha256(files[layer]).hexdigest()}" for layer in two["Layers"]]
    assert config["rootfs"]["diff_ids"] == digests

    with tarfile.open(fileobj=io.BytesIO(files[two["Layers"][0]])) as layer:
        entry = layer.getmember("programs/multi")
        # Anyone's to run, as its owner may run it here.
        assert (entry.mode, entry.size) == (0o755, 4)
    with tarfile.open(fileobj=io.BytesIO(files[two["Layers"][1]])) as layer:
        assert layer.getmember("two").linkname == "/programs/multi"


def test_a_file_that_nobody_executes_is_only_read(tmp_path: Path) -> None:
    private = tmp_path / "data"
    private.touch(0o600)
    entry, _ = archive.file("etc/data", private)
    assert entry.mode == 0o644


def test_an_archive_is_named_by_its_content(program: Path, tmp_path: Path) -> None:
    before = archive.content([image("r/one:1", program, "one")])
    assert archive.content([image("r/one:1", elf(tmp_path / "elsewhere" / "multi"), "one")]) == before
    assert archive.content([image("r/one:2", program, "one")]) != before
    assert archive.content([image("r/one:1", program, "two")]) != before
    program.write_bytes(b"other")
    assert archive.content([image("r/one:1", program, "one")]) != before
