"""The syntax of values: what is a name, a label, a domain, an address, a proxy; and the words for it. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

USER_RULE = "1 to 64 letters, digits, '.', '_', '@', '+' and '-', beginning and ending with a letter or digit"
LABEL_RULE = "a DNS label: 1 to 63 of a-z, 0-9 and '-', not beginning or ending with '-' (RFC 1123)"
NAME_RULE = "a DNS label of at most 48 characters: a-z, 0-9 and '-', not beginning or ending with '-'"
LABEL_KEY_RULE = (
    "the key of a Kubernetes label: 1 to 63 of A-Z, a-z, 0-9, '-', '_' and '.', beginning and ending with a letter or "
    "digit; before it, with a '/', a DNS domain may stand"
)
LABEL_VALUE_RULE = (
    "the value of a Kubernetes label: at most 63 of A-Z, a-z, 0-9, '-', '_' and '.', beginning and ending with a "
    "letter or digit; it may be empty"
)
PROXY_RULE = "an http or https URL with a host and without credentials, such as http://proxy.example.com:3128"
ADDRESS_RULE = "an IP address, or a DNS name whose last label is no number, without scheme and port"
HOST_IP_RULE = "an IP address of one host, such as 192.0.2.53 or 2001:db8::53, without port and prefix length"
LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
"""What people have in /etc/hosts, beside all that ends in .localhost (RFC 6761)."""
BROADCAST = ipaddress.IPv4Address("255.255.255.255")
ZONE_RULE = "a DNS domain of at least two labels, such as example.com"
CLUSTER_DNS_RULE = "auto, none, or {configMap: NAME} with the name of a ConfigMap: a-z, 0-9, '-' and '.', at most 253"
MANAGED_ZONE_RULE = "1 to 63 of a-z, 0-9 and '-', beginning with a letter, ending with a letter or digit"
"""Of the names of managed zones (Cloud DNS API v1, ManagedZone.name)."""
FEDERATED_NAMESPACE_RULE = "a DNS label other than kube-*, karmada-*: nothing is propagated there"
"""Karmada's own reserved namespaces (pkg/util/names), and its --skipped-propagating-namespaces."""
NAME_MAX = 48
"""Karmada's own limit on the name of a Cluster (pkg/apis/cluster/validation); a federation's name is part of others."""
_USER = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9._@+]{0,62}[A-Za-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_MANAGED_ZONE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_DOMAIN_MAX = 253


def is_label(text: str) -> bool:
    """Whether `text` is an RFC 1123 label, the form of most Kubernetes names."""
    return _LABEL.fullmatch(text) is not None


def is_user(text: str) -> bool:
    """Whether `text` can be the name of a person, or of a group of them, in the federation API."""
    return _USER.fullmatch(text) is not None


def is_label_key(text: str) -> bool:
    """Whether Kubernetes takes `text` as the key of a label."""
    prefix, slash, name = text.rpartition("/")
    return _LABEL_PART.fullmatch(name) is not None and (is_domain(prefix) or not slash)


def is_label_value(text: str) -> bool:
    """Whether Kubernetes takes `text` as the value of a label."""
    return not text or _LABEL_PART.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether `text` can be the name of a member, by Karmada's rule, or of a federation."""
    return is_label(text) and len(text) <= NAME_MAX


def is_zone(text: str) -> bool:
    """Whether `text`, with or without the final dot, is a domain that can be a zone of its own."""
    return "." in zone_of(text) and is_domain(zone_of(text))


def is_managed_zone(text: str) -> bool:
    """Whether Google Cloud DNS accepts `text` as the name of a managed zone."""
    return _MANAGED_ZONE.fullmatch(text) is not None


def is_federated_namespace(text: str) -> bool:
    """Whether `text` can be a namespace that the federation's objects are in."""
    return is_label(text) and not text.startswith(("kube-", "karmada-"))


def is_domain(text: str) -> bool:
    """Whether `text`, without a final dot, is a DNS name of at most 253 characters whose labels are RFC 1123 labels."""
    return len(text) <= _DOMAIN_MAX and all(map(is_label, text.split(".")))


def is_address(text: str) -> bool:
    """Whether `text` is an IP address or a DNS name, without scheme and port.

    What ends in a number is an IP address or nothing, as in URLs: a top-level domain is alphabetic (RFC 1123, section
    2.1; WHATWG URL Standard, "ends in a number checker"). So a mistyped address is not taken for a name.
    """
    return is_ip(text) or (is_domain(text) and not text.rpartition(".")[2].isdigit())


def is_ip(text: str) -> bool:
    """Whether `text` is an IP address, of version 4 or 6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host_ip(text: str) -> bool:
    """Whether `text` is an IP address that one host alone can have, as seen from another."""
    if not is_ip(text) or "%" in text:
        return False
    address = ipaddress.ip_address(text)
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    of_none = address.is_unspecified or address.is_loopback or address.is_link_local
    return not (mapped or of_none or address.is_multicast or address == BROADCAST)


def is_loopback(host: str) -> bool:
    """Whether `host`, an address or a name, is for each machine, and each pod, that one itself."""
    if not is_ip(host):
        return zone_of(host) in LOOPBACK_NAMES or zone_of(host).endswith(".localhost")
    address = ipaddress.ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def is_proxy(text: str) -> bool:
    """Whether `text` is the URL of an HTTP proxy that a client without more than that can use."""
    try:
        url = urlsplit(text)
        # The port is read when it is asked for.
        has_place = bool(url.hostname) and url.port != 0
        return url.scheme in ("http", "https") and has_place and text.isprintable() and not {"@", " "} & {*text}
    except ValueError:
        return False


def canonical_ip(text: str) -> str:
    """The one spelling that programs compare: IPv6 in lower case, the longest run of zeros left out."""
    return str(ipaddress.ip_address(text))


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


def can_be_named(region: str, zones: Sequence[str]) -> bool:
    """Whether a cluster has names of its own in the tree: region and zones are labels, in either case."""
    return all(is_label(part.lower()) for part in (region, *zones))
