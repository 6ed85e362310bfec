"""Which clusters an object is for: names, selectors, and texts that are neither."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.engine.federated import reader
from controllers.engine.placement import PlacementError, Traits, placement, traits

pytestmark = pytest.mark.unit

Json = dict[str, Any]


def cluster(region: str, zones: list[str], **labels: str) -> Traits:
    return traits({"metadata": {"labels": labels}, "spec": {"region": region, "zones": zones}})


KNOWN = {
    "gondor": cluster("middle-earth", ["minas-tirith", "osgiliath"], tier="prod"),
    "rohan": cluster("middle-earth", [], tier="test", horses=""),
    "valinor": cluster("aman", ["tirion"]),
}


def chosen(selector: str | None, clusters: str | None = None) -> list[str]:
    annotations = {"federation/cluster-selector": selector, "federation/clusters": clusters}
    given = {key: text for key, text in annotations.items() if text is not None}
    return sorted(placement(given).targets(KNOWN))


def test_names_narrow_within_the_clusters_that_are_given() -> None:
    def targets(clusters: str | None, within: tuple[str, ...] = ()) -> list[str]:
        annotations = {} if clusters is None else {"federation/clusters": clusters}
        metadata = {"name": "a", "namespace": "b", "uid": "u", "resourceVersion": "1", "annotations": annotations}
        return sorted(reader("ConfigMap", "fellowship")({"metadata": metadata}).targets(KNOWN, within))

    assert targets(None) == ["gondor", "rohan", "valinor"]
    assert targets(None, ("rohan", "mordor")) == ["rohan"]
    assert targets(" gondor , rohan") == ["gondor", "rohan"]
    assert targets("gondor", ("rohan",)) == []
    for wrong in ("", "mordor", "gondor,mordor", ","):
        with pytest.raises(PlacementError, match="nothing is changed"):
            targets(wrong)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("region=middle-earth", ["gondor", "rohan"]),
        ("region==aman", ["valinor"]),
        ("region!=aman", ["gondor", "rohan"]),
        ("region = middle-earth , tier != test", ["gondor"]),
        ("tier!=test", ["gondor", "valinor"]),
        ("tier in (prod, test)", ["gondor", "rohan"]),
        ("tier notin (prod,dev), region=middle-earth", ["rohan"]),
        ("tier", ["gondor", "rohan"]),
        ("!tier", ["valinor"]),
        ("horses=", ["rohan"]),
        ("zone=osgiliath", ["gondor"]),
        ("zone!=osgiliath", ["rohan", "valinor"]),
        ("!zone", ["rohan"]),
    ],
)
def test_a_selector_chooses_by_labels_region_and_zones(selector: str, expected: list[str]) -> None:
    assert chosen(selector) == expected


def test_a_label_goes_before_a_place_of_the_same_name() -> None:
    obj = {"metadata": {"labels": {"region": "beleriand"}}, "spec": {"region": "aman"}}
    assert traits(obj)["region"] == {"beleriand"}


def test_of_names_and_selector_both_hold() -> None:
    assert chosen("tier=prod", "gondor,rohan") == ["gondor"]
    with pytest.raises(PlacementError, match="matches none of rohan"):
        chosen("tier=prod", "rohan")


@pytest.mark.parametrize(
    "selector",
    [
        "",
        ",",
        "tier=",
        "region=mordor",
        "tier in prod",
        "tier in (prod",
        "tier in (prod),",
        "=prod",
        "tier=a=b",
        "tier=pr od",
        "tier=-prod",
        "-tier=prod",
        "tier>1",
        "(tier)",
        "a b",
        "tier=prod\nhorses",
        '[{"key": "tier"}]',
    ],
)
def test_a_selector_that_cannot_be_read_or_matches_nobody_is_told(selector: str) -> None:
    with pytest.raises(PlacementError, match=r"annotation federation/cluster-selector: .*nothing is changed"):
        chosen(selector)


@given(st.text() | st.text("ab=!,() in", max_size=12), st.none() | st.text("gondr,", max_size=8))
def test_any_text_chooses_somebody_or_is_refused(selector: str, clusters: str | None) -> None:
    with suppress(PlacementError):
        assert chosen(selector, clusters)
