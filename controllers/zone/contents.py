"""One zone of all DNSEndpoints, and its text as RFC 1035 has it. Pure: the same objects give the same bytes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from controllers.runtime.objects import Key
from controllers.zone.endpoints import RecordSet, Source

NS_TTL = 300
REFRESH, RETRY, EXPIRE = 7200, 1800, 86400
"""Seconds, of the SOA: for secondaries that are not notified."""
_SERIAL = 6
"""Place of the serial in the first line, counted from 0."""


@dataclass(frozen=True)
class Apex:
    """What the top of the zone says."""

    domain: str
    """In lower case, without the final dot."""
    name_server: str
    """Its name, without the final dot."""
    ttl: int
    """Seconds; of records that have none of their own, and of the answer that there is no such name."""


@dataclass(frozen=True, order=True)
class LeftOut:
    """What a DNSEndpoint asks for and is not published."""

    key: Key
    uid: str
    text: str
    """What it is, and why."""


@dataclass(frozen=True)
class Contents:
    """A zone without its serial."""

    apex: Apex
    sets: tuple[RecordSet, ...]
    left_out: frozenset[LeftOut]

    @cached_property
    def digest(self) -> str:
        return _digest(self.text(0))

    def text(self, serial: int) -> str:
        return "".join(f"{line}\n" for line in self._lines(serial))

    def _lines(self, serial: int) -> Iterator[str]:
        top, server, ttl = f"{self.apex.domain}.", f"{self.apex.name_server}.", self.apex.ttl
        # First, so that CoreDNS sees at once whether anything is new. An answer "no such name" lives for the lesser of
        # the SOA's own TTL and its last number (RFC 2308).
        yield f"{top} {ttl} IN SOA {server} hostmaster.{top} {serial} {REFRESH} {RETRY} {EXPIRE} {ttl}"
        yield f"{top} {NS_TTL} IN NS {server}"
        for each in self.sets:
            own = ttl if each.ttl is None else each.ttl
            for data in each.data:
                yield f"{each.name}. {own} IN {each.type} {data}"


def written_in(text: str) -> tuple[str, int] | None:
    """Digest and serial of the contents whose text it is; None of a text that is of none."""
    first, _, rest = text.partition("\n")
    fields = first.split(" ")
    try:
        serial, fields[_SERIAL] = int(fields[_SERIAL]), "0"
    except (IndexError, ValueError):
        return None
    return _digest(f"{' '.join(fields)}\n{rest}"), serial


def _digest(text: str) -> str:
    """Of the text with serial 0."""
    return hashlib.sha256(text.encode()).hexdigest()


def merge(apex: Apex, sources: Iterable[Source]) -> Contents:
    """Each name has one owner, who alone says what is there; nobody delegates away what is another's."""
    in_order = sorted(sources, key=lambda source: source.rank)
    owners: dict[str, Key] = {}
    cuts: dict[str, Key] = {}
    below: defaultdict[str, set[Key]] = defaultdict(set)
    sets: list[RecordSet] = []
    left_out = {LeftOut(source.key, source.uid, problem) for source in in_order for problem in source.problems}
    # Only delegations ask what is above a name, and few zones have any.
    delegates = any(each.type == "NS" for source in in_order for each in source.sets)
    for source in in_order:
        # Names before the delegations above them: what stands below a delegation is its owner's.
        for each in sorted(source.sets, key=lambda each: each.type == "NS"):
            above = list(_above(each.name, apex.domain)) if delegates else []
            owner = owners.get(each.name, source.key)
            hidden = next((cuts[name] for name in above if cuts.get(name, source.key) != source.key), None)
            hides = each.type == "NS" and below[each.name] - {source.key}
            if owner != source.key:
                problem = f"the name is that of DNSEndpoint {'/'.join(owner)}"
            elif hidden is not None:
                problem = f"it is below a name that DNSEndpoint {'/'.join(hidden)} delegates"
            elif hides:
                problem = f"below it are names of DNSEndpoint {'/'.join(min(hides))}"
            else:
                owners[each.name] = source.key
                if each.type == "NS":
                    cuts[each.name] = source.key
                for name in above:
                    below[name].add(source.key)
                sets.append(each)
                continue
            text = f"{each.name} {each.type} is left out: {problem}"
            left_out.add(LeftOut(source.key, source.uid, text))
    in_file = sorted(sets, key=lambda each: each.sort_key)
    return Contents(apex, tuple(in_file), frozenset(left_out))


def _above(name: str, top: str) -> Iterator[str]:
    """The names between a name and the top of the zone."""
    while name != top and (name := name.partition(".")[2]) != top:
        yield name
