"""What a DNSEndpoint asks to be published, checked by itself. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from controllers.runtime.objects import Json, Key, key_of
from controllers.zone.rdata import DNS_NAME_MAX, DNS_NAME_RULE, TYPES, TargetError, is_dns_name, rdata
from federation.settings.names import DNS_CONTROLLER, MANAGED_BY

TTL_MAX = 2**31 - 1
"""RFC 2181, section 8."""
SET_MAX = 60000
"""Bytes of all records of a name and type: an answer holds 65,535, with the question and what leads to the name."""
_FIXED_MAX = 12
"""Bytes of a record before its data; its name refers to the question's (RFC 1035, section 4.1.4)."""


@dataclass(frozen=True)
class RecordSet:
    """All records of a name and type."""

    name: str
    """In lower case, without the final dot."""
    type: str
    ttl: int | None
    """Seconds; None is the zone's own."""
    data: tuple[str, ...]
    """As the zone file has it; sorted, each once."""

    @cached_property
    def sort_key(self) -> tuple[str, str]:
        """Where it stands in the zone file: names below a name come after it. Kept, as most sets outlive a change."""
        return "\0".join(reversed(self.name.split("."))), self.type


@dataclass(frozen=True)
class Source:
    """A DNSEndpoint."""

    key: Key
    uid: str
    is_ours: bool
    """Whether the federation's own programs wrote it."""
    created: str
    """RFC 3339, UTC."""
    sets: tuple[RecordSet, ...]
    problems: tuple[str, ...] = ()
    """What of it cannot be published, and why."""

    @property
    def rank(self) -> tuple[bool, str, Key]:
        """Who owns a name that several ask for: the federation, else the oldest."""
        return not self.is_ours, self.created, self.key


def read_source(zone: str, own: Key, obj: Json) -> Source:
    """`zone` is the domain in lower case, without the final dot; `own` is the DNSEndpoint that the program makes.

    That one is known by its name, as everybody's Pulumi may set the program's label. Of what has dns-controller's
    label, that controller deletes or overwrites all that it did not make.
    """
    metadata = obj["metadata"]
    problems: list[str] = []
    try:
        sets = _read((obj.get("spec") or {}).get("endpoints") or (), zone, problems)
    except Exception as error:  # As a problem of the object, whoever wrote it hears of it.
        sets, problems = {}, [f"all of it is left out, as it is malformed: {type(error).__name__}: {error}"]
    key = key_of(obj)
    is_ours = key == own or (metadata.get("labels") or {}).get(MANAGED_BY) == DNS_CONTROLLER
    in_order = tuple(sets[key] for key in sorted(sets))
    return Source(key, metadata["uid"], is_ours, metadata["creationTimestamp"], in_order, tuple(problems))


def _read(entries: Iterable[Json], zone: str, problems: list[str]) -> dict[tuple[str, str], RecordSet]:
    """The sets by name and type; what cannot be published is added to `problems`."""
    sets: dict[tuple[str, str], RecordSet] = {}
    for entry in entries:
        for found in _sets(zone, entry, problems):
            before = sets.get((found.name, found.type))
            sets[found.name, found.type] = _joined(before, found) if before else found
    types: defaultdict[str, set[str]] = defaultdict(set)
    for name, rtype in sets:
        types[name].add(rtype)
    for name, rtype in sorted(sets):
        if problem := _problem_of_set(sets[name, rtype], types[name]):
            problems.append(f"{name} {rtype} is left out: {problem}")
            del sets[name, rtype]
    return sets


def _sets(zone: str, entry: Json, problems: list[str]) -> Iterator[RecordSet]:
    """The set of an entry, if there is anything in it that can be published."""
    name, rtype = str(entry.get("dnsName", "")).lower().removesuffix("."), str(entry.get("recordType", ""))
    ttl, targets = entry.get("recordTTL") or None, entry.get("targets") or ()
    if problem := _problem(zone, name, rtype, ttl):
        problems.append(f"{name} {rtype} is left out: {problem}")
        return
    data: set[str] = set()
    for target in targets:
        try:
            data.add(rdata(rtype, str(target)))
        except TargetError as error:
            problems.append(f"{name} {rtype}: target {target!r} is left out: {error}")
    if rtype == "CNAME" and f"{name}." in data:
        problems.append(f"{name} CNAME is left out: it leads to itself")
    elif data:
        yield RecordSet(name, rtype, ttl, tuple(sorted(data)))


def _problem(zone: str, name: str, rtype: str, ttl: Any) -> str | None:
    # A wildcard is a name's first label or nothing special at all (RFC 4592).
    if not is_dns_name(name.removeprefix("*.")) or len(name) > DNS_NAME_MAX:
        return f"its name is not {DNS_NAME_RULE}; the first label may be '*'"
    if name != zone and not name.endswith(f".{zone}"):
        return f"its name is not in the zone {zone}"
    if rtype not in TYPES:
        return f"its type is not one of {', '.join(TYPES)}"
    if name == zone and rtype in ("CNAME", "NS"):
        return "at the top of the zone there is no CNAME, and NS is the federation's"
    if ttl is not None and not (type(ttl) is int and 0 < ttl <= TTL_MAX):
        return f"recordTTL {ttl} is not from 1 to {TTL_MAX}"
    return None


def _problem_of_set(found: RecordSet, types: Collection[str]) -> str | None:
    """`types` are all that the object asks for at the name."""
    if found.type == "CNAME" and len(types) > 1:
        return f"there is {', '.join(sorted({*types} - {found.type}))} too, and a CNAME is alone"
    if found.type == "CNAME" and len(found.data) > 1:
        return "it has several targets, and one is allowed"
    if sum(map(_size, found.data)) > SET_MAX:
        return f"its records are longer than {SET_MAX} bytes together"
    return None


def _size(data: str) -> int:
    """Bytes of a record, at the most: the text is never shorter, but for an IPv6 address and a name's end."""
    return _FIXED_MAX + max(16, len(data) + 1)


def _joined(one: RecordSet, other: RecordSet) -> RecordSet:
    """Records of a name and type have one TTL (RFC 2181, section 5.2)."""
    ttls = [ttl for ttl in (one.ttl, other.ttl) if ttl is not None]
    return RecordSet(one.name, one.type, min(ttls, default=None), tuple(sorted({*one.data, *other.data})))
