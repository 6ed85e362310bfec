"""Everything at once: a folder with a link for every program, and Pulumi's plugins."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from toolbox import store
from toolbox.errors import ToolError
from toolbox.found import Found
from toolbox.language import language_host
from toolbox.pins import ARCHIVES, PINS, PLUGINS, Pin
from toolbox.plugins import install_plugin
from toolbox.tools import find


def install() -> None:
    """Make all tools ready; one line for each that took work, and one for the whole."""
    store.links().mkdir(parents=True, exist_ok=True)
    # Threads are enough: unpacking and hashing release the interpreter's lock. The plugins come after Pulumi,
    # which installs them.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(_timed, pin, get)
            for get, pins in ((_programs, PINS), (_plugin, PLUGINS), (_archive, ARCHIVES))
            for pin in pins
        ]
        founds, errors = [], []
        for job in as_completed(jobs):
            try:
                founds += job.result()
            except ToolError as error:
                errors.append(str(error))
    if errors:
        # Each plugin repeats the error about Pulumi.
        raise ToolError("\n".join(dict.fromkeys(errors)))
    own = sorted(str(found.path) for found in founds if found.source == "PATH")
    remark = f", your own {', '.join(own)} among them" if own else ""
    print(f"{len(founds)} tools ready in {store.links()}{remark}")


def _timed(pin: Pin, get: Callable[[Pin], list[Found]]) -> list[Found]:
    start = time.monotonic()
    founds = get(pin)
    sources = sorted({found.source for found in founds if found.fetched})
    if sources:
        name = f"{pin.name} {pin.version}"
        print(f"{name:<36}{', '.join(sources):<32}{time.monotonic() - start:5.1f} s", flush=True)
    return founds


def _programs(pin: Pin) -> list[Found]:
    founds = [find(pin, program) for program in pin.programs]
    for program, found in zip(pin.programs, founds, strict=True):
        store.link(store.links() / program, found.path)
        if program == "pulumi" and language_host(found.path):
            print("language host: ours, as the released one cannot be had", flush=True)
    return founds


def _plugin(pin: Pin) -> list[Found]:
    return [install_plugin(pin)]


def _archive(pin: Pin) -> list[Found]:
    return [find(pin, pin.name)]
