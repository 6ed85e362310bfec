"""Which clusters an object is for, by what its annotations say. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from controllers.runtime.objects import Json, names_in
from federation.settings.keys import CLUSTER_SELECTOR, CLUSTERS

Traits = Mapping[str, frozenset[str]]
"""What a selector is held against: the values of each key. A label has one; the zones of a Cluster may be several."""

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = rf"(?P<key>(?:[a-z0-9](?:[-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME})"
_VALUE = re.compile(rf"(?:{_NAME})?")
_ONE = re.compile(rf"{_KEY}\s*(?P<operator>==?|!=)\s*(?P<value>[^\s,()!=]*)")
_SET = re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_PRESENCE = re.compile(rf"(?P<operator>!?)\s*{_KEY}")
_COMMA_OUTSIDE_OF_BRACKETS = re.compile(r",(?![^(]*\))")


class PlacementError(ValueError):
    """The annotations that say which clusters the object is for cannot be followed."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"annotation {problem}: until it is right, nothing is changed in any cluster")


@dataclass(frozen=True)
class _Requirement:
    """One part of a selector."""

    key: str
    values: frozenset[str] | None
    """Those that are looked for; None is any."""
    wanted: bool
    """Whether one of them is to be there, or none."""

    def holds(self, traits: Traits) -> bool:
        there = traits.get(self.key, frozenset())
        return bool(there if self.values is None else there & self.values) == self.wanted


@dataclass(frozen=True)
class Placement:
    """What the annotations of one object say; None is one that it does not have."""

    clusters: str | None
    selector: str | None

    def targets(self, known: Mapping[str, Traits]) -> frozenset[str]:
        """Of the known clusters those that are named and match; all, if nothing is said.

        Raises PlacementError for a text that cannot be read, for a name of no known cluster, and if there is none.
        """
        found = frozenset(known)
        if self.clusters is not None:
            found = _named(self.clusters, known)
        if self.selector is not None:
            requirements = _requirements(self.selector)
            matching = {name for name in found if all(each.holds(known[name]) for each in requirements)}
            if not matching:
                raise PlacementError(f"{CLUSTER_SELECTOR}: {self.selector!r} matches none of {_listed(found)}")
            found = frozenset(matching)
        return found


def without_meaning(placement: Placement) -> str:
    """What is to be told of these annotations on a Namespace; empty if it has none of them."""
    given = {CLUSTERS: placement.clusters, CLUSTER_SELECTOR: placement.selector}
    named = " and ".join(key for key, text in given.items() if text is not None)
    return named and f"{named} on a Namespace says nothing: it is wherever something in it is"


def placement(annotations: Mapping[str, str]) -> Placement:
    return Placement(annotations.get(CLUSTERS), annotations.get(CLUSTER_SELECTOR))


def traits(cluster: Json) -> Traits:
    """Of an object Cluster: `region` and `zone` by its spec, and its labels, which go before these."""
    spec, labels = cluster["spec"], cluster["metadata"].get("labels") or {}
    places = {"region": [spec.get("region")], "zone": spec.get("zones") or []}
    found = {key: frozenset(filter(None, values)) for key, values in places.items()}
    return found | {key: frozenset([value]) for key, value in labels.items()}


def _named(text: str, known: Collection[str]) -> frozenset[str]:
    named = frozenset(names_in(text))
    if unknown := named - frozenset(known):
        raise PlacementError(f"{CLUSTERS} names {_listed(unknown)}; the clusters are {_listed(known)}")
    if not named:
        raise PlacementError(f"{CLUSTERS} names nothing; the clusters are {_listed(known)}")
    return named


def _requirements(text: str) -> list[_Requirement]:
    """As `kubectl get --selector` understands the text, which must not be empty."""
    return [_requirement(part.strip(), text) for part in _COMMA_OUTSIDE_OF_BRACKETS.split(text)]


def _requirement(part: str, text: str) -> _Requirement:
    if found := _ONE.fullmatch(part):
        values = frozenset([found["value"]])
        wanted = found["operator"] != "!="
    elif found := _SET.fullmatch(part):
        values = frozenset(each.strip() for each in found["values"].split(","))
        wanted = found["operator"] == "in"
    elif found := _PRESENCE.fullmatch(part):
        return _Requirement(found["key"], None, wanted=not found["operator"])
    else:
        raise PlacementError(f"{CLUSTER_SELECTOR}: {text!r} is no label selector, at {part!r}")
    if wrong := sorted(value for value in values if not _VALUE.fullmatch(value)):
        raise PlacementError(f"{CLUSTER_SELECTOR}: {text!r} is no label selector, at {wrong[0]!r}")
    return _Requirement(found["key"], values, wanted)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
