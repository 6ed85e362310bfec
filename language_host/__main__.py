"""The process: serves on a port of its own choice, which it prints for Pulumi, until it is told to end."""

import argparse
import os
import signal
import sys
import threading
from concurrent import futures

import grpc

from language_host import protocol
from language_host.children import Children


def main() -> int:
    """Serve until SIGINT, SIGTERM or the end of stdin, whose other end Pulumi holds: it ends when Pulumi does."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python", description="Pulumi starts it; people do not.")
    parser.add_argument("--tracing", "--logtostderr", "-v", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("engine", nargs="?", default="", help="the address of the engine")
    arguments = parser.parse_args()
    # The wait for the end is a read: whatever ends it writes there. Of a signal Python itself does so, as its handler
    # would not run any more where the signal comes just before the read.
    awaited, ended = os.pipe()
    os.set_blocking(ended, False)
    signal.set_wakeup_fd(ended)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: None)
    threading.Thread(target=_await_end_of_input, args=(ended,), daemon=True).start()
    protocol.import_alone()
    from pulumi.runtime.proto.language_pb2_grpc import add_LanguageRuntimeServicer_to_server  # noqa: PLC0415

    from language_host.servicer import LanguageHost  # noqa: PLC0415

    children = Children()
    # A thread for each program and plugin that runs, and enough for the questions beside them.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
    add_LanguageRuntimeServicer_to_server(LanguageHost(arguments.engine, children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    os.read(awaited, 1)
    stopped = server.stop(grace=1)
    children.interrupt()
    stopped.wait()
    # Not by sys.exit, which would wait for the thread of a request that nobody answers.
    sys.stdout.flush()
    os._exit(0)


def _await_end_of_input(ended: int) -> None:
    while os.read(0, 1 << 12):
        pass
    os.write(ended, b".")


if __name__ == "__main__":
    sys.exit(main())
