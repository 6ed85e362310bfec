"""Gives LoadBalancer Services their addresses: the lowest free one of the cluster's range.

Writing it down is all there is to it: kube-proxy serves whatever address a Service's status names, and the range
is routed to the node. Runs in the cluster's sandbox: `python -m lab.fleet.loadbalancer SERVER KEYS RANGE`.
"""

import sys
from collections.abc import Mapping
from functools import partial
from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import Path
from typing import Any

from lab.fleet.api import Api
from lab.fleet.following import Objects, follow

SERVICES = "/api/v1/services"


def decide(services: Mapping[str, Any], own: IPv4Network) -> dict[str, str | None]:
    """The statuses to write, by the Service's name: its new address, or None to take one away."""
    held = {name: _address(service) for name, service in services.items()}
    wants = {name: _wants(service) for name, service in services.items()}
    changes: dict[str, str | None] = {name: None for name in held if held[name] and not wants[name]}
    taken = {held[name] for name in held if wants[name]}
    for name in sorted(services):
        if wants[name] and not held[name]:
            address = _choose(services[name]["spec"].get("loadBalancerIP"), taken, own)
            if address is None:
                print(f"no address left in {own} for {name}", flush=True)
            else:
                changes[name] = address
                taken.add(address)
    return changes


def _choose(wish: str | None, taken: set[str | None], own: IPv4Network) -> str | None:
    if wish is not None and ip_address(wish) in own:
        return None if wish in taken else wish
    return next((str(address) for address in own.hosts() if str(address) not in taken), None)


def _wants(service: Any) -> bool:
    """A Service that names a class of load balancers waits for that one, not for us."""
    return service["spec"].get("type") == "LoadBalancer" and not service["spec"].get("loadBalancerClass")


def _address(service: Any) -> str | None:
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    address = ingress[0].get("ip")
    return str(IPv4Address(address)) if address else None


def _serve(api: Api, own: IPv4Network, services: Objects) -> None:
    for name, address in decide(services, own).items():
        print(f"{name}: {address}", flush=True)
        ingress = [{"ip": address, "ipMode": "VIP"}] if address else None
        namespace, _, service = name.partition("/")
        status = f"/api/v1/namespaces/{namespace}/services/{service}/status"
        changed = api.patch(status, {"status": {"loadBalancer": {"ingress": ingress}}})
        if changed is not None:
            services[name] = changed


def main(server: str, keys: str, own: str) -> None:
    api = Api(server, Path(keys))
    follow(api, SERVICES, partial(_serve, api, IPv4Network(own)))


if __name__ == "__main__":
    main(*sys.argv[1:])
