"""Which of the ways to a program is taken."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab import toolbox
from lab.toolbox import ToolError, pins, tools, versions
from tests.unit.toolbox.folders import ETCD, put_bundle, put_program

pytestmark = pytest.mark.unit


class TestOrder:
    """PATH, the cache, the bundle, the release, a build."""

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
            f"  cache: not in {tmp_path}/cache",
            f"  FEDERATION_TOOLS: no {tmp_path}/bundle/manifest.json",
            "  release: http://127.0.0.1:1/etcd: [Errno 111] Connection refused",
            "  build: not in the Go module proxy",
        ]

    def test_a_program_without_a_download_says_so(self) -> None:
        with pytest.raises(ToolError, match="release: its project does not publish it as a file"):
            toolbox.tool("mock-cloud-dns")


class TestPath:
    """What is taken from PATH."""

    @pytest.mark.parametrize(
        ("program", "answer", "fits"),
        [
            ("pulumi", "v3.274.0", True),
            ("pulumi", "v3.301.2", True),
            ("pulumi", "v3.273.9", False),
            ("pulumi", "v4.274.1", False),
            ("kubectl", "Client Version: v1.33.0", True),
            ("kubectl", "Client Version: v1.35.7\nKustomize Version: v5.7.1", True),
            ("kubectl", "Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", False),
            ("kubelet", "Kubernetes v1.34.0", True),
            ("kubelet", "Kubernetes v1.35.0", False),
            ("etcd", "etcd Version: 3.6.1\nGit SHA: 1.2", True),
            ("coredns", "CoreDNS-1.12.4\nlinux/amd64, go1.26.8", True),
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
        put_program(tmp_path / "path" / "mock-cloud-dns", "2026-08-22")
        with pytest.raises(ToolError, match="PATH: not looked for"):
            toolbox.tool("mock-cloud-dns")

    def test_our_own_links_on_path_are_not_the_users(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put_program(tmp_path / "cache" / "bin" / "etcd", "etcd Version: 3.6.16")
        monkeypatch.setenv("PATH", str(tmp_path / "cache" / "bin"))
        with pytest.raises(ToolError, match="PATH: no etcd there"):
            tools.find(ETCD, "etcd")


def test_every_program_is_pinned_once() -> None:
    names = [program for pin in (*pins.PINS, *pins.PLUGINS, *pins.ARCHIVES) for program in pin.programs]
    assert len(names) == len(set(names))
    assert set(pins.ASK) <= set(names)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ToolError, match=r"kubelett: no such tool; known are .*kubelet, "):
        toolbox.tool("kubelett")
    with pytest.raises(ToolError, match="no such archive; known are external-dns-crd, karmada-crds"):
        toolbox.archive("crds")
