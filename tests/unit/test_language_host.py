"""Our language host's answers, without a process: which Python, which plugins, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2 as protocol

from lab.toolbox import language, store
from language_host.children import Children
from language_host.executor import unhandled
from language_host.options import Environment, OptionError, environment
from language_host.servicer import LanguageHost

pytestmark = pytest.mark.unit


class AbortedError(Exception):
    """What gRPC makes of a call to `abort`."""


class Context:
    """Of one call."""

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise AbortedError(code, details)


class TestOptions:
    def test_the_virtual_environment_is_relative_to_the_project(self, tmp_path: Path) -> None:
        python = tmp_path / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()
        chosen = environment({"toolchain": "pip", "virtualenv": ".venv"}, str(tmp_path))
        assert chosen.python == python
        assert chosen.variables()["VIRTUAL_ENV"] == str(tmp_path / ".venv")
        assert chosen.variables()["PATH"].startswith(f"{python.parent}:")

    def test_without_one_it_is_python3_on_path(self) -> None:
        assert environment({}, "/nowhere").python == Path(shutil.which("python3") or "")
        assert environment({}, "/project", default="venv").folder == Path("/project/venv")

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"toolchain": "poetry"}, "toolchain is 'poetry'; this project's own language host knows only pip"),
            ({"typechecker": "mypy"}, "typechecker is unknown .*; it knows toolchain and virtualenv"),
            ({"virtualenv": 3.0}, "virtualenv is 3.0, and must be a path"),
        ],
    )
    def test_what_it_does_not_know_is_refused(self, options: dict[str, object], complaint: str) -> None:
        with pytest.raises(OptionError, match=complaint):
            environment(options, "/project")

    def test_an_environment_that_is_not_there_is_told_with_the_way_to_have_it(self, tmp_path: Path) -> None:
        with pytest.raises(OptionError, match="run `pulumi install`"):
            _ = Environment(tmp_path / "none").python


def project(folder: Path, **options: str) -> protocol.ProgramInfo:
    given = Struct()
    given.update(options)
    return protocol.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder), entry_point=".", options=given
    )


class TestAnswers:
    host = LanguageHost("127.0.0.1:1", Children())

    def test_the_plugins_are_those_of_the_installed_packages(self, tmp_path: Path) -> None:
        packages = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
        for name, described in {
            "pulumi_kubernetes": {"resource": True, "name": "kubernetes", "version": "4.32.0"},
            "pulumi_own": {"resource": True, "name": "own", "version": "v1.0.0", "server": "https://own.example"},
            "pulumi_policy": {"resource": False, "name": "policy", "version": "1.0.0"},
        }.items():
            (packages / name).mkdir(parents=True)
            (packages / name / "pulumi-plugin.json").write_text(json.dumps(described))
        info = project(tmp_path, virtualenv=".venv")
        found = self.host.GetRequiredPackages(protocol.GetRequiredPackagesRequest(info=info), Context())
        assert [(each.name, each.kind, each.version, each.server) for each in found.packages] == [
            ("kubernetes", "resource", "v4.32.0", ""),
            ("own", "resource", "v1.0.0", "https://own.example"),
        ]
        older = self.host.GetRequiredPlugins(protocol.GetRequiredPluginsRequest(), Context())
        assert list(older.plugins) == []

    def test_a_program_without_its_environment_is_not_run(self, tmp_path: Path) -> None:
        request = protocol.RunRequest(info=project(tmp_path, virtualenv=".venv"))
        with pytest.raises(AbortedError, match="is not there: run `pulumi install`"):
            self.host.Run(request, Context())

    def test_a_plugin_that_it_cannot_run_is_refused(self, tmp_path: Path) -> None:
        request = protocol.RunPluginRequest(info=project(tmp_path))
        with pytest.raises(AbortedError, match="plugins with a"):
            list(self.host.RunPlugin(request, Context()))

    def test_what_else_a_released_one_does_is_refused_in_one_sentence(self) -> None:
        with pytest.raises(AbortedError, match="install Pulumi's release"):
            self.host.GenerateProject(object(), Context())


def test_an_error_is_told_from_the_programs_first_line_on() -> None:
    def raises() -> None:
        raise ValueError("not expected")

    try:
        raises()
    except ValueError as error:
        told = unhandled(error, Path(raises.__code__.co_filename))
        elsewhere = unhandled(error, Path("/program/__main__.py"))
    assert told.startswith("Program failed with an unhandled exception:\nTraceback")
    assert told.endswith("ValueError: not expected\n")
    assert elsewhere == told


class TestPlace:
    """Where the toolbox puts it."""

    @pytest.fixture(autouse=True)
    def machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FEDERATION_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("PATH", str(tmp_path / "path"))
        store.links().mkdir(parents=True)

    def put(self, file: Path) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o755)
        return file

    def test_it_is_beside_a_pulumi_of_the_cache_and_outlives_the_checkout(self, tmp_path: Path) -> None:
        pulumi = self.put(tmp_path / "cache" / "pulumi-3.274.1" / "pulumi")
        for _ in range(2):
            assert language.language_host(pulumi)
        placed = pulumi.with_name(language.PROGRAM)
        assert placed.resolve().is_relative_to(tmp_path / "cache")
        assert placed.read_bytes() == (language.OURS / language.PROGRAM).read_bytes()
        assert (placed.resolve().parent / "executor.py").exists()

    def test_a_released_one_is_left_in_its_place(self, tmp_path: Path) -> None:
        pulumi = self.put(tmp_path / "cache" / "pulumi-3.274.1" / "pulumi")
        released = self.put(pulumi.with_name(language.PROGRAM))
        assert not language.language_host(pulumi)
        assert not released.is_symlink()

    def test_a_released_one_on_path_is_enough(self, tmp_path: Path) -> None:
        pulumi = self.put(tmp_path / "cache" / "pulumi-3.274.1" / "pulumi")
        self.put(tmp_path / "path" / language.PROGRAM)
        assert not language.language_host(pulumi)

    def test_the_folder_of_a_users_own_pulumi_stays_as_it_is(self, tmp_path: Path) -> None:
        pulumi = self.put(tmp_path / "own" / "pulumi")
        assert language.language_host(pulumi)
        assert list(pulumi.parent.iterdir()) == [pulumi]
        assert (store.links() / language.PROGRAM).exists()
