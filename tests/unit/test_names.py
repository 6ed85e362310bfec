"""The rules of names, each against a second formulation of the same rule."""

from string import ascii_letters, ascii_lowercase, digits

import pytest
from hypothesis import example, given

from federation import names
from tests import strategies

pytestmark = pytest.mark.unit


@given(strategies.almost(strategies.labels()))
@example("a" * 63)
@example("a" * 64)
@example("a\n")
def test_a_label_is_as_rfc_1123_says(text: str) -> None:
    assert names.is_label(text) is (
        1 <= len(text) <= 63 and set(text) <= {*ascii_lowercase, *digits, "-"} and "-" not in (text[0], text[-1])
    )


@given(strategies.almost(strategies.labels(48)))
@example("a" * 48)
@example("a" * 49)
def test_a_member_name_is_a_label_that_karmada_takes(text: str) -> None:
    assert names.is_member_name(text) is (names.is_label(text) and len(text) < 49)


@given(strategies.almost(strategies.label_values()))
@example("")
@example("a" * 64)
def test_a_region_is_a_label_value_that_is_not_empty(text: str) -> None:
    ends, middle = {*ascii_letters, *digits}, {*ascii_letters, *digits, *"-_."}
    assert names.is_label_value(text) is (0 < len(text) < 64 and set(text) <= middle and {text[0], text[-1]} <= ends)


@given(strategies.almost(strategies.zones()))
@example("com")
@example("example..com")
@example("example.com..")
@example(".".join(["a" * 63] * 4))
def test_a_zone_is_two_labels_or_more_in_any_case_with_or_without_the_final_dot(text: str) -> None:
    domain = (text[:-1] if text.endswith(".") else text).lower()
    assert names.is_zone(text) is (
        "." in domain and len(domain) < 254 and all(names.is_label(label) for label in domain.split("."))
    )


@given(strategies.zones())
def test_a_zone_has_one_normal_form(zone: str) -> None:
    normal = names.zone_of(zone)
    assert names.zone_of(normal) == normal
    assert names.zone_of(zone.removesuffix(".") + ".") == names.zone_of(zone.removesuffix("."))
    assert names.zone_of(zone.swapcase()) == normal
    assert normal == normal.lower().rstrip(".")


@given(strategies.zones())
def test_an_absolute_domain_ends_in_one_dot(zone: str) -> None:
    absolute = names.absolute(zone)
    assert absolute.rstrip(".") + "." == absolute
    assert names.absolute(absolute) == absolute
    assert names.zone_of(absolute) == names.zone_of(zone)
