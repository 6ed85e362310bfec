"""Targets of a DNSEndpoint as the data of records in a zone file. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address

DNS_NAME_MAX = 253
DNS_NAME_RULE = "a DNS name of at most 253 characters, its labels 1 to 63 of a-z, 0-9, '-' and '_'"

_LABEL = re.compile(r"[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?")
_STRING_MAX = 255
"""Bytes of one string of a TXT record, which may have several."""
_NUMBER = re.compile(r"[0-9]{1,5}")
_NUMBER_MAX = 65535
_PRINTED = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')


class TargetError(ValueError):
    """The target is not one of its type; the text says what is allowed."""


def is_dns_name(text: str) -> bool:
    """Whether `text`, in lower case without the final dot, is a name; labels may begin with `_`, as in `_http._tcp`."""
    return len(text) <= DNS_NAME_MAX and all(_LABEL.fullmatch(label) for label in text.split("."))


def rdata(rtype: str, target: str) -> str:
    """The target in the one form that a zone file has it in. Raises TargetError; KeyError for a type not in TYPES."""
    return TYPES[rtype](target)


def _ipv4(target: str) -> str:
    try:
        return str(IPv4Address(target))
    except AddressValueError as error:
        raise TargetError("an IPv4 address is allowed") from error


def _ipv6(target: str) -> str:
    try:
        address = IPv6Address(target)
    except AddressValueError as error:
        raise TargetError("an IPv6 address is allowed") from error
    if address.scope_id is not None:
        raise TargetError("an IPv6 address without a scope is allowed")
    # By its groups of hexadecimal digits: Python's own form of a mapped address depends on its version.
    return address.compressed if address.ipv4_mapped is None else f"::ffff:{_groups(address)}"


def _groups(address: IPv6Address) -> str:
    return ":".join(f"{int.from_bytes(address.packed[i : i + 2], 'big'):x}" for i in (12, 14))


def _host(target: str) -> str:
    name = target.lower().removesuffix(".")
    if not is_dns_name(name):
        raise TargetError(f"{DNS_NAME_RULE} is allowed")
    return f"{name}."


def _numbers_and_host(count: int, target: str) -> str:
    *numbers, host = target.split() or [""]
    if len(numbers) != count or not all(_NUMBER.fullmatch(each) and int(each) <= _NUMBER_MAX for each in numbers):
        raise TargetError(f"{count} numbers from 0 to {_NUMBER_MAX} and a DNS name are allowed")
    # A single dot says that there is no such service (RFC 2782, RFC 7505).
    return " ".join([*(str(int(each)) for each in numbers), "." if host == "." else _host(host)])


def _mx(target: str) -> str:
    return _numbers_and_host(1, target)


def _srv(target: str) -> str:
    return _numbers_and_host(3, target)


def _text(target: str) -> str:
    """In quotes or without, as external-dns has it; what is longer than a string may be becomes several."""
    inner = target[1:-1] if len(target) > 1 and target[0] == target[-1] == '"' else target
    # Half a pair, as JSON may have it, is no character: no encoding may fail for it, as all else of the object stands.
    data = inner.encode("utf-8", "surrogatepass")
    strings = [data[i : i + _STRING_MAX] for i in range(0, len(data), _STRING_MAX)] or [b""]
    return " ".join(f'"{_escaped(each)}"' for each in strings)


def _escaped(data: bytes) -> str:
    return "".join(chr(each) if each in _PRINTED else f"\\{each:03d}" for each in data)


TYPES: Mapping[str, Callable[[str], str]] = {
    "A": _ipv4,
    "AAAA": _ipv6,
    "CNAME": _host,
    "MX": _mx,
    "NS": _host,
    "SRV": _srv,
    "TXT": _text,
}
"""The types that are published."""
