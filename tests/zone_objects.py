"""DNSEndpoints as people write them, the hostile ones included, for zone example.com."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Any

from tests.unit.test_zone_contents import endpoint, entry

ZONE = "example.com"
LABELS: tuple[str, ...] = (
    "*",
    "_x",
    "",
    "-a",
    "a-",
    "xn--bcher-kva",
    "bücher",
    "a b",
    "a\\.b",
    "\\065",
    "@",
    "$ORIGIN",
    "a;b",
    "(",
    "'",
)
LABELS += ('"', "a\n", "\x00", "A", "\u212a", "a" * 63, "a" * 64, "0", "1.2.3.4", "*a", "**")
LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 49])
"""With the zone, a name of 253 characters."""
TEXTS: tuple[str, ...] = (
    "$INCLUDE /etc/passwd",
    "\n$INCLUDE /etc/passwd\n",
    ") ; (",
    ";",
    "@",
    '"',
    '""',
    '"a" "b"',
    "\\",
    '\\"',
    '"\\"',
)
TEXTS += ("", " ", "\t", "\r\n", "\x00", "\ud800", "\udc80", "\\000", "\\256", "é", "x" * 255, "x" * 256, "é" * 200)
TEXTS += ("".join(map(chr, range(256))), ".", "..", "x.example.com", "192.0.2.1", "2001:db8::1", "example.com. 1 IN A ")
ADDRESSES = [f"{a}.{b}.{c}.{d}" for a in range(1, 10) for b in range(1, 10) for c in range(1, 10) for d in range(1, 8)]
HUGE = {
    "A": [ADDRESSES[:2000], ADDRESSES],
    "AAAA": [[f"::{i:x}" for i in range(count)] for count in (2000, 5000)],
    "TXT": [["x" * 50000], ["x" * 65536], [f"{i}" * 50 for i in range(300)], [f"{i}" for i in range(3000)]],
    "MX": [[f"{i} ." for i in range(2500)], [f"{i} {'x' * 60}.example.com" for i in range(500)]],
}
"""Targets of sets on both sides of what an answer holds."""


def huge() -> Any:
    """One DNSEndpoint with a set of HUGE at each name."""
    sets = [(f"{kind}{i}.{ZONE}", kind, targets) for kind, all_of in HUGE.items() for i, targets in enumerate(all_of)]
    return endpoint(*(entry(name, kind, *targets) for name, kind, targets in sets), name="huge")


NUMBERS = ("0", "1", "65535", "65536", "-1", "99999", "007", "x", "", "0x1", "1.5", "\u0663")
HOSTS = (".", "mail.example.net", "Mail.Example.NET.", "a." * 126 + "a", "a." * 127, "-", "x y", "_x.example.com")
TTLS: tuple[Any, ...] = (None, None, None, 1, 30, 2**31 - 1, 2**31, 0, -1, 2**63, 1.5, 1e3, "30", True, False)
MEETING = ("", "a", "b.a", "c.b.a", "*.a", "*.b.a", "*", LONGEST, f"x{LONGEST}", f"*.{LONGEST[2:]}")
"""Names that meet each other: as one name, below each other, below a wildcard or a delegation, and at their longest."""


class Draw:
    """Objects of a seed: strategies take a hundred times as long."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._of: dict[str, Callable[[], str]] = {
            "A": lambda: str(IPv4Address(self._random.getrandbits(32))),
            "AAAA": lambda: str(IPv6Address(self._random.getrandbits(self._random.choice((8, 32, 48, 128))))),
            "CNAME": self._host,
            "MX": lambda: f"{self._number()} {self._host()}",
            "NS": self._host,
            "SRV": lambda: f"{self._number()} {self._number()}  {self._number()}\t{self._host()}",
            "TXT": self._text,
            "PTR": self._host,
        }
        self.objects = [self._object(name) for name in "abcd"[: self._random.randint(0, 4)]]

    def _object(self, name: str) -> Any:
        entries = [self._entry() for _ in range(self._random.randint(0, 6))]
        year = self._random.choice((2025, 2026))
        return endpoint(*entries, name=name, ours=self._rarely(), created=f"{year}-01-01")

    def _entry(self) -> Any:
        kind = self._random.choice(tuple(self._of))
        targets = [self._target(kind) for _ in range(self._random.choice((0, 1, 1, 1, 2, 4)))]
        return entry(self._name(), kind, *targets, ttl=self._random.choice(TTLS))

    def _target(self, kind: str) -> str:
        return self._random.choice(TEXTS) if self._rarely() else self._of[kind]()

    def _text(self) -> str:
        size = self._random.choice((0, 1, 10, 255, 300))
        text = "".join(chr(self._random.getrandbits(8)) for _ in range(size))
        return f'"{text}"' if self._rarely() else text

    def _number(self) -> str:
        return self._random.choice(NUMBERS) if self._rarely() else str(self._random.randint(0, 65535))

    def _host(self) -> str:
        return self._random.choice(HOSTS) if self._random.getrandbits(1) else self._name()

    def _name(self) -> str:
        below = self._random.choice(MEETING)
        if self._random.getrandbits(1):
            below = ".".join(self._label() for _ in range(self._random.randint(1, 4)))
        name = f"{below}.{ZONE}" if below else ZONE
        return f"{name.upper()}{self._random.choice(('', '.', '..'))}" if self._rarely() else name

    def _label(self) -> str:
        if self._rarely():
            return self._random.choice(LABELS)
        return "".join(self._random.choice("abz019") for _ in range(self._random.choice((1, 2, 8, 63))))

    def _rarely(self) -> bool:
        return self._random.random() < 0.2
