"""Everything that a verb needs at once: a folder with a link for every program, and Pulumi's plugins."""

import os
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab.toolbox import store
from lab.toolbox.build import go_missing
from lab.toolbox.errors import ToolError
from lab.toolbox.found import Found
from lab.toolbox.language import language_host
from lab.toolbox.pins import ARCHIVES, PINS, PLUGINS, Pin
from lab.toolbox.plugins import install_plugin
from lab.toolbox.tools import find

MIB = 1 << 20


@dataclass(frozen=True)
class _Job:
    pin: Pin
    get: Callable[[Pin, bool], list[Found]]
    """Makes it ready; without the time that a build takes if that is False."""


def install(names: Collection[str] | None = None) -> None:
    """Make these tools ready, or all; one line for each that took work, one for the whole, one for each not had.

    What is in the table of `pins` with what it costs to be `without` may be missing. All else is a ToolError, and a
    disk that is full or cannot be written an OSError.
    """
    store.links().mkdir(parents=True, exist_ok=True)
    tables = ((_programs, PINS), (_plugin, PLUGINS), (_archive, ARCHIVES))
    jobs = [_Job(pin, get) for get, pins in tables for pin in pins if names is None or pin.name in names]
    founds: list[Found] = []
    to_build: list[tuple[_Job, ToolError]] = []
    missing, errors = [], []
    # Threads are enough: unpacking and hashing release the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for job, tried in [(job, pool.submit(_timed, job, build=False)) for job in jobs]:
            try:
                founds += tried.result()
            except OSError:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            except ToolError as error:
                if job.pin.build:
                    to_build.append((job, error))
                elif job.pin.without:
                    missing.append(f"{job.pin.name} {job.pin.version}: not to be had here; {job.pin.without}")
                else:
                    errors.append(str(error))
    if to_build and (reason := go_missing([job.pin for job, _ in to_build])):
        go = f"{reason}. Install it from https://go.dev/dl, or put the programs on PATH"
        raise ToolError("\n".join([*errors, *(str(why) for _, why in to_build), go]))
    for job, why in to_build:
        print(f"{why}\n  build: now", flush=True)
        try:
            founds += _timed(job, build=True)
        except ToolError as error:
            errors.append(str(error))
    if errors:
        raise ToolError("\n".join(errors))
    own = sorted(str(found.path) for found in founds if found.source == "PATH")
    remark = f", your own {', '.join(own)} among them" if own else ""
    print("\n".join([f"{len(founds)} tools ready in {store.links()}{remark}", *missing]))


def _timed(job: _Job, *, build: bool) -> list[Found]:
    start = time.monotonic()
    founds = job.get(job.pin, build)
    if sources := sorted({found.source for found in founds if found.fetched}):
        name = f"{job.pin.name} {job.pin.version}"
        # A program is a file; a plugin is a folder, with a link to the program where that was built.
        paths = {path.resolve() for found in founds for path in (found.path, *found.path.glob("*"))}
        size = sum(path.stat().st_size for path in paths if path.is_file()) / MIB
        print(f"{name:<36}{', '.join(sources):<32}{time.monotonic() - start:6.1f} s {size:5.0f} MiB", flush=True)
    return founds


def _programs(pin: Pin, build: bool) -> list[Found]:
    founds = [find(pin, program, build=build) for program in pin.programs]
    for program, found in zip(pin.programs, founds, strict=True):
        store.link(store.links() / program, found.path)
        if program == "pulumi" and language_host(found.path):
            print("language host: ours, as the released one cannot be had", flush=True)
    return founds


def _plugin(pin: Pin, build: bool) -> list[Found]:
    return [install_plugin(pin, build=build)]


def _archive(pin: Pin, build: bool) -> list[Found]:
    return [find(pin, pin.name, build=build)]
