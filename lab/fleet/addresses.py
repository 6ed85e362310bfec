"""Who has which address. Pure arithmetic: a fleet has a slot, a cluster in it has a number, the rest follows.

    10.89.SLOT.1             this machine, on the fleet's bridge
    10.89.SLOT.(10+NUMBER)   the cluster's node and API server
    10.90.(16*SLOT+NUMBER).0/24   the cluster's LoadBalancer Services
    10.244.NUMBER.0/24       the cluster's pods, known inside it only
    10.96.0.0/16             the cluster's Services, known inside it only

Clusters with a node are numbered 1 to 15, because of their load balancer addresses; the ones without follow from 16.
"""

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network

SLOTS = range(16)
FULL_NUMBERS = range(1, 16)
API_ONLY_NUMBERS = range(16, 245)

WIDEST = 16
"""Bits of the prefix."""

SERVICES = IPv4Network("10.96.0.0/16")
FIRST_SERVICE = SERVICES[1]
DNS_SERVICE = SERVICES[10]


def nodes(slot: int) -> IPv4Network:
    return IPv4Network(f"10.89.{slot}.0/24")


def machine(slot: int) -> IPv4Address:
    return nodes(slot)[1]


def node(slot: int, number: int) -> IPv4Address:
    return nodes(slot)[10 + number]


def pods(number: int) -> IPv4Network:
    return IPv4Network(f"10.244.{number}.0/24")


def load_balancers(slot: int, number: int) -> IPv4Network:
    return IPv4Network(f"10.90.{16 * slot + number}.0/24")


def bridge(slot: int) -> str:
    return f"fleet{slot}"


def link(slot: int, number: int) -> str:
    """The machine's end of the cluster's cable."""
    return f"fleet{slot}n{number}"


def first_free(candidates: Iterable[int], taken: Collection[int]) -> int | None:
    return next((number for number in candidates if number not in taken), None)


def slots_of(network: IPv4Network) -> set[int]:
    """The slots that a route of the machine lies in.

    One wider than WIDEST lies in none: a VPN's is for whatever has no route of its own, and a fleet has its own.
    """
    if network.prefixlen < WIDEST:
        return set()
    return {
        slot
        for slot in SLOTS
        if network.overlaps(nodes(slot)) or network.overlaps(IPv4Network(f"10.90.{16 * slot}.0/20"))
    }
