"""Image archives: shared programs are in once, links stand where the published images have their programs."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from fleet import images
from fleet.images import Image

pytestmark = pytest.mark.unit


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "multi"
    file.write_bytes(b"\x7fELF")
    return file


def test_images_share_the_layer_of_their_program(program: Path, tmp_path: Path) -> None:
    images.write(
        [Image("r/one:1", program, ("bin/one",)), Image("r/two:1", program, ("two",), ["/two"])], tmp_path / "a"
    )
    with tarfile.open(tmp_path / "a") as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    one, two = json.loads(files["manifest.json"])
    assert [one["RepoTags"], two["RepoTags"]] == [["r/one:1"], ["r/two:1"]]
    assert one["Layers"][0] == two["Layers"][0] != two["Layers"][1]
    assert len(files) == len({*one["Layers"], *two["Layers"]}) + len([one["Config"], two["Config"], "manifest.json"])

    config = json.loads(files[two["Config"]])
    assert config["config"]["Entrypoint"] == ["/two"]
    digests = [f"sha256:{hashlib.sha256(files[layer]).hexdigest()}" for layer in two["Layers"]]
    assert config["rootfs"]["diff_ids"] == digests

    with tarfile.open(fileobj=io.BytesIO(files[two["Layers"][0]])) as layer:
        entry = layer.getmember("programs/multi")
        assert (entry.mode, entry.size) == (0o755, 4)
    with tarfile.open(fileobj=io.BytesIO(files[two["Layers"][1]])) as layer:
        assert layer.getmember("two").linkname == "/programs/multi"


def test_an_archive_is_named_by_its_content(program: Path, tmp_path: Path) -> None:
    image = Image("r/one:1", program, ("one",))
    same = tmp_path / "elsewhere"
    same.write_bytes(program.read_bytes())
    before = images.content([image])
    assert images.content([Image("r/one:1", same, ("one",))]) == before
    assert images.content([Image("r/one:2", program, ("one",))]) != before
    program.write_bytes(b"other")
    assert images.content([image]) != before
