"""The protocol: what Pulumi asks of a language host, and the processes that answer it."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import language_pb2 as protocol
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeServicer

from language_host.children import Children, interrupt, output
from language_host.options import Environment, OptionError, environment

EXECUTOR = Path(__file__).with_name("executor.py")
TOLD = 32
"""The exit code of a program that has told its error itself."""


class LanguageHost(LanguageRuntimeServicer):
    """Answers one engine, whose address Pulumi gives at the start or with the handshake."""

    def __init__(self, engine: str, children: Children) -> None:
        self._engine = engine
        self._children = children
        self._cancelled = False

    def Handshake(
        self, request: protocol.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> protocol.LanguageHandshakeResponse:
        """Take the engine's address."""
        self._engine = request.engine_address
        return protocol.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Tell the version: that of Pulumi's package, whose protocol this is."""
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def About(self, request: protocol.AboutRequest, context: grpc.ServicerContext) -> protocol.AboutResponse:
        """Tell the Python that would run the program."""
        python = _python(_environment(request.info, context), context) if request.HasField("info") else None
        return protocol.AboutResponse(
            executable=python or shutil.which("python3") or "",
            version=platform.python_version(),
            metadata={"toolchain": "pip"},
        )

    def GetRequiredPackages(
        self, request: protocol.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> protocol.GetRequiredPackagesResponse:
        """Tell the resource plugins that the installed packages belong to."""
        needed = _plugins(_environment(request.info, context))
        return protocol.GetRequiredPackagesResponse(packages=[plugin_pb2.PackageDependency(**each) for each in needed])

    def GetRequiredPlugins(
        self, request: protocol.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> protocol.GetRequiredPluginsResponse:
        """Tell the same to an engine that asks the older question."""
        needed = _plugins(_environment(request.info, context))
        return protocol.GetRequiredPluginsResponse(plugins=[plugin_pb2.PluginDependency(**each) for each in needed])

    def Run(self, request: protocol.RunRequest, context: grpc.ServicerContext) -> protocol.RunResponse:
        """Run the program to its end; it writes to our stdout and stderr, which Pulumi shows."""
        project = _environment(request.info, context)
        command = [_python(project, context), "-P", str(EXECUTOR), json.dumps(self._settings(request))]
        # Not as arguments, which every user of the machine may read.
        secrets = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        with self._children.start(command, env=project.variables() | secrets, cwd=request.pwd or None) as process:
            context.add_callback(lambda: interrupt(process))
            code = process.wait()
        if code == TOLD or (code and self._cancelled):
            return protocol.RunResponse(bail=True)
        if code < 0:
            return protocol.RunResponse(error=f"program was ended by signal {-code}")
        return protocol.RunResponse(error=f"program exited with non-zero exit code: {code}" if code else "")

    def _settings(self, request: protocol.RunRequest) -> dict[str, object]:
        return {
            "settings": {
                "monitor": request.monitor_address,
                "engine": self._engine,
                "project": request.project,
                "stack": request.stack,
                "parallel": request.parallel,
                "dry_run": request.dryRun,
                "organization": request.organization,
                "root_directory": request.info.root_directory,
            },
            "program": request.info.entry_point or ".",
            "arguments": list(request.args),
        }

    def InstallDependencies(
        self, request: protocol.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[protocol.InstallDependenciesResponse]:
        """Make the virtual environment if it is not there, and install requirements.txt into it."""
        project = _environment(request.info, context, default="venv" if request.is_plugin else "")
        requirements = Path(request.info.program_directory) / "requirements.txt"
        commands = []
        if project.folder is not None and not (project.folder / "bin" / "python").exists():
            # That of PATH and not our own: ours may be of an environment itself.
            commands.append(["python3", "-m", "venv", str(project.folder)])
        if requirements.exists():
            python = str(project.folder / "bin" / "python") if project.folder else _python(project, context)
            commands.append([python, "-m", "pip", "install", "--disable-pip-version-check", "-r", str(requirements)])
        for command in commands:
            with self._children.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                for part in output(process):
                    yield protocol.InstallDependenciesResponse(**part)
                if process.wait() != 0:
                    _refuse(
                        context,
                        grpc.StatusCode.INTERNAL,
                        f"`{' '.join(command)}` failed with exit code {process.returncode}",
                    )

    def RunPlugin(
        self, request: protocol.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[protocol.RunPluginResponse]:
        """Run a plugin that is a folder with a `__main__.py`; what it writes, then its exit code."""
        folder = request.info.program_directory
        if request.kind == "analyzer" or not (Path(folder) / "__main__.py").exists():
            reason = f"{folder}: this project's own language host runs plugins with a __main__.py only, no policy packs"
            _refuse(context, grpc.StatusCode.UNIMPLEMENTED, reason)
        project = _environment(request.info, context, default="venv")
        variables = project.variables() | dict(pair.partition("=")[::2] for pair in request.env)
        with self._children.start(
            [_python(project, context), folder, *request.args],
            env=variables,
            cwd=request.pwd or None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            # Pulumi ends a plugin by ending the request.
            context.add_callback(lambda: interrupt(process))
            for part in output(process):
                yield protocol.RunPluginResponse(**part)
            yield protocol.RunPluginResponse(exitcode=process.wait())

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """Interrupt what runs."""
        self._cancelled = True
        self._children.interrupt()
        return Empty()

    def _absent(self, request: object, context: grpc.ServicerContext) -> NoReturn:
        _refuse(
            context,
            grpc.StatusCode.UNIMPLEMENTED,
            "this project's own language host only runs programs: for this command, install Pulumi's release",
        )

    # Without these, the library's own answers come with a traceback.
    RuntimeOptionsPrompts = Template = GetProgramDependencies = _absent
    GenerateProgram = GenerateProject = GeneratePackage = Pack = Link = _absent


def _environment(info: protocol.ProgramInfo, context: grpc.ServicerContext, default: str = "") -> Environment:
    try:
        return environment(MessageToDict(info.options), info.root_directory, default)
    except OptionError as error:
        _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))


def _python(project: Environment, context: grpc.ServicerContext) -> str:
    try:
        return str(project.python)
    except OptionError as error:
        _refuse(context, grpc.StatusCode.FAILED_PRECONDITION, str(error))


def _plugins(project: Environment) -> list[dict[str, Any]]:
    described = [json.loads(file.read_text()) for file in project.plugin_files()]
    return [
        {
            "name": plugin["name"],
            "kind": "resource",
            "version": f"v{plugin['version'].removeprefix('v')}",
            "server": plugin.get("server", ""),
        }
        for plugin in described
        if plugin.get("resource") and plugin.get("name") and plugin.get("version")
    ]


def _refuse(context: grpc.ServicerContext, code: grpc.StatusCode, reason: str) -> NoReturn:
    context.abort(code, reason)
    raise AssertionError("abort has not raised")
