"""What tests of several parts of the controllers begin with."""

from collections.abc import Iterator

import pytest

from tests.kube_api import ApiServer


@pytest.fixture
def federation() -> Iterator[ApiServer]:
    """A stand-in for the federation API, with nothing in it."""
    server = ApiServer()
    yield server
    server.stop()
