"""Google Cloud DNS on loopback: mock-cloud-dns, the API in memory, asked as anybody may ask it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from lab.fleet.waiting import wait_until
from lab.toolbox import tool

PATIENCE = 10
"""Seconds that the mock gets to start, and each of its answers."""


@dataclass(frozen=True)
class Google:
    """A running mock-cloud-dns, with one project."""

    endpoint: str
    """Base URL of the API, with the final slash."""

    @property
    def address(self) -> tuple[str, int]:
        url = urlsplit(self.endpoint)
        return str(url.hostname), int(url.port or 80)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        url = f"{self.endpoint}projects/my-project/managedZones{path}"
        return requests.request(method, url, json=body, timeout=PATIENCE)

    def make_zone(self, name: str, domain: str) -> None:
        zone = {"name": name, "dnsName": domain, "description": "not ours", "visibility": "public"}
        self.ask("POST", "", zone).raise_for_status()

    def put(self, zone: str, name: str, *data: str) -> None:
        record = {"name": name, "type": "A", "ttl": 30, "rrdatas": data}
        self.ask("DELETE", f"/{zone}/rrsets/{name}/A")
        self.ask("POST", f"/{zone}/rrsets", record).raise_for_status()

    def records(self, zone: str) -> dict[tuple[str, str], tuple[int, list[str]]]:
        """TTL and data by name and type, without SOA and NS of the zone itself, which the mock keeps for ever."""
        found = self.ask("GET", f"/{zone}/rrsets").json()["rrsets"]
        apex = [each["name"] for each in found if each["type"] == "SOA"]
        return {
            (each["name"], each["type"]): (each["ttl"], each["rrdatas"]) for each in found if each["name"] not in apex
        }


@contextmanager
def mock_cloud_dns() -> Iterator[Google]:
    """A mock that runs as long as it is entered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = subprocess.Popen([tool("mock-cloud-dns"), "-listen", address], stderr=subprocess.DEVNULL)
    running = Google(f"http://{address}/dns/v1/")

    def answers() -> bool:
        assert process.poll() is None, f"mock-cloud-dns ended with {process.returncode}"
        try:
            running.ask("GET", "").raise_for_status()
        except requests.ConnectionError:
            return False
        return True

    try:
        wait_until(f"mock-cloud-dns to answer at {running.endpoint}", answers, PATIENCE)
        yield running
    finally:
        process.terminate()
        process.wait(PATIENCE)
