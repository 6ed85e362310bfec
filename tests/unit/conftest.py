"""What tests of several parts of the controllers begin with."""

import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from tests.kube_api import ApiServer

PATIENCE = 30.0
"""Seconds that a thread may take to see that it is to end."""


@pytest.fixture
def federation() -> Iterator[ApiServer]:
    """A stand-in for the federation API, with nothing in it."""
    server = ApiServer()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def no_thread_goes_on() -> Iterator[None]:
    """Threads of a test that is over take the processor from all that follow, and may ask the servers of theirs."""
    before = set(threading.enumerate())
    yield
    end = monotonic() + PATIENCE
    for thread in _since(before):
        thread.join(max(0.0, end - monotonic()))
    left = ", ".join(sorted(each.name for each in _since(before)))
    assert not left, f"threads go on {PATIENCE} s after the test: {left}"


def _since(before: set[threading.Thread]) -> set[threading.Thread]:
    """The threads that were started, but for one that gRPC keeps."""
    return {each for each in set(threading.enumerate()) - before if "_poll_wrapper" not in each.name}
