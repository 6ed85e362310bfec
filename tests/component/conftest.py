"""The dev topology, run once for all tests that only read its record."""

import pytest

from tests.component.program import run
from tests.component.recording import Record


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """On Karmada."""
    return run(tmp_path_factory.mktemp("dev"))


@pytest.fixture(scope="session")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """On the built-in engine, as in Pulumi.dev.yaml."""
    return run(tmp_path_factory.mktemp("builtin"), engine="builtin")
