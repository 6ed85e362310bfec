"""The commands in the documentation: each goes to the cluster that it says, and deletes what is of one federation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

OPERATION = Path(__file__).parents[2] / "docs" / "operation.md"
OF_ONE_FEDERATION = ("federation/name=NAME", "federation/carried-by=NAME")
"""The labels by which a command may delete: another federation may have the same cluster as a member."""
LONGEST_NAME = 3
"""Words of what is just spoken of, such as `kubectl rollout restart`; a command has more."""


def commands() -> list[str]:
    text = OPERATION.read_text()
    blocks = re.findall(r"(?m)^ {4}(?:\$ )?(kubectl [^#\n]*)", text)
    within = (" ".join(found.split()) for found in re.findall(r"`(kubectl [^`]*)`", text))
    return [*blocks, *(command for command in within if len(command.split()) > LONGEST_NAME)]


def test_each_command_names_its_context() -> None:
    assert commands()
    assert [command for command in commands() if "--context " not in command] == []


def test_what_is_deleted_by_a_label_is_of_one_federation() -> None:
    labels = [
        found[1]
        for each in commands()
        if "delete" in each and (found := re.search(r"(?:-l|--selector)[ =](\S+)", each))
    ]
    assert labels
    assert [label for label in labels if label not in OF_ONE_FEDERATION] == []
