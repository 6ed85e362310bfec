"""The rules of names, each against a second formulation of the same rule."""

from string import ascii_letters, ascii_lowercase, digits

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from federation.settings import names, syntax
from tests import strategies

pytestmark = pytest.mark.unit


@given(strategies.almost(strategies.labels()))
@example("a" * 63)
@example("a" * 64)
@example("a\n")
def test_a_label_is_as_rfc_1123_says(text: str) -> None:
    assert syntax.is_label(text) is (
        1 <= len(text) <= 63 and set(text) <= {*ascii_lowercase, *digits, "-"} and "-" not in (text[0], text[-1])
    )


_ALNUM = {*ascii_letters, *digits}


def _is_part_of_a_label(text: str) -> bool:
    return 1 <= len(text) <= 63 and set(text) <= {*_ALNUM, *"-_."} and {text[0], text[-1]} <= _ALNUM


@given(strategies.almost(strategies.label_values()))
@example("")
@example("a" * 63)
@example("a" * 64)
@example("a\n")
def test_the_value_of_a_label_is_as_kubernetes_says(text: str) -> None:
    assert syntax.is_label_value(text) is (text == "" or _is_part_of_a_label(text))


@given(strategies.almost(strategies.label_values(), strategies.label_keys()))
@example("/x")
@example("x/")
@example("a/b/c")
@example(f"{'.'.join(['a' * 49] * 5)}.bcd/x")
@example(f"{'.'.join(['a' * 49] * 5)}.bcde/x")
def test_the_key_of_a_label_is_as_kubernetes_says(text: str) -> None:
    *prefix, name = text.split("/")
    has_good_prefix = not prefix or (
        len(prefix) == 1 and len(prefix[0]) < 254 and all(map(syntax.is_label, prefix[0].split(".")))
    )
    assert syntax.is_label_key(text) is (has_good_prefix and _is_part_of_a_label(name))


@given(strategies.almost(strategies.labels(48)))
@example("a" * 48)
@example("a" * 49)
def test_a_name_is_a_label_that_karmada_takes(text: str) -> None:
    assert syntax.is_name(text) is (syntax.is_label(text) and len(text) < 49)


@given(strategies.almost(strategies.zones()))
@example("com")
@example("example..com")
@example("example.com..")
@example(".".join(["a" * 63] * 4))
def test_a_zone_is_two_labels_or_more_in_any_case_with_or_without_the_final_dot(text: str) -> None:
    domain = (text[:-1] if text.endswith(".") else text).lower()
    assert syntax.is_zone(text) is (
        "." in domain and len(domain) < 254 and all(syntax.is_label(label) for label in domain.split("."))
    )


@given(strategies.zones())
def test_a_zone_has_one_normal_form(zone: str) -> None:
    normal = syntax.zone_of(zone)
    assert syntax.zone_of(normal) == normal
    assert syntax.zone_of(zone.removesuffix(".") + ".") == syntax.zone_of(zone.removesuffix("."))
    assert syntax.zone_of(zone.swapcase()) == normal
    assert normal == normal.lower().rstrip(".")


@given(strategies.zones())
def test_an_absolute_domain_ends_in_one_dot(zone: str) -> None:
    absolute = syntax.absolute(zone)
    assert absolute.rstrip(".") + "." == absolute
    assert syntax.absolute(absolute) == absolute
    assert syntax.zone_of(absolute) == syntax.zone_of(zone)


def test_the_names_of_a_service_are_those_of_federation_v1() -> None:
    web = names.ServiceNames("web", "default", "fellowship", "Example.com.")
    assert web.at() == "web.default.fellowship.svc.example.com"
    assert web.at("middle-earth") == "web.default.fellowship.svc.middle-earth.example.com"
    assert web.at("edoras", "Middle-Earth") == "web.default.fellowship.svc.edoras.middle-earth.example.com"


@given(
    st.lists(strategies.labels(), min_size=3, max_size=3), st.lists(strategies.labels(), max_size=2), strategies.zones()
)
def test_the_names_of_a_service_lie_in_its_namespace_and_in_the_zone(
    own: list[str], place: list[str], zone: str
) -> None:
    service, namespace, federation = own
    name = names.ServiceNames(service, namespace, federation, zone).at(*place)
    assert name.startswith(".".join([*own, "svc."]))
    assert name.endswith(f".{syntax.zone_of(zone)}")
    assert name.count(".") == 3 + len(place) + 1 + syntax.zone_of(zone).count(".")
    assert syntax.is_domain(name) is (len(name) < 254)


def test_a_service_knows_its_names_from_those_of_others() -> None:
    web = names.ServiceNames("web", "default", "fellowship", "Example.com.")
    assert all(map(web.includes, [web.at(), web.at("r1"), web.at("z1", "r1")]))
    for other in [
        names.ServiceNames("api", "default", "fellowship", "example.com"),
        names.ServiceNames("web", "web", "fellowship", "example.com"),
        names.ServiceNames("web", "default", "mordor", "example.com"),
        names.ServiceNames("web", "default", "fellowship", "notexample.com"),
    ]:
        assert not any(map(web.includes, [other.at(), other.at("r1"), other.at("z1", "r1")]))


@given(strategies.almost(strategies.zones()))
def test_a_domain_is_labels_with_dots_between(text: str) -> None:
    assert syntax.is_domain(text) is (0 < len(text) < 254 and all(syntax.is_label(label) for label in text.split(".")))


@pytest.mark.parametrize("text", ["192.0.2.1", "2001:db8::1", "gondor", "10.example", "192.0.2.1.example", "api.x10"])
def test_an_address_is_an_ip_address_or_a_name(text: str) -> None:
    assert syntax.is_address(text)


@pytest.mark.parametrize("text", ["10.0.0.256", "10.0.0", "10.0.0.01", "10", "10.0.0.1:443", "[::1]", ""])
def test_a_mistyped_one_is_not_taken_for_a_name(text: str) -> None:
    assert not syntax.is_address(text)
