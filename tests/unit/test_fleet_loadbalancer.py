"""The allocator's choice: lowest free address, wishes in range, and what is not ours is left alone."""

from ipaddress import IPv4Network
from typing import Any

import pytest

from lab.fleet.loadbalancer import decide

pytestmark = pytest.mark.unit

OWN = IPv4Network("10.90.1.0/30")


def service(kind: str = "LoadBalancer", address: str | None = None, **spec: str) -> Any:
    ingress = [{"ip": address}] if address else []
    return {"spec": {"type": kind, **spec}, "status": {"loadBalancer": {"ingress": ingress}}}


def test_the_lowest_free_address() -> None:
    services = {"a": service(), "b": service(address="10.90.1.1"), "c": service("ClusterIP")}
    assert decide(services, OWN) == {"a": "10.90.1.2"}


def test_nothing_to_do() -> None:
    assert decide({"a": service(address="10.90.1.1")}, OWN) == {}


def test_an_address_is_taken_back_and_free_in_the_next_round() -> None:
    services = {"a": service("ClusterIP", address="10.90.1.1"), "b": service()}
    assert decide(services, OWN) == {"a": None, "b": "10.90.1.1"}


def test_a_wish_is_granted_in_range_and_never_twice() -> None:
    assert decide({"a": service(loadBalancerIP="10.90.1.2")}, OWN) == {"a": "10.90.1.2"}
    assert decide({"a": service(loadBalancerIP="192.0.2.1")}, OWN) == {"a": "10.90.1.1"}
    assert decide({"a": service(address="10.90.1.2"), "b": service(loadBalancerIP="10.90.1.2")}, OWN) == {}


def test_another_class_is_not_ours() -> None:
    assert decide({"a": service(loadBalancerClass="example.com/other")}, OWN) == {}


def test_a_full_range_leaves_the_rest_waiting() -> None:
    assert decide({name: service() for name in "abc"}, OWN) == {"a": "10.90.1.1", "b": "10.90.1.2"}
