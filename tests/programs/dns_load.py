"""Asks a name server so many questions a second, by UDP, and keeps every answer with its time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from time import monotonic

import dns.message

TICK = 0.002
"""Seconds between two handfuls of questions."""
LATEST = 3.0
"""Seconds after the last question in which answers still count."""


@dataclass
class Asked:
    """A question, and its answer when there is one."""

    name: str
    sent: float
    wire: bytes = b""
    came: float = 0.0

    @property
    def answer(self) -> dns.message.Message:
        return dns.message.from_wire(self.wire)


@dataclass
class Load:
    asked: list[Asked]
    dropped: int
    """Datagrams that the kernel had no room for, as whoever reads them did not get to run: the machine is busy."""

    @property
    def lost(self) -> int:
        return sum(not each.wire for each in self.asked)


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, asked: list[Asked]) -> None:
        self._asked = asked
        self.missing = 0

    def datagram_received(self, data: bytes, addr: object) -> None:
        # Read after the run, which it would slow down.
        one = self._asked[int.from_bytes(data[:2], "big")]
        one.wire, one.came = data, monotonic()
        self.missing -= 1


async def load(port: int, names: Sequence[str], rate: int, seconds: float) -> Load:
    """The questions for A of these names in turn; fewer than 65,536, as each has an ID of its own."""
    asked: list[Asked] = []
    loop = asyncio.get_running_loop()
    transport, answers = await loop.create_datagram_endpoint(
        lambda: _Answers(asked), remote_addr=("127.0.0.1", port), family=socket.AF_INET
    )
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**21)
    questions = {name: dns.message.make_query(name, "A", id=0).to_wire()[2:] for name in names}
    began, turn = monotonic(), cycle(names)
    while (now := monotonic()) < began + seconds:
        for _ in range(int((now - began) * rate) - len(asked)):
            name = next(turn)
            transport.sendto(len(asked).to_bytes(2, "big") + questions[name])
            asked.append(Asked(name, now))
            answers.missing += 1
        await asyncio.sleep(TICK)
    while answers.missing and monotonic() < began + seconds + LATEST:
        await asyncio.sleep(TICK)
    own: int = transport.get_extra_info("sockname")[1]
    found = Load(asked, _dropped(port) + _dropped(own))
    transport.close()
    return found


def _dropped(port: int) -> int:
    """By the sockets of this port since they are there: the last column, as the kernel's proc_net_udp has it."""
    rows = [row.split() for file in ("udp", "udp6") for row in Path("/proc/net", file).read_text().splitlines()[1:]]
    return sum(int(row[-1]) for row in rows if int(row[1].rpartition(":")[2], 16) == port)
