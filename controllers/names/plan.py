"""The DNS records of one federated Service, worked out from what its clusters have to offer. Pure.

The algorithm is that of federation v1's service-dns controller. At each place of the name tree (a zone of a
region, the region, everywhere): an address set of all that serve there; where nobody serves, a CNAME one place up;
where nobody serves anywhere, no global name, so that the chain ends in NXDOMAIN.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from federation.settings.names import ServiceNames
from federation.settings.syntax import LABEL_RULE, can_be_named, is_domain

Place = tuple[str, ...]
"""Where in the tree: () is everywhere, (region,) a region, (zone, region) a zone of it.

The place above is the tuple without its first element.
"""

Addresses = frozenset[str]


@dataclass(frozen=True)
class Shard:
    """One cluster's share of a Service."""

    cluster: str
    region: str
    zones: tuple[str, ...]
    addresses: Addresses
    """IP addresses of the Service's load balancer there, of either version."""
    hosts: frozenset[str]
    """Host names of that load balancer."""
    ready: bool
    """Whether the Service has a ready endpoint there."""
    withdrawn: bool
    """Whether the cluster leaves, or has not answered for longer than `dns.withdrawAfter`. The names of its region and
    zones stay, and lead to the clusters that serve."""

    @property
    def has_balancer(self) -> bool:
        """Whether the Service has a load balancer there at all."""
        return bool(self.addresses or self.hosts)

    @property
    def serves(self) -> bool:
        return self.has_balancer and self.ready and not self.withdrawn


@dataclass(frozen=True)
class RecordSet:
    """All targets of a name and type, as a DNSEndpoint has them; a CNAME is alone at its name."""

    name: str
    type: Literal["A", "AAAA", "CNAME"]
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    records: tuple[RecordSet, ...]
    """From the global name down, each name and type once."""
    warnings: tuple[str, ...]
    """What could not be named, and why."""


def plan(names: ServiceNames, shards: Iterable[Shard], resolved: Mapping[str, Addresses]) -> Plan:
    """The records that the Service should have; the order of the shards does not matter.

    `resolved` holds the known addresses of host names. Every cluster of the federation is to be among the shards:
    one where the Service has no load balancer is led to the others (in v1 its names were missing, and its pods found
    nothing). As long as no cluster has a load balancer, there are no names.
    """
    warnings: set[str] = set()
    at: defaultdict[Place, list[Shard]] = defaultdict(list)
    shards = list(shards)
    if not any(shard.has_balancer for shard in shards):
        return Plan((), ())
    for shard in shards:
        if not can_be_named(shard.region, shard.zones):
            warnings.add(
                f"cluster {shard.cluster} counts in the global name only: "
                f"of region {shard.region!r} and zones {list(shard.zones)} each must be {LABEL_RULE}"
            )
        for place in _places(shard):
            at[place].append(shard)
    name_at = {place: names.at(*place) for place in at}
    records: list[RecordSet] = []
    for place in sorted(at, key=lambda place: place[::-1]):
        if not is_domain(name_at[place]):
            warnings.add(f"{name_at[place]} is left out: it is longer than a DNS name may be, 253 characters")
            continue
        serving = [shard for shard in at[place] if shard.serves]
        # A load balancer that calls itself by one of these names would make the name lead to itself.
        hosts = {host for shard in serving for host in shard.hosts if not names.includes(host)}
        addresses = Addresses().union(*(shard.addresses for shard in serving))
        up = name_at[place[1:]] if place else None
        records += _records(name_at[place], addresses, hosts, resolved, up)
    return Plan(tuple(records), tuple(sorted(warnings)))


def _places(shard: Shard) -> Iterator[Place]:
    yield ()
    if can_be_named(shard.region, shard.zones):
        region = shard.region.lower()
        yield (region,)
        yield from {(zone.lower(), region) for zone in shard.zones}


def _records(
    name: str, addresses: Addresses, hosts: Collection[str], resolved: Mapping[str, Addresses], up: str | None
) -> Iterator[RecordSet]:
    everything = addresses.union(*(resolved.get(host, ()) for host in hosts))
    if hosts and not everything:
        # A CNAME is alone at its name. Of several hosts that do not resolve here, one is better than none. Where
        # addresses are known, it is not made: members' pods are told no address by it, as nobody follows it for them.
        yield RecordSet(name, "CNAME", (min(hosts),))
    elif everything:
        by_version = defaultdict(list)
        for address in sorted(map(ip_address, everything), key=int):
            by_version[address.version].append(str(address))
        if 4 in by_version:
            yield RecordSet(name, "A", tuple(by_version[4]))
        if 6 in by_version:
            yield RecordSet(name, "AAAA", tuple(by_version[6]))
    elif up is not None:
        yield RecordSet(name, "CNAME", (up,))
