"""The addresses of load balancers that are known by host name only, looked up again and again as they change."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from controllers.names.plan import Addresses
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Key

log = logging.getLogger(__name__)

Lookup = Callable[[str], Addresses]

AT_ONCE = 4
"""Lookups side by side: one may wait for half a minute."""


def look_up(host: str) -> Addresses:
    """The host's addresses of both versions. Raises OSError where there are none."""
    # The final dot keeps the resolver from trying the pod's search domains.
    answers = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    return frozenset(str(address[0]) for *_, address in answers)


class Hosts:
    """The host names in use. To be used on the loop only."""

    def __init__(self, loop: Loop, changed: Callable[[set[Key]], None], every: float, lookup: Lookup) -> None:
        """`changed` is told the Services whose hosts have other addresses; each host is looked up `every` s."""
        self._loop, self._changed, self._every, self._lookup = loop, changed, every, lookup
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="resolve")
        self._users: dict[Key, frozenset[str]] = {}
        self._known: dict[str, Addresses] = {}
        self._asked: set[str] = set()

    def use(self, service: Key, hosts: frozenset[str], last: Mapping[str, Addresses]) -> dict[str, Addresses]:
        """What is known of the Service's hosts, by now or from `last` time; the lookups go on until it uses others."""
        self._users[service] = hosts
        for host in hosts:
            if host in last:
                self._known.setdefault(host, last[host])
            if host not in self._asked:
                self._asked.add(host)
                self._ask(host)
        return {host: self._known[host] for host in hosts if host in self._known}

    def forget(self, service: Key) -> None:
        self._users.pop(service, None)

    def _ask(self, host: str) -> None:
        users = {service for service, hosts in self._users.items() if host in hosts}
        if users:
            self._threads.submit(self._answer, host)
        else:
            self._asked.discard(host)
            self._known.pop(host, None)

    def _answer(self, host: str) -> None:
        """In a thread of its own."""
        try:
            self._loop.post(partial(self._learn, host, self._lookup(host)))
        except OSError as error:
            log.warning(f"host name {host} does not resolve, what it was last holds: {error}")
            self._loop.post(partial(self._learn, host, None))

    def _learn(self, host: str, addresses: Addresses | None) -> None:
        self._loop.after(self._every, partial(self._ask, host))
        if addresses and addresses != self._known.get(host):
            self._known[host] = addresses
            self._changed({service for service, hosts in self._users.items() if host in hosts})
