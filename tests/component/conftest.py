"""The topology of Pulumi.dev.yaml on each engine, run once for all tests that only read its record."""

import pytest

from tests.component.program import run
from tests.component.recording import Record


@pytest.fixture(scope="session")
def karmada(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return run(tmp_path_factory.mktemp("karmada"))


@pytest.fixture(scope="session")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """As the file has it."""
    return run(tmp_path_factory.mktemp("builtin"), engine="builtin")
