"""Addresses: no two clusters of any two fleets share one, and what the machine uses is kept clear of."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest

from lab.fleet import addresses

pytestmark = pytest.mark.unit


def test_no_two_clusters_share_an_address() -> None:
    nodes = {
        addresses.node(slot, number)
        for slot in addresses.SLOTS
        for number in (*addresses.FULL_NUMBERS, *addresses.API_ONLY_NUMBERS)
    }
    assert len(nodes) == 16 * (15 + 229)
    assert nodes.isdisjoint(addresses.machine(slot) for slot in addresses.SLOTS)


def test_no_two_clusters_share_a_load_balancer_range() -> None:
    ranges = [addresses.load_balancers(slot, n) for slot in addresses.SLOTS for n in addresses.FULL_NUMBERS]
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2))


@pytest.mark.parametrize(
    ("network", "occupied"),
    [
        ("0.0.0.0/0", set()),
        ("192.0.2.0/24", set()),
        ("10.89.3.0/24", {3}),
        ("10.90.17.0/24", {1}),
        ("10.89.0.0/16", set(range(16))),
    ],
)
def test_a_slot_is_occupied_by_what_the_machine_routes(network: str, occupied: set[int]) -> None:
    assert addresses.occupied_slots([IPv4Network(network)]) == occupied


def test_link_names_fit_the_kernel() -> None:
    assert len(addresses.link(addresses.SLOTS[-1], addresses.API_ONLY_NUMBERS[-1])) < 16


def test_first_free() -> None:
    assert addresses.first_free(range(1, 4), {1, 3}) == 2
    assert addresses.first_free(range(1, 4), {1, 2, 3}) is None
