"""The rules that names follow: Kubernetes labels, label values and DNS zones. Pure."""

from __future__ import annotations

import ipaddress
import re

LABEL_RULE = "a DNS label: 1 to 63 of a-z, 0-9 and '-', not beginning or ending with '-' (RFC 1123)"
MEMBER_NAME_RULE = "a DNS label of at most 48 characters: a-z, 0-9 and '-', not beginning or ending with '-'"
LABEL_VALUE_RULE = (
    "a label value: 1 to 63 of A-Z, a-z, 0-9, '-', '_' and '.', beginning and ending with a letter or digit"
)
ADDRESS_RULE = "an IP address or a DNS name, without scheme and port"
ZONE_RULE = "a DNS domain of at least two labels, such as example.com"

MEMBER_NAME_MAX = 48
"""Karmada's own limit on the name of a Cluster (pkg/apis/cluster/validation)."""

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_ZONE_MAX = 253


def is_label(text: str) -> bool:
    """Whether `text` is an RFC 1123 label, the form of most Kubernetes names."""
    return _LABEL.fullmatch(text) is not None


def is_member_name(text: str) -> bool:
    """Whether Karmada accepts `text` as the name of a Cluster."""
    return is_label(text) and len(text) <= MEMBER_NAME_MAX


def is_label_value(text: str) -> bool:
    """Whether `text` is a non-empty Kubernetes label value, the form of regions and zones."""
    return _LABEL_VALUE.fullmatch(text) is not None


def is_zone(text: str) -> bool:
    """Whether `text`, with or without the final dot, is a domain that can be a zone of its own."""
    labels = zone_of(text).split(".")
    return len(labels) >= 2 and len(zone_of(text)) <= _ZONE_MAX and all(map(is_label, labels))


def is_address(text: str) -> bool:
    """Whether `text` is an IP address or a DNS name, without scheme and port."""
    return is_ip(text) or (len(text) <= _ZONE_MAX and all(map(is_label, text.split("."))))


def is_ip(text: str) -> bool:
    """Whether `text` is an IP address, of version 4 or 6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def in_url(address: str) -> str:
    """The address as it stands in a URL: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def zone_of(text: str) -> str:
    """The one form in which zones are kept: lower case and without the final dot.

    Federation v1 demanded the dot here and forbade it there; it is added only at the edge to DNS (`absolute`).
    """
    return text.lower().removesuffix(".")


def absolute(domain: str) -> str:
    """The domain as DNS writes it, with the final dot."""
    return f"{zone_of(domain)}."
