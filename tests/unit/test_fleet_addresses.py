"""Addresses: no two clusters of any two fleets share one, and what the machine uses is kept clear of."""

import json
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest

from lab.fleet import addresses, network, ownership
from lab.fleet.record import Record
from lab.fleet.waiting import FleetError

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
    ("target", "occupied"),
    [
        ("0.0.0.0/0", set()),
        ("192.0.2.0/24", set()),
        ("10.89.3.0/24", {3}),
        ("10.90.17.0/24", {1}),
        ("10.89.0.0/16", set(range(16))),
        # By these a VPN takes all that has no route of its own.
        ("0.0.0.0/1", set()),
        ("10.0.0.0/8", set()),
    ],
)
def test_a_slot_is_occupied_by_what_the_machine_routes(target: str, occupied: set[int]) -> None:
    assert addresses.slots_of(IPv4Network(target)) == occupied


def routed(monkeypatch: pytest.MonkeyPatch, *routes: dict[str, str]) -> None:
    """Have the machine these routes, as `ip -json route` writes them."""
    monkeypatch.setattr(network, "_ip", lambda *_: json.dumps(routes))


def test_its_own_address_and_gateway_in_a_wide_network_are_kept_clear_of(monkeypatch: pytest.MonkeyPatch) -> None:
    routed(
        monkeypatch,
        {"dst": "default", "gateway": "10.89.2.1", "dev": "eth0"},
        {"dst": "10.0.0.0/8", "prefsrc": "10.89.3.7", "dev": "eth0"},
        {"dst": "default", "gateway": "fd00::1", "dev": "eth0"},
        {"dst": "fd00::/64", "dev": "eth0"},
    )
    assert network.occupied() == {2: "route default dev eth0", 3: "route 10.0.0.0/8 dev eth0"}


def test_what_has_all_addresses_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FEDERATION_FLEETS", str(tmp_path))
    (tmp_path / "other").mkdir()
    Record("other", 0).save()
    routed(monkeypatch, {"dst": "10.90.0.0/16", "dev": "tun0"})
    with pytest.raises(FleetError, match=r"in use, by fleet other, route 10\.90\.0\.0/16 dev tun0$"):
        ownership._new("dev")


def test_link_names_fit_the_kernel() -> None:
    assert len(addresses.link(addresses.SLOTS[-1], addresses.API_ONLY_NUMBERS[-1])) < 16


def test_first_free() -> None:
    assert addresses.first_free(range(1, 4), {1, 3}) == 2
    assert addresses.first_free(range(1, 4), {1, 2, 3}) is None
