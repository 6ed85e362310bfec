"""What is unpacked from the bundle."""

import hashlib
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import toolbox
from lab.toolbox import ToolError, store, tools
from lab.toolbox.pins import Pin
from tests.unit.toolbox.folders import ETCD, put_bundle

pytestmark = pytest.mark.unit


def test_it_is_unpacked_once_and_executable(tmp_path: Path) -> None:
    put_bundle(tmp_path / "bundle")
    first, second = tools.find(ETCD, "etcd"), tools.find(ETCD, "etcd")
    assert (first.fetched, second.fetched) == (True, False)
    assert first.path.stat().st_mode & 0o777 == 0o755


def test_a_wrong_checksum_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    packed = put_bundle(tmp_path / "bundle", sha256="0" * 64)
    found = hashlib.sha256(b"from the bundle").hexdigest()
    with pytest.raises(ToolError) as error:
        tools.find(ETCD, "etcd")
    assert str(error.value).splitlines()[:3] == [
        f"{packed}: wrong checksum of etcd",
        f"  expected sha256 {'0' * 64}",
        f"  found    sha256 {found}",
    ]
    assert [file.name for file in store.home(ETCD).iterdir()] == [".lock"]


def test_a_file_cut_short_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    packed = put_bundle(tmp_path / "bundle")
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ToolError, match=r"etcd\.xz cannot be unpacked"):
        tools.find(ETCD, "etcd")
    assert [file.name for file in store.home(ETCD).iterdir()] == [".lock"]


def test_the_leftover_of_a_killed_run_is_replaced(tmp_path: Path) -> None:
    put_bundle(tmp_path / "bundle")
    store.home(ETCD).mkdir(parents=True)
    (store.home(ETCD) / "etcd").write_bytes(b"not verified")
    (store.home(ETCD) / "etcd.part").write_bytes(b"from the bundle, and longer than that")
    assert tools.find(ETCD, "etcd").path.read_bytes() == b"from the bundle"
    assert not (store.home(ETCD) / "etcd.part").exists()


def test_a_file_that_was_touched_since_is_unpacked_again(tmp_path: Path) -> None:
    put_bundle(tmp_path / "bundle")
    tools.find(ETCD, "etcd").path.write_bytes(b"damaged")
    assert tools.find(ETCD, "etcd").path.read_bytes() == b"from the bundle"


def test_side_by_side_only_one_unpacks(tmp_path: Path) -> None:
    content = bytes(8 << 20)
    put_bundle(tmp_path / "bundle", content)
    with ThreadPoolExecutor(4) as pool:
        founds = list(pool.map(lambda _: tools.find(ETCD, "etcd"), range(4)))
    assert sorted(found.fetched for found in founds) == [False, False, False, True]
    assert all(found.path.stat().st_size == len(content) for found in founds)


def test_one_binary_serves_under_several_names(tmp_path: Path) -> None:
    pin = Pin("kubernetes", "1.34.4", ("kubelet", "kubectl"))
    put_bundle(tmp_path / "bundle", name="kubernetes", version="1.34.4", programs=["kubelet", "kubectl"])
    kubelet, kubectl = tools.find(pin, "kubelet"), tools.find(pin, "kubectl")
    assert (kubelet.fetched, kubectl.fetched) == (True, False)
    assert (kubelet.path.name, kubectl.path.name) == ("kubelet", "kubectl")
    assert kubelet.path.resolve() == kubectl.path.resolve()


def test_a_bundle_for_another_machine_does_not_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_bundle(tmp_path / "bundle")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(ToolError, match=r"is for linux/amd64, this machine is linux/arm64"):
        tools.find(ETCD, "etcd")


def test_an_archive_stays_packed_and_keeps_its_type(tmp_path: Path) -> None:
    content = b"a packed archive"
    file = put_bundle(tmp_path / "bundle", content, name="karmada-crds", version="1.18.2", file="crds-v1.18.2.tar.gz")
    file.write_bytes(content)
    path = toolbox.archive("karmada-crds")
    assert path.read_bytes() == content
    assert path.name == "karmada-crds.tar.gz"
