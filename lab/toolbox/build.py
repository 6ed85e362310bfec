"""The last way: a build from the Go module proxy, of the versions that go.mod and go.sum in builds/NAME pin.

A build is kept in the cache by its version and by all that went into it, so that a change here makes a new one.
"""

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

from lab.toolbox import store
from lab.toolbox.errors import MissingError, ToolError
from lab.toolbox.found import Found
from lab.toolbox.pins import Build, Pin

BUILDS = Path(__file__).resolve().parent / "builds"
LINES_OF_LOG = 12

_one_at_a_time = threading.Lock()
"""Each takes all processors, and up to 4 GB of memory for the linker."""


def home(pin: Pin) -> Path | None:
    """The folder that keeps what is built now; None for a tool that is not built."""
    if pin.build is None:
        return None
    what = replace(pin, version=pin.build.version or pin.version)
    return store.home(what).with_name(f"{store.home(what).name}-{_content(pin, pin.build)}")


def from_build(pin: Pin, program: str) -> Found:
    """The program, built now if it has not been yet. It takes minutes."""
    folder = home(pin)
    if pin.build is None or folder is None:
        raise MissingError("not in the Go module proxy")
    go = _go(pin)
    file, path = folder / pin.name, folder / program
    with _one_at_a_time, store.locked(folder):
        fetched = not store.holds(file)
        if fetched:
            _build(pin, pin.build, go, file)
        if path != file:
            store.link(path, Path(file.name))
    return Found(path, "built from the Go module proxy", fetched)


def go_missing(pins: list[Pin]) -> str:
    """Why these cannot all be built here, for the user; empty if they can."""
    wanted = max((_wanted(pin) for pin in pins if pin.build), key=_numbers, default="")
    program, version = _installed()
    if not wanted or (program and _numbers(version) >= _numbers(wanted)):
        return ""
    found = f"{program} is {version}" if program else "there is no `go` on PATH"
    return f"Go {wanted} or later is needed to build {', '.join(pin.name for pin in pins)}: {found}"


def _go(pin: Pin) -> str:
    if reason := go_missing([pin]):
        raise MissingError(reason)
    return _installed()[0]


@functools.cache
def _installed() -> tuple[str, str]:
    """Go's path and version, both empty without one. Its own downloads of other versions are not used."""
    program = shutil.which("go")
    if program is None:
        return "", ""
    asked = subprocess.run(
        [program, "env", "GOVERSION"], check=False, capture_output=True, text=True, env=_environment(), cwd="/"
    )
    return program, asked.stdout.strip().removeprefix("go") or "broken"


def _wanted(pin: Pin) -> str:
    match = re.search(r"^go (\S+)", (BUILDS / pin.name / "go.mod").read_text(), re.MULTILINE)
    if not match:
        raise ToolError(f"{BUILDS / pin.name / 'go.mod'} has no line with the version of Go")
    return match[1]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _content(pin: Pin, build: Build) -> str:
    digest = hashlib.sha256(repr(build).encode())
    for file in sorted((BUILDS / pin.name).iterdir()):
        digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def _build(pin: Pin, build: Build, go: str, file: Path) -> None:
    print(f"{pin.name} {pin.version} is built from the Go module proxy, which takes minutes", flush=True)
    work = file.with_name(".work")
    shutil.rmtree(work, ignore_errors=True)
    # A folder of its own: builds/ belongs to the checkout, and a go.work above it would count.
    shutil.copytree(BUILDS / pin.name, work)
    try:
        for module, path in build.embedded:
            # It downloads what is not there yet; `go list` would tell no folder then.
            source = Path(json.loads(_run([go, "mod", "download", "-json", module], work))["Dir"], path)
            minified = json.dumps(json.loads(source.read_text()), separators=(",", ":"))
            (work / source.name).write_text(minified)
        linker = " ".join(["-s", "-w", *(f"-X {variable}" for variable in build.variables)])
        options = ["-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", linker, "-o", "built"]
        _run(["nice", go, "build", *options, build.package], work)
        with (work / "built").open("rb") as content:
            store.put(file, content, f"the build of {pin.name}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=_environment(),
    )
    if done.returncode != 0:
        log = " / ".join(done.stderr.strip().splitlines()[-LINES_OF_LOG:])
        raise MissingError(f"`{' '.join(command)}` failed: {log}")
    return done.stdout


def _environment() -> dict[str, str]:
    # Static, as images are made of nothing else.
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
