"""Any DNSEndpoints in, a zone out: what always holds."""

from __future__ import annotations

import os
from contextlib import suppress
from random import Random

import dns.name
import dns.zone
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.zone.rdata import TYPES, TargetError, rdata
from tests.unit.test_zone_contents import endpoint, entry, made
from tests.zone_objects import TEXTS, Draw

pytestmark = pytest.mark.unit

CASES = max(100, int(os.environ.get("FEDERATION_TEST_CASES", "200")) // 10)
"""A tenth of what other properties have (tests/__main__.py): to read a zone takes others 20 ms."""


@settings(max_examples=CASES)
@given(st.integers(0, 2**32 - 1))
def test_what_we_accept_is_a_zone_to_others_and_a_matter_of_the_objects_not_of_their_order(seed: int) -> None:
    objects = Draw(seed).objects
    found = made(*objects)
    zone = dns.zone.from_text(found.text(1), "example.com.", relativize=False)
    asked = {(each.name, each.type, data) for each in found.sets for data in each.data}
    assert sum(len(list(data)) for node in zone.nodes.values() for data in node.rdatasets) == len(asked) + 2
    random = Random(seed)
    random.shuffle(objects)
    for each in objects:
        random.shuffle(each["spec"]["endpoints"])
    assert made(*objects).text(1) == found.text(1)


@pytest.mark.parametrize("kind", TYPES)
@given(st.one_of(st.sampled_from(TEXTS), st.text(st.characters(), max_size=40)))
def test_any_target_is_one_of_its_type_or_is_told_what_is(kind: str, target: str) -> None:
    """Another error would take the whole object along."""
    with suppress(TargetError):
        assert rdata(kind, target).isascii()


@given(st.lists(st.binary(max_size=600), min_size=1, max_size=3))
def test_every_byte_of_a_text_arrives(strings: list[bytes]) -> None:
    wanted = {each.decode("latin-1").encode() for each in strings}
    found = made(endpoint(entry("t.example.com", "TXT", *(f'"{each.decode()}"' for each in wanted))))
    zone = dns.zone.from_text(found.text(1), "example.com.", relativize=False)
    records = zone.find_rdataset(dns.name.from_text("t.example.com."), "TXT")
    assert {b"".join(each.strings) for each in records} == wanted
