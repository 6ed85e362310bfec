"""The toolbox on folders and servers made for the purpose: a PATH, a bundle, a release."""

import hashlib
import io
import json
import lzma
import platform
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import toolbox
from toolbox import ToolError, debian, install, pins, plugins, store, tools, versions
from toolbox.pins import Pin

pytestmark = pytest.mark.unit

# Nothing listens on port 1, so a release there is refused at once.
ETCD = Pin("etcd", "3.6.16", ("etcd",), release="http://127.0.0.1:1/PROGRAM")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux machine with an empty PATH, no bundle and an empty cache."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    for variable, folder in {
        "PATH": "path",
        "FEDERATION_TOOLS": "bundle",
        "FEDERATION_CACHE": "cache",
        "PULUMI_HOME": "pulumi",
    }.items():
        monkeypatch.setenv(variable, str(tmp_path / folder))


def put_program(file: Path, says: str) -> Path:
    """A program that answers every question with `says`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


def put_bundle(folder: Path, content: bytes = b"from the bundle", /, **overrides: str | list[str]) -> Path:
    """A bundle with one tool, whose manifest entry can be bent; returns the packed file."""
    entry = {
        "name": "etcd",
        "version": "3.6.16",
        "file": "linux-amd64/etcd.xz",
        "sha256": hashlib.sha256(content).hexdigest(),
        **overrides,
    }
    packed = folder / str(entry["file"])
    packed.parent.mkdir(parents=True, exist_ok=True)
    packed.write_bytes(lzma.compress(content))
    (folder / "manifest.json").write_text(json.dumps({"platform": "linux/amd64", "tools": [entry]}))
    return packed


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


class TestOrder:
    """PATH, then the bundle, then the release."""

    @pytest.mark.programs
    def test_a_fitting_program_on_path_comes_first(self, tmp_path: Path) -> None:
        own = put_program(tmp_path / "path" / "etcd", "etcd Version: 3.6.2")
        put_bundle(tmp_path / "bundle")
        found = tools.find(ETCD, "etcd")
        assert (found.path, found.source, found.fetched) == (own, "PATH", False)

    @pytest.mark.programs
    def test_the_bundle_stands_in_for_a_program_that_does_not_fit(self, tmp_path: Path) -> None:
        put_program(tmp_path / "path" / "etcd", "etcd Version: 3.5.9")
        put_bundle(tmp_path / "bundle")
        found = tools.find(ETCD, "etcd")
        assert found.path.read_bytes() == b"from the bundle"
        assert found.source == f"bundle {tmp_path / 'bundle'}"

    def test_the_bundle_comes_before_the_release(self, tmp_path: Path, server: tuple[str, Path]) -> None:
        address, published = server
        (published / "etcd").write_bytes(b"from the release")
        put_bundle(tmp_path / "bundle")
        found = tools.find(replace(ETCD, release=f"{address}/PROGRAM"), "etcd")
        assert found.path.read_bytes() == b"from the bundle"

    @pytest.mark.parametrize("bent", [("version", "3.6.15"), ("name", "other")])
    def test_the_release_stands_in_for_a_bundle_without_the_pinned_tool(
        self, tmp_path: Path, server: tuple[str, Path], bent: tuple[str, str]
    ) -> None:
        address, published = server
        (published / "etcd").write_bytes(b"from the release")
        put_bundle(tmp_path / "bundle", **dict([bent]))
        found = tools.find(replace(ETCD, release=f"{address}/PROGRAM"), "etcd")
        assert found.path.read_bytes() == b"from the release"

    def test_what_was_unpacked_serves_when_the_bundle_is_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put_bundle(tmp_path / "bundle")
        tools.find(ETCD, "etcd")
        monkeypatch.setenv("FEDERATION_TOOLS", str(tmp_path / "nowhere"))
        assert tools.find(ETCD, "etcd").source == "cache"

    @pytest.mark.programs
    def test_without_any_way_the_error_names_each_with_its_reason(self, tmp_path: Path) -> None:
        put_program(tmp_path / "path" / "etcd", "etcd Version: 3.5.9")
        with pytest.raises(ToolError) as error:
            tools.find(ETCD, "etcd")
        assert str(error.value).splitlines() == [
            "etcd 3.6.16 cannot be had. Tried, in this order:",
            f"  PATH: {tmp_path}/path/etcd: `etcd --version` says etcd Version: 3.5.9, "
            "wanted is the same major.minor as 3.6.16",
            f"  FEDERATION_TOOLS: no {tmp_path}/bundle/manifest.json",
            "  release: http://127.0.0.1:1/etcd: [Errno 111] Connection refused",
        ]

    @pytest.mark.parametrize(
        ("program", "reason"),
        [
            ("karmada-webhook", "published only as the image docker.io/karmada/karmada-webhook:v1.18.2"),
            ("mock-cloud-dns", "its project does not publish it"),
        ],
    )
    def test_a_program_without_a_download_says_so(self, program: str, reason: str) -> None:
        with pytest.raises(ToolError, match=f"release: {reason}"):
            toolbox.tool(program)


class TestPath:
    """What is taken from PATH."""

    @pytest.mark.parametrize(
        ("program", "answer", "fits"),
        [
            ("pulumi", "v3.274.0", True),
            ("pulumi", "v3.301.2", True),
            ("pulumi", "v3.273.9", False),
            ("pulumi", "v4.274.0", False),
            ("kubectl", "Client Version: v1.33.0", True),
            ("kubectl", "Client Version: v1.35.7\nKustomize Version: v5.7.1", True),
            ("kubectl", "Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", False),
            ("kubelet", "Kubernetes v1.34.0", True),
            ("kubelet", "Kubernetes v1.35.0", False),
            ("etcd", "etcd Version: 3.6.1\nGit SHA: 1.2", True),
            ("coredns", "CoreDNS-1.12.4\nlinux/amd64, go1.26.8", True),
            ("external-dns", "v0.21.0", False),
            (
                "karmadactl",
                'karmadactl version: version.Info{GitVersion:"v1.18.0", GoVersion:"go1.26.8"}',
                True,
            ),
            ("karmadactl", "unknown", False),
            ("karmadactl", "", False),
        ],
    )
    def test_which_versions_fit(self, program: str, answer: str, fits: bool) -> None:
        pinned = next(pin.version for pin in pins.PINS if program in pin.programs)
        assert versions.fits(pins.ASK[program].rule, answer, pinned) is fits

    @pytest.mark.programs
    @pytest.mark.parametrize("script", ["echo v3.6.16; exit 1", "exec sleep 60", "kill -9 $$"])
    def test_a_program_that_fails_or_hangs_does_not_fit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
    ) -> None:
        monkeypatch.setattr(versions, "SECONDS_TO_ANSWER", 0.2)
        monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin")
        put_program(tmp_path / "path" / "etcd", "").write_text(f"#!/bin/sh\n{script}\n")
        with pytest.raises(ToolError, match="`etcd --version` says nothing"):
            tools.find(ETCD, "etcd")

    def test_a_stranger_of_the_same_name_is_left_alone(self, tmp_path: Path) -> None:
        put_program(tmp_path / "path" / "pause", "3.10")
        with pytest.raises(ToolError, match="PATH: not looked for"):
            toolbox.tool("pause")

    def test_our_own_links_on_path_are_not_the_users(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put_program(tmp_path / "cache" / "bin" / "etcd", "etcd Version: 3.6.16")
        monkeypatch.setenv("PATH", str(tmp_path / "cache" / "bin"))
        with pytest.raises(ToolError, match="PATH: no etcd there"):
            tools.find(ETCD, "etcd")


class TestBundle:
    """What is unpacked from the bundle."""

    def test_it_is_unpacked_once_and_executable(self, tmp_path: Path) -> None:
        put_bundle(tmp_path / "bundle")
        first, second = tools.find(ETCD, "etcd"), tools.find(ETCD, "etcd")
        assert (first.fetched, second.fetched) == (True, False)
        assert first.path.stat().st_mode & 0o777 == 0o755

    def test_a_wrong_checksum_is_an_error_and_leaves_nothing(self, tmp_path: Path) -> None:
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

    def test_a_file_cut_short_is_an_error_and_leaves_nothing(self, tmp_path: Path) -> None:
        packed = put_bundle(tmp_path / "bundle")
        packed.write_bytes(packed.read_bytes()[:-20])
        with pytest.raises(ToolError, match=r"etcd\.xz cannot be unpacked"):
            tools.find(ETCD, "etcd")
        assert [file.name for file in store.home(ETCD).iterdir()] == [".lock"]

    def test_the_leftover_of_a_killed_run_is_replaced(self, tmp_path: Path) -> None:
        put_bundle(tmp_path / "bundle")
        store.home(ETCD).mkdir(parents=True)
        (store.home(ETCD) / "etcd").write_bytes(b"not verified")
        (store.home(ETCD) / "etcd.part").write_bytes(b"from the bundle, and longer than that")
        assert tools.find(ETCD, "etcd").path.read_bytes() == b"from the bundle"
        assert not (store.home(ETCD) / "etcd.part").exists()

    def test_a_file_that_was_touched_since_is_unpacked_again(self, tmp_path: Path) -> None:
        put_bundle(tmp_path / "bundle")
        tools.find(ETCD, "etcd").path.write_bytes(b"damaged")
        assert tools.find(ETCD, "etcd").path.read_bytes() == b"from the bundle"

    def test_another_build_of_the_same_version_is_unpacked_again(self, tmp_path: Path) -> None:
        put_bundle(tmp_path / "bundle")
        tools.find(ETCD, "etcd")
        put_bundle(tmp_path / "bundle", b"from another build")
        assert tools.find(ETCD, "etcd").path.read_bytes() == b"from another build"

    def test_side_by_side_only_one_unpacks(self, tmp_path: Path) -> None:
        content = bytes(8 << 20)
        put_bundle(tmp_path / "bundle", content)
        with ThreadPoolExecutor(4) as pool:
            founds = list(pool.map(lambda _: tools.find(ETCD, "etcd"), range(4)))
        assert sorted(found.fetched for found in founds) == [False, False, False, True]
        assert all(found.path.stat().st_size == len(content) for found in founds)

    def test_one_binary_serves_under_several_names(self, tmp_path: Path) -> None:
        pin = Pin("kubernetes", "1.34.4", ("kubelet", "kubectl"))
        put_bundle(tmp_path / "bundle", name="kubernetes", version="1.34.4", programs=["kubelet", "kubectl"])
        kubelet, kubectl = tools.find(pin, "kubelet"), tools.find(pin, "kubectl")
        assert (kubelet.fetched, kubectl.fetched) == (True, False)
        assert (kubelet.path.name, kubectl.path.name) == ("kubelet", "kubectl")
        assert kubelet.path.resolve() == kubectl.path.resolve()

    def test_a_bundle_for_another_machine_does_not_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put_bundle(tmp_path / "bundle")
        monkeypatch.setattr(platform, "machine", lambda: "aarch64")
        with pytest.raises(ToolError, match=r"is for linux/amd64, this machine is linux/arm64"):
            tools.find(ETCD, "etcd")

    def test_an_archive_stays_packed_and_keeps_its_type(self, tmp_path: Path) -> None:
        content = b"a packed archive"
        file = put_bundle(
            tmp_path / "bundle", content, name="karmada-crds", version="1.18.2", file="crds-v1.18.2.tar.gz"
        )
        file.write_bytes(content)
        path = toolbox.archive("karmada-crds")
        assert path.read_bytes() == content
        assert path.name == "karmada-crds.tar.gz"


class TestRelease:
    """What is downloaded; the server stands in for the projects' own."""

    def test_all_programs_of_an_archive_are_taken_at_once(self, server: tuple[str, Path]) -> None:
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
            ("short.tar.gz", "unexpected end of data|end-of-stream|not a gzip file"),
            ("other.tar.gz", "does not contain etcd"),
        ],
    )
    def test_a_bad_download_is_a_reason_and_leaves_nothing(
        self, server: tuple[str, Path], file: str, reason: str
    ) -> None:
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


