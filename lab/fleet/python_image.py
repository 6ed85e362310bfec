"""The image of our controllers as the fleet makes it, without Docker: controllers/Dockerfile publishes the same.

A pod sees no difference: python3 is on PATH, the working directory is /app, the user is 65532, nothing is written.
The interpreter is the one that runs the fleet, moved to /usr/local, where it finds its library by itself; the shared
libraries that this machine has anywhere are together in /usr/local/lib.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from lab.fleet.archive import PATH, Entry, Image, file, link
from lab.fleet.record import CHECKOUT, locked
from lab.fleet.waiting import FleetError

NAME = "ghcr.io/kube-federation/controllers:0.1.0"
CODE = (
    *(f"controllers/{folder}*.py" for folder in ("", "runtime/", "names/", "zone/", "engine/")),
    *(
        "federation/__init__.py",
        "federation/settings/__init__.py",
        "federation/settings/keys.py",
        "federation/settings/names.py",
        "federation/settings/syntax.py",
        "kube/*.py",
    ),
)
CONFIG: Mapping[str, str | list[str]] = {
    "Env": [
        f"PATH={PATH}",
        "LD_LIBRARY_PATH=/usr/local/lib",
        # Debian's Python would not look into site-packages.
        "PYTHONPATH=/packages",
        "PYTHONDONTWRITEBYTECODE=1",
    ],
    "WorkingDir": "/app",
    "User": "65532:65532",
    "Entrypoint": ["python3", "-m"],
}

UNUSED = (
    *("test", "tests", "_test*", "_ctypes_test*", "_xxtest*", "xxlimited*"),
    *("idlelib", "tkinter", "_tkinter*", "turtledemo", "_curses*", "readline*", "nis*"),
    *("ensurepip", "lib2to3", "pydoc_data", "config-*", "site-packages", "dist-packages", "*.opt-?.pyc"),
)
"""Of the standard library: tests, what needs a screen, a terminal or NIS, and what installs, builds and documents."""


def controllers(cache: Path) -> Image:
    """`cache` is the folder in which installed packages are kept."""
    requirements = CHECKOUT / "controllers" / "requirements.txt"
    return Image(NAME, (Interpreter(), Packages(requirements, cache), Code(CHECKOUT, CODE)), CONFIG)


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs this, with its library and the shared libraries of both."""

    def content(self) -> str:
        return f"{sys.base_prefix} {sys.version}"

    def entries(self) -> Iterator[Entry]:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        executable = Path(sys.base_prefix, "bin", version)
        library = Path(sysconfig.get_path("stdlib"))
        files = list(below(library, UNUSED))
        yield file(f"usr/local/bin/{version}", executable)
        yield link("usr/local/bin/python3", version)
        for each in files:
            yield file(f"usr/local/lib/{version}/{each}", library / each)
        yield from _libraries([executable, *(library / each for each in files if each.suffix == ".so")])


@dataclass(frozen=True)
class Packages:
    """What a file of requirements asks for, installed by pip into a folder of the cache, with pip's own settings."""

    requirements: Path
    cache: Path

    def content(self) -> str:
        # Compiled modules are for one version of Python.
        digest = hashlib.sha256(self.requirements.read_bytes()).hexdigest()[:16]
        return f"{sys.implementation.cache_tag}-{digest}"

    def entries(self) -> Iterator[Entry]:
        folder = self.cache / self.content()
        with locked(self.cache):
            if not folder.exists():
                for outdated in self.cache.iterdir():
                    shutil.rmtree(outdated)
                new = folder.with_suffix(".new")
                self._install(new)
                new.rename(folder)
            files = list(below(folder))
            for each in files:
                yield file(f"packages/{each}", folder / each)
            yield from _libraries([folder / each for each in files if each.suffix == ".so"])

    def _install(self, folder: Path) -> None:
        python = [sys.executable, "-m"]
        options = ["--quiet", "--disable-pip-version-check", "--no-compile"]
        installing = [*python, "pip", "install", *options, "--target", str(folder), "-r", str(self.requirements)]
        done = subprocess.run(installing, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise FleetError(
                f"pip could not install {self.requirements} for the image {NAME}; it needs a package index "
                f"(PIP_INDEX_URL) or a folder of wheels (PIP_FIND_LINKS):\n{done.stderr.strip()}"
            )
        # A second client for asyncio, which nothing uses: half of all packages' bytes.
        shutil.rmtree(folder / "kubernetes" / "aio", ignore_errors=True)
        # Each start would cost a second more, as compiled modules cannot be kept on a read-only file system. What
        # does not compile is for other versions of Python: pip does not mind either.
        subprocess.run([*python, "compileall", "-qq", str(folder)], check=False)


@dataclass(frozen=True)
class Code:
    """Our own files, at the same paths below /app as in the checkout."""

    checkout: Path
    patterns: tuple[str, ...]

    def content(self) -> str:
        digests = [[str(path), hashlib.sha256(found.read_bytes()).hexdigest()] for path, found in self._files()]
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()

    def entries(self) -> Iterator[Entry]:
        return (file(f"app/{path}", found) for path, found in self._files())

    def _files(self) -> list[tuple[Path, Path]]:
        found = sorted(each for pattern in self.patterns for each in self.checkout.glob(pattern))
        return [(each.relative_to(self.checkout), each) for each in found]


def below(folder: Path, unused: Iterable[str] = ()) -> Iterator[Path]:
    """The files below a folder, relative to it, without files and folders whose name matches one of the patterns."""

    def used(names: list[str]) -> list[str]:
        return sorted(name for name in names if not any(fnmatch(name, pattern) for pattern in unused))

    for here, folders, files in os.walk(folder):
        folders[:] = used(folders)
        for name in used(files):
            path = Path(here, name)
            if path.is_file():
                yield path.relative_to(folder)


def shared_libraries(ldd: str) -> dict[str, Path]:
    """Where this machine has the libraries that ldd lists, by their path in the image.

    All come into one folder but the loader, which has no other name in ldd's list: programs ask for it by its path.
    """
    found = re.findall(r"^\s+(?:(\S+) => )?(/\S+) \(0x", ldd, re.MULTILINE)
    return {f"usr/local/lib/{name}" if name else path.lstrip("/"): Path(path) for name, path in found}


def _libraries(programs: list[Path]) -> Iterator[Entry]:
    if programs:
        listed = subprocess.run(["ldd", *map(str, programs)], check=True, capture_output=True, text=True).stdout
        for path, found in sorted(shared_libraries(listed).items()):
            yield file(path, found)
