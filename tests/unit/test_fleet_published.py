"""Images that are only published: where they come from, and what is said when they cannot be had."""

import shutil
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation.settings import schema
from lab.federation import published as used_by
from lab.fleet import archive, published
from lab.fleet.archive import Image, Links, Program
from lab.fleet.waiting import FleetError, wait_until
from lab.toolbox import ToolError, debian
from lab.toolbox.pins import IMAGES, PINS
from tests.programs.zone_lab import free_port

pytestmark = pytest.mark.unit

EXTERNAL_DNS = "registry.k8s.io/external-dns/external-dns:v0.22.0"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Debian's docker-registry on loopback, empty, as the mirror; its address."""
    address = f"127.0.0.1:{free_port()}"
    (tmp_path / "registry.yml").write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path / 'registry'}}}}}\nhttp: {{addr: '{address}'}}\n"
    )
    monkeypatch.setenv(published.MIRROR, f"http://{address}")
    process = subprocess.Popen(["docker-registry", "serve", tmp_path / "registry.yml"], stderr=subprocess.DEVNULL)
    try:
        wait_until("docker-registry to answer", lambda: _listens(address), 30)
        yield address
    finally:
        process.kill()
        process.wait()


def _listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


@pytest.mark.programs
@pytest.mark.needs("docker-registry")
def test_an_image_is_copied_once_from_the_mirror(registry: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    layers = (Program(program), Links(("ko-app/external-dns",), "/programs/program"))
    archive.write([Image(EXTERNAL_DNS, layers, {"Entrypoint": ["/ko-app/external-dns"]})], tmp_path / "made.tar")
    subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"),
            *(f"docker-archive:{tmp_path / 'made.tar'}", f"docker://{registry}/external-dns/external-dns:v0.22.0"),
        ],
        check=True,
    )
    cached = published.cached("external-dns", tmp_path / "cache")
    with tarfile.open(cached) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest
        assert EXTERNAL_DNS in manifest.read().decode()
    shutil.rmtree(tmp_path / "registry")
    assert published.cached("external-dns", tmp_path / "cache") == cached
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [cached.name]


@pytest.mark.programs
@pytest.mark.needs("docker-registry")
def test_an_image_that_cannot_be_had_is_refused_in_one_line(registry: str, tmp_path: Path) -> None:
    with pytest.raises(FleetError) as error:
        published.cached("karmada-webhook", tmp_path)
    assert str(error.value) == (
        f"image docker.io/karmada/karmada-webhook:v1.18.2 is needed and cannot be had from {registry}; name a mirror "
        f"of it in FEDERATION_IMAGES, or put an archive of it at {tmp_path}/karmada-webhook.v1.18.2.tar "
        "(manifest unknown)"
    )
    assert not list(tmp_path.glob("karmada*"))


@pytest.mark.parametrize(
    ("mirror", "place", "verified"),
    [
        ("", EXTERNAL_DNS, True),
        ("mirror.example", "mirror.example/external-dns/external-dns:v0.22.0", True),
        ("https://mirror.example/", "mirror.example/external-dns/external-dns:v0.22.0", True),
        ("http://127.0.0.1:5000", "127.0.0.1:5000/external-dns/external-dns:v0.22.0", False),
    ],
)
def test_where_an_image_is_copied_from(
    monkeypatch: pytest.MonkeyPatch, mirror: str, place: str, verified: bool
) -> None:
    monkeypatch.setenv(published.MIRROR, mirror)
    assert published.source(EXTERNAL_DNS) == (place, verified)


def test_without_skopeo_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(debian, "ON_DEMAND", {"skopeo": lambda: False})
    with pytest.raises(ToolError, match="skopeo"):
        published.cached("external-dns", tmp_path / "cache")


@pytest.mark.parametrize(
    ("configuration", "needs"),
    [
        ("config: {}", ["karmada"]),
        ("config: {federation:engine: builtin}", []),
        ("config: {federation:engine: builtin, federation:dns: {provider: coredns}}", []),
        ("config: {federation:dns: {provider: google-clouddns}}", ["karmada", "external-dns"]),
    ],
)
def test_only_what_a_stack_uses_is_needed(configuration: str, needs: list[str]) -> None:
    assert used_by(configuration) == needs
    assert set(needs) <= set(IMAGES)


def test_every_image_has_a_name_of_its_own() -> None:
    kinds = [kind for need in IMAGES for kind in published.kinds(need)]
    assert len(kinds) == len(set(kinds))


def test_the_default_images_are_of_the_versions_that_are_pinned() -> None:
    images = schema.Images()
    versions = {pin.name: pin.version for pin in PINS}
    assert images.etcd == f"registry.k8s.io/etcd:v{versions['etcd']}"
    assert images.kubernetes_tag == f"v{versions['kubernetes']}"
    assert images.coredns.endswith(f":v{versions['coredns']}")
    assert images.external_dns in IMAGES["external-dns"]
    assert f"{images.karmada_registry}/karmada-scheduler:{images.karmada_tag}" in IMAGES["karmada"]
