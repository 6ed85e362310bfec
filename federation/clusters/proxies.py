"""The proxy that the environment names for an API server, by the rules that kubectl and Pulumi's provider go by. Pure.

They are those of Go's http.ProxyFromEnvironment (golang.org/x/net/http/httpproxy), up to Go 1.26, where capitals come
first; golang.org/x/net 0.61 has it the other way round. They hold where a context has no `proxy-url` of its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = {"https": 443, "http": 80}


def proxy_for(server: str, environment: Mapping[str, str]) -> str | None:
    """The URL of the proxy by which the server (a URL) is reached; None: directly. A password may be in it.

    `https_proxy` is for https, `http_proxy` for http; each in capitals, or in small letters where that is not set. One
    without a scheme is an http proxy; whether it is one that can be used is for the caller to say. What is on loopback,
    or in `no_proxy`, is reached directly. Its entries, between commas, are:

    - `*`: everything;
    - an address, or a range of them (10.0.0.0/8): what has its address in the URL, as no name is looked up;
    - a domain: it and all below it; with `.` or `*.` in front only what is below it.

    An address or a domain may have a port; then it is for that port alone. Raises ValueError for a server that is no
    URL.
    """
    url = urlsplit(server)
    proxy = _variable(f"{url.scheme}_proxy", environment) if url.scheme in PORTS else ""
    if not proxy or _is_direct(url.hostname or "", url.port or PORTS[url.scheme], environment):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _is_direct(host: str, port: int, environment: Mapping[str, str]) -> bool:
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    entries = _variable("no_proxy", environment).lower().split(",")
    return any(_holds(entry.strip(), host, address, port) for entry in entries)


def _holds(entry: str, host: str, address: Address | None, port: int) -> bool:
    """Whether what is at this host and port is meant by the entry of no_proxy."""
    if entry == "*" or _is_in(address, entry):
        return True
    name, named_port = _split(entry)
    if not name or named_port not in ("", str(port)):
        return False
    if address is not None or _address(name) is not None:
        return address is not None and address == _address(name)
    if name.startswith("*."):
        name = name.removeprefix("*")
    return host.endswith(name if name.startswith(".") else f".{name}") or host == name


def _split(entry: str) -> tuple[str, str]:
    """Host and port; an address of version 6 is in brackets where a port follows."""
    host, colon, port = entry.rpartition(":")
    if not colon or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        return entry, ""
    return host.removeprefix("[").removesuffix("]"), port


def _is_in(address: Address | None, entry: str) -> bool:
    try:
        return "/" in entry and address is not None and address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(host: str) -> Address | None:
    """The address, of version 4 where it can be; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
