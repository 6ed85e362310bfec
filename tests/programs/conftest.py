"""The tests of one file about the zone share name servers: one worker runs them."""

from pathlib import Path

import pytest


# Before pytest-xdist's own hook, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name.startswith("test_zone"):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
