"""The cables: a bridge for each fleet, a cable from it to each cluster, and who is reached through whom.

The bridge's address is the only one outside the sandboxes. Sandboxes have no default route: what is not the
fleet's does not get out.
"""

import json
import subprocess
from contextlib import suppress
from ipaddress import IPv4Network

from lab.fleet import addresses
from lab.fleet.sandbox import Sandbox
from lab.fleet.waiting import FleetError

ALIAS = "federation-fleet:"


def make_bridge(fleet: str, slot: int) -> None:
    bridge = addresses.bridge(slot)
    if not _exists(bridge):
        _ip("link", "add", bridge, "type", "bridge")
    # The alias is how a fleet's bridge is found when its record is lost.
    _ip("link", "set", bridge, "alias", ALIAS + fleet)
    _ip("address", "replace", f"{addresses.machine(slot)}/24", "dev", bridge)
    _ip("link", "set", bridge, "up")
    for number in addresses.FULL_NUMBERS:
        target = addresses.load_balancers(slot, number)
        _ip("route", "replace", str(target), "via", str(addresses.node(slot, number)), "dev", bridge)


def remove_bridge(fleet: str) -> str | None:
    """Takes the fleet's bridge down, and with it its address, routes and cables; returns the bridge's name."""
    bridge = bridge_of(fleet)
    if bridge is not None:
        for cable in json.loads(_ip("-json", "link", "show", "master", bridge)):
            _unplug(cable["ifname"])
        _ip("link", "delete", bridge)
    return bridge


def bridge_of(fleet: str) -> str | None:
    links = json.loads(_ip("-json", "link", "show", "type", "bridge"))
    return next((link["ifname"] for link in links if link.get("ifalias") == ALIAS + fleet), None)


def occupied() -> dict[int, str]:
    """The slots whose addresses this machine already uses, for a fleet or for anything else, and a route that does."""
    routes = json.loads(_ip("-json", "route", "show", "table", "all", "type", "unicast"))
    return {
        slot: f"route {route['dst']} dev {route.get('dev')}"
        for route in routes
        # The machine's own address and its gateway count by themselves, however wide the network is that they are in.
        for target in (route["dst"], route.get("gateway"), route.get("prefsrc"))
        if target and target != "default" and ":" not in target
        for slot in addresses.slots_of(IPv4Network(target, strict=False))
    }


def connect(sandbox: Sandbox, slot: int, number: int) -> None:
    """Plugs a new sandbox in. Pods and LoadBalancer addresses are for clusters with a node, but harm none."""
    bridge, link = addresses.bridge(slot), addresses.link(slot, number)
    _unplug(link)
    peer = ["peer", "name", "eth0", "netns", str(sandbox.pid)]
    _ip("link", "add", link, "master", bridge, "up", "type", "veth", *peer)
    sandbox.run(["ip", "-batch", "-"], stdin=_inner_setup(slot, number))
    sandbox.run(["nft", "-f", "-"], stdin=_masquerade(number))
    sandbox.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])


def _unplug(link: str) -> None:
    """Takes away what is left of a cable.

    By itself it goes with its sandbox's network namespace, which the kernel keeps for minutes while it tries to tell
    the other ends of connections that a killed program had open.
    """
    with suppress(FleetError):  # it may go at this moment; a cable that stays is told when its name is taken again
        _ip("link", "delete", link)


def _inner_setup(slot: int, number: int) -> str:
    # A call from the node to a Service must have a route before kube-proxy's rules can turn it elsewhere.
    own = [addresses.SERVICES, addresses.load_balancers(slot, number)]
    others = [other for other in addresses.FULL_NUMBERS if other != number]
    lines = [
        f"address add {addresses.node(slot, number)}/24 dev eth0",
        "link set eth0 up",
        *(f"route add {target} dev eth0" for target in own),
        *(f"route add {addresses.load_balancers(slot, other)} via {addresses.node(slot, other)}" for other in others),
    ]
    return "\n".join(lines) + "\n"


def _masquerade(number: int) -> str:
    return f"""
table ip fleet {{
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        ip saddr {addresses.pods(number)} oifname "eth0" masquerade
    }}
}}
"""


def _exists(link: str) -> bool:
    return subprocess.run(["ip", "link", "show", link], check=False, capture_output=True).returncode == 0


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise FleetError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
