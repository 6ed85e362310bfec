"""Runs one program: `python -P executor.py JSON`, in the project's own Python. The host starts it for each `Run`.

It tells the error of the program itself, and then ends with 32, so that nobody tells it again.
"""

import gc
import signal

if __name__ == "__main__":
    # Two hundred collections while the modules of pulumi_kubernetes are made find nothing, in a third of that time.
    # What a program leaves behind in minutes is little, and goes with it.
    gc.disable()
# Until the program runs, an interrupt ends this process without a traceback through the imports below.
signal.signal(signal.SIGINT, signal.SIG_DFL)

import asyncio
import atexit
import json
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi import runtime
from pulumi.runtime.config import get_config_env, get_config_secret_keys_env

TOLD = 32
INTERRUPTED = 130


def main() -> int:
    """Run the program, and return the exit code."""
    order: dict[str, Any] = json.loads(sys.argv[1])
    settings = runtime.Settings(**order["settings"])
    runtime.set_all_config(get_config_env(), get_config_secret_keys_env())
    runtime.configure(settings)
    # It tells of what a program that failed has left undone, which says nothing of why it failed.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sys.argv = [order["program"], *order["arguments"]]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # As many calls at a time as Pulumi's own hosts make, for the same --parallel.
    with ThreadPoolExecutor(max(settings.parallel or 1, 1) * 4) as pool:
        loop.set_default_executor(pool)
        try:
            return run(loop, order["program"])
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def run(loop: asyncio.AbstractEventLoop, program: str) -> int:
    """Run the program in a stack, and tell of what it raised."""
    main_file = Path(program).absolute()
    if main_file.is_dir():
        main_file = main_file / "__main__.py"
    if not main_file.exists():
        pulumi.log.error(f"there is no program: {main_file} is not there")
        return TOLD

    def run_file() -> None:
        runpy.run_path(program, run_name="__main__")

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        try:
            loop.run_until_complete(runtime.run_in_stack(run_file))
        finally:
            # It has ended, and all that is left is short: an interrupt would only break into it with a traceback.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return TOLD
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if not engine_is_gone(error):
            pulumi.log.error(unhandled(error, main_file))
        return TOLD
    return 0


def engine_is_gone(error: Exception) -> bool:
    """Whether a call of Pulumi's failed as it has ended, which leaves nobody to be told."""
    return isinstance(error, grpc.RpcError) and error.code() == grpc.StatusCode.UNAVAILABLE


def unhandled(error: BaseException, main_file: Path) -> str:
    """The error with its traceback from the program's first line on: what has called that is ours."""
    frame = error.__traceback__
    while frame and Path(frame.tb_frame.f_code.co_filename).absolute() != main_file:
        frame = frame.tb_next
    told = traceback.format_exception(type(error), error, frame or error.__traceback__)
    return "Program failed with an unhandled exception:\n" + "".join(told)


if __name__ == "__main__":
    code = main()
    atexit._run_exitfuncs()
    # Without taking apart all modules, which takes a third of a second.
    os._exit(code)
