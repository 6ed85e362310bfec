"""The folder of links, Pulumi's plugins, and what is said about them."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.__main__ import NEEDED
from lab.toolbox import ToolError, build, install, pins, plugins, release, store
from lab.toolbox.pins import Build, Pin
from tests.unit.toolbox.folders import ETCD, put_bundle, put_program

pytestmark = pytest.mark.unit

KUBERNETES = next(pin for pin in pins.PLUGINS if pin.name == "pulumi-resource-kubernetes")
GCP = next(pin for pin in pins.PLUGINS if pin.name == "pulumi-resource-gcp")
PLACE = Path("pulumi-home/plugins/resource-kubernetes-v4.32.0/pulumi-resource-kubernetes")


def pin_only(monkeypatch: pytest.MonkeyPatch, *pinned: Pin) -> None:
    for table, content in (("PINS", pinned), ("PLUGINS", ()), ("ARCHIVES", ())):
        monkeypatch.setattr(install, table, content)


@pytest.fixture
def unreleased(monkeypatch: pytest.MonkeyPatch) -> None:
    """No release page is reached."""
    monkeypatch.setattr(release, "_unresolved", {"first.example": "no name is resolved here"})


def test_a_second_run_only_sums_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_bundle(tmp_path / "bundle")
    pin_only(monkeypatch, ETCD)
    install.install()
    assert (tmp_path / "cache" / "bin" / "etcd").read_bytes() == b"from the bundle"
    fetched, summary = capsys.readouterr().out.splitlines()
    assert fetched.startswith("etcd 3.6.16 ")
    install.install()
    assert capsys.readouterr().out.splitlines() == [summary]
    assert summary == f"1 tools ready in {tmp_path}/cache/bin"


def test_only_what_is_named_is_made_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_bundle(tmp_path / "bundle")
    pin_only(monkeypatch, ETCD, replace(ETCD, name="other", programs=("other",)))
    install.install({"etcd"})
    assert capsys.readouterr().out.splitlines()[-1] == f"1 tools ready in {tmp_path}/cache/bin"


def test_all_that_cannot_be_had_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pin_only(monkeypatch, ETCD, replace(ETCD, name="other", programs=("other",)))
    with pytest.raises(ToolError, match=r"(?s)(?=.*etcd 3\.6\.16 cannot)(?=.*other 3\.6\.16 cannot)"):
        install.install()


def test_what_is_not_needed_is_told_with_what_it_costs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pin_only(monkeypatch, replace(ETCD, without="nothing is kept"))
    install.install()
    assert capsys.readouterr().out.splitlines()[1:] == ["etcd 3.6.16: not to be had here; nothing is kept"]


@pytest.mark.programs
@pytest.mark.parametrize(
    ("version", "found"), [("", "there is no `go` on PATH"), ("go1.22.3", "/path/go is 1.22.3"), ("x", "/path/go is x")]
)
def test_without_go_one_error_has_each_ways_words_and_the_version_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, found: str
) -> None:
    if version:
        put_program(tmp_path / "path" / "go", version)
    pin_only(monkeypatch, replace(ETCD, build=Build()), Pin("coredns", "1.12.1", ("coredns",), build=Build()))
    with pytest.raises(ToolError) as error:
        install.install()
    *reasons, last = str(error.value).replace(str(tmp_path), "").splitlines()
    assert reasons[0] == "etcd 3.6.16 cannot be had. Tried, in this order:"
    assert "  release: http://127.0.0.1:1/etcd: [Errno 111] Connection refused" in reasons
    assert "  release: its project does not publish it as a file" in reasons
    assert last == (
        f"Go 1.26.0 or later is needed to build etcd, coredns: {found}. "
        "Install it from https://go.dev/dl, or put the programs on PATH"
    )


@pytest.mark.programs
def test_builds_are_made_one_after_the_other_with_time_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_program(tmp_path / "path" / "go", "go9.9")

    def make(pin: Pin, how: Build, go: str, file: Path) -> None:
        with put_program(tmp_path / pin.name, "built").open("rb") as content:
            store.put(file, content, pin.name)

    monkeypatch.setattr(build, "_build", make)
    pin_only(monkeypatch, replace(ETCD, build=Build()))
    install.install()
    *why, line, _ = capsys.readouterr().out.splitlines()
    assert why[-2:] == ["  release: http://127.0.0.1:1/etcd: [Errno 111] Connection refused", "  build: now"]
    assert line.split()[:7] == ["etcd", "3.6.16", "built", "from", "the", "Go", "module"]
    assert line.endswith(" s     0 MiB")
    install.install()
    assert "built" not in capsys.readouterr().out


@pytest.mark.programs
@pytest.mark.parametrize("published", [True, False])
def test_a_full_disk_ends_it_at_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    server: tuple[str, Path],
    published: bool,
) -> None:
    address, folder = server
    put_program(tmp_path / "path" / "go", "go9.9")
    (folder / "etcd").write_bytes(b"from the release")
    if not published:
        put_bundle(tmp_path / "bundle")
    # What is written there ends as on a full disk.
    store.home(ETCD).mkdir(parents=True)
    (store.home(ETCD) / "etcd.part").symlink_to("/dev/full")
    pin_only(monkeypatch, replace(ETCD, release=f"{address}/PROGRAM", build=Build()))
    with pytest.raises(OSError, match=r"^etcd 3\.6\.16: (release: http|FEDERATION_TOOLS: ).*No space left on device; "):
        install.install()
    assert capsys.readouterr().out == ""


@pytest.mark.programs
def test_a_build_on_a_full_disk_is_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = put_program(tmp_path / "path" / "go", "")
    words = "write /tmp/go-build1/x: no space left on device"
    go.write_text(f"#!/bin/sh\ncase $1 in env) echo go9.9;; *) echo '{words}' >&2; exit 1;; esac\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    pin_only(monkeypatch, replace(ETCD, build=Build()), Pin("coredns", "1.12.1", ("coredns",), build=Build()))
    with pytest.raises(OSError, match=f"^etcd 3.6.16: build: .*{words}; "):
        install.install()


def test_what_cannot_be_read_of_a_bundle_is_one_of_the_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = put_bundle(tmp_path / "bundle")
    packed.unlink()
    packed.mkdir()
    pin_only(monkeypatch, ETCD)
    with pytest.raises(ToolError, match=r"FEDERATION_TOOLS: \[Errno 21\] Is a directory: .*etcd\.xz"):
        install.install()


@pytest.mark.programs
def test_a_released_plugin_is_installed_once_by_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "cache" / PLACE
    pulumi = put_program(tmp_path / "opt" / "pulumi", "")
    pulumi.write_text(f"#!/bin/sh\n/bin/mkdir -p {place.parent} && echo released > {place}\n")
    monkeypatch.setattr(plugins, "tool", lambda _: pulumi)
    monkeypatch.setattr(plugins, "DOWNLOADS", "http://127.0.0.1:1/")
    assert plugins.install_plugin(KUBERNETES).source == "release by pulumi"
    assert plugins.install_plugin(KUBERNETES).source == "PULUMI_HOME"
    assert not plugins.is_built(KUBERNETES)


def test_a_plugin_of_unknown_origin_is_not_taken_for_the_released_one(tmp_path: Path) -> None:
    put_program(tmp_path / "cache" / PLACE, "somebody's")
    put_bundle(tmp_path / "bundle", name="pulumi-resource-kubernetes", version="4.32.0")
    plugins.install_plugin(KUBERNETES)
    assert plugins.is_built(KUBERNETES)
    assert (tmp_path / "cache" / PLACE).read_bytes() == b"from the bundle"


def test_a_plugin_of_the_bundle_is_kept_under_the_version_that_it_is(tmp_path: Path) -> None:
    put_bundle(tmp_path / "bundle", name="pulumi-resource-kubernetes", version="4.32.0")
    assert plugins.install_plugin(KUBERNETES).fetched
    assert plugins.is_built(KUBERNETES)
    place = tmp_path / "cache" / PLACE
    assert place.read_bytes() == b"from the bundle"
    assert place.resolve().parent.name == "pulumi-resource-kubernetes-4.0.0-20260115033456-f47bc2d6f199"
    again = plugins.install_plugin(KUBERNETES)
    assert (again.source, again.fetched) == ("PULUMI_HOME", False)


def test_a_plugin_that_leads_nowhere_is_linked_anew(tmp_path: Path) -> None:
    place = tmp_path / "cache" / PLACE
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "gone")
    put_bundle(tmp_path / "bundle", name="pulumi-resource-kubernetes", version="4.32.0")
    plugins.install_plugin(KUBERNETES)
    assert place.read_bytes() == b"from the bundle"


@pytest.mark.programs
def test_a_plugin_that_cannot_be_had_names_the_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = put_program(tmp_path / "opt" / "pulumi", "")
    pulumi.write_text("#!/bin/sh\necho 'warning: no such host\nerror: failed all attempts'\nexit 1\n")
    monkeypatch.setattr(plugins, "tool", lambda _: pulumi)
    monkeypatch.setattr(plugins, "DOWNLOADS", "http://127.0.0.1:1/")
    with pytest.raises(ToolError) as error:
        plugins.install_plugin(GCP)
    assert str(error.value).splitlines()[1:] == [
        f"  PULUMI_HOME: no complete {tmp_path}/cache/pulumi-home/plugins/resource-gcp-v9.35.0",
        f"  cache: not in {tmp_path}/cache",
        f"  FEDERATION_TOOLS: no {tmp_path}/bundle/manifest.json",
        "  release: `pulumi plugin install --reinstall resource gcp 9.35.0`: no such host",
        "  build: not in the Go module proxy",
    ]


@pytest.mark.usefixtures("unreleased")
def test_pulumi_does_not_try_for_a_plugin_where_no_name_is_resolved() -> None:
    with pytest.raises(ToolError, match=r"release: https://get\.pulumi\.com/releases/plugins: not tried"):
        plugins.install_plugin(GCP)


def test_verbs_ask_for_tools_that_there_are() -> None:
    known = {pin.name for pin in (*pins.PINS, *pins.PLUGINS, *pins.ARCHIVES)}
    assert {name for names in NEEDED.values() for name in names} <= known
    assert "coredns" not in NEEDED["down"]
