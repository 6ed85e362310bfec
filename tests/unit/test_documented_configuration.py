"""The configurations in the documentation are valid, alone or as a part of the one that `make up` uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from federation.settings.schema import Host, Member, Section, Settings
from federation.settings.validation import PROJECT, contradictions
from tests.documented import PAGES, ROOT, Block, blocks

pytestmark = pytest.mark.unit

KEY = f"{PROJECT}:"
DEV = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]


def shown() -> Iterator[tuple[Block, dict[str, Any]]]:
    """Each block with keys of a stack's configuration."""
    for page in PAGES:
        for block in blocks(page):
            if block.language == "yaml" and KEY in block.text:
                (given,) = yaml.safe_load_all(block.text)
                yield block, given.get("config", given)


@pytest.mark.parametrize(("block", "given"), [pytest.param(*each, id=each[0].place) for each in shown()])
def test_what_is_shown_is_valid(block: Block, given: dict[str, Any]) -> None:
    whole = {key.removeprefix(KEY): value for key, value in {**DEV, **given}.items() if key.startswith(KEY)}
    TypeAdapter(Settings).validate_python(whole)
    assert list(contradictions(whole)) == []


@pytest.mark.parametrize(("section", "place"), [(Member, "members[]."), (Host, "host.")])
def test_each_key_of_a_section_is_in_the_table_and_in_pulumi_yaml(section: type[Section], place: str) -> None:
    keys = {field.alias or name for name, field in section.model_fields.items()}
    table = (ROOT / "docs" / "configuration.md").read_text()
    assert [key for key in keys if not re.search(rf"`{re.escape(place + key)}[`.]", table)] == []
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"][place.rstrip("[].")]["description"]
    assert [key for key in keys if not re.search(rf"\b{key}\b", declared)] == []
