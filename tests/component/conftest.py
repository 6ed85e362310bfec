"""The dev topology, run once for all tests that only read its record."""

import pytest

from tests.component.program import run
from tests.component.recording import Record


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return run(tmp_path_factory.mktemp("dev"))