class TestInstall:
    """The folder of links, and what is said about it."""

    def test_a_second_run_only_sums_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put_bundle(tmp_path / "bundle")
        for table, pinned in (("PINS", (ETCD,)), ("PLUGINS", ()), ("ARCHIVES", ())):
            monkeypatch.setattr(install, table, pinned)
        install.install()
        assert (tmp_path / "cache" / "bin" / "etcd").read_bytes() == b"from the bundle"
        fetched, summary = capsys.readouterr().out.splitlines()
        assert fetched.startswith("etcd 3.6.16 ")
        install.install()
        assert capsys.readouterr().out.splitlines() == [summary]
        assert summary == f"1 tools ready in {tmp_path}/cache/bin"

    def test_all_that_cannot_be_had_is_said_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        other = replace(ETCD, name="other", programs=("other",))
        for table, pinned in (("PINS", (ETCD, other)), ("PLUGINS", ()), ("ARCHIVES", ())):
            monkeypatch.setattr(install, table, pinned)
        with pytest.raises(ToolError, match=r"(?s)(?=.*etcd 3\.6\.16 cannot)(?=.*other 3\.6\.16 cannot)"):
            install.install()

    def test_a_plugin_in_pulumi_home_is_left_alone(self, tmp_path: Path) -> None:
        plugin = tmp_path / "pulumi" / "plugins" / "resource-tls-v5.5.1"
        put_program(plugin / "pulumi-resource-tls", "")
        pin = next(pin for pin in pins.PLUGINS if pin.name == "pulumi-resource-tls")
        assert plugins.install_plugin(pin).source == "PULUMI_HOME"

    @pytest.mark.programs
    def test_a_plugin_is_installed_by_pulumi_from_the_bundle(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plugin = tmp_path / "pulumi" / "plugins" / "resource-tls-v5.5.1"
        pulumi = put_program(tmp_path / "opt" / "pulumi", "")
        pulumi.write_text(f'#!/bin/sh\n/bin/mkdir -p {plugin} && /bin/cp "$7" {plugin}/pulumi-resource-tls\n')
        monkeypatch.setattr(plugins, "tool", lambda _: pulumi)
        put_bundle(tmp_path / "bundle", name="pulumi-resource-tls", version="5.5.1")
        pin = next(pin for pin in pins.PLUGINS if pin.name == "pulumi-resource-tls")
        assert plugins.install_plugin(pin).fetched
        assert (plugin / "pulumi-resource-tls").read_bytes() == b"from the bundle"

    @pytest.mark.programs
    def test_a_plugin_that_cannot_be_had_names_the_three_ways(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pulumi = put_program(tmp_path / "opt" / "pulumi", "")
        pulumi.write_text("#!/bin/sh\necho 'warning: no such host\nerror: failed all attempts'\nexit 1\n")
        monkeypatch.setattr(plugins, "tool", lambda _: pulumi)
        with pytest.raises(ToolError) as error:
            plugins.install_plugin(pins.PLUGINS[-1])
        assert str(error.value).splitlines()[1:] == [
            f"  PULUMI_HOME: no complete {tmp_path}/pulumi/plugins/resource-tls-v5.5.1",
            f"  FEDERATION_TOOLS: no {tmp_path}/bundle/manifest.json",
            "  release: `pulumi plugin install resource tls 5.5.1`: no such host",
        ]


class TestDebian:
    """The packages of the machine."""

    def test_a_package_is_missing_when_its_program_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        there = put_program(tmp_path / "there", "")
        needed = {"one": there.is_file, "two": (tmp_path / "absent").is_file}
        monkeypatch.setattr(debian, "NEEDED", needed)
        assert debian.missing() == ["two"]

    def test_without_apt_get_the_packages_are_named(self) -> None:
        with pytest.raises(ToolError, match="not a Debian machine: install what Debian calls runc iptables"):
            debian.install(["runc", "iptables"])

    @pytest.mark.programs
    def test_a_failure_shows_the_end_of_what_apt_get_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.geteuid", lambda: 0)
        apt_get = put_program(tmp_path / "path" / "apt-get", "E: Unable to locate package")
        apt_get.write_text(apt_get.read_text() + "exit 100\n")
        with pytest.raises(ToolError) as error:
            debian.install(["runc"])
        assert str(error.value) == ("`apt-get update -q` failed with exit code 100:\n  E: Unable to locate package")


def test_every_program_is_pinned_once() -> None:
    names = [program for pin in (*pins.PINS, *pins.PLUGINS, *pins.ARCHIVES) for program in pin.programs]
    assert len(names) == len(set(names))
    assert set(pins.ASK) <= set(names)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ToolError, match=r"kubelett: no such tool; known are .*kubelet, "):
        toolbox.tool("kubelett")
    with pytest.raises(ToolError, match="no such archive; known are external-dns-crd, karmada-crds"):
        toolbox.archive("crds")
