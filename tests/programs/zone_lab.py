"""CoreDNS and the writer of its zone as processes on loopback, as they run in a pod, on a stand-in for the API."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import dns.exception
import dns.message
import dns.query

from controllers.runtime.objects import Json
from controllers.zone.writer import COLLECTION
from federation.dns.name_servers import corefile
from lab.fleet.waiting import wait_until
from lab.toolbox import tool
from tests.kube_api import ApiServer
from tests.unit.test_dns_process import kubeconfig_of
from tests.unit.test_zone_contents import endpoint

WORKERS = 16
SECONDS = 10
"""How long an answer may take; a machine that is busy gives none for some of them."""


@dataclass
class Server:
    """A name server on loopback."""

    port: int

    def ask(self, name: str, kind: str = "A", *, tcp: bool = False, size: int | None = None) -> dns.message.Message:
        """`size` is the longest answer by UDP that the asker takes (EDNS); None asks without EDNS."""
        query = dns.message.make_query(name, kind, use_edns=size is not None, payload=size or 0)
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(query, "127.0.0.1", port=self.port, timeout=SECONDS)

    def found(self, name: str, kind: str = "A") -> list[str]:
        return sorted(f"{each}" for rrset in self.ask(name, kind).answer for each in rrset)


@dataclass
class Served(Server):
    """CoreDNS on the file that the writer writes."""

    api: ApiServer
    file: Path
    coredns: subprocess.Popen[bytes]
    writer: subprocess.Popen[bytes]
    figures: int
    """Port of the writer's figures."""

    def figure(self, name: str) -> float:
        """One of the writer's, as Prometheus reads it."""
        with urlopen(f"http://127.0.0.1:{self.figures}/metrics", timeout=10) as answer:
            lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")
        return float(lines[name])


def _ports() -> Iterator[int]:
    """Those that the kernel gives to no outgoing connection, each once; another worker of pytest-xdist has others."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = range(first - 16384, first)[worker % WORKERS :: WORKERS]
    yield from random.sample(mine, len(mine))


PORTS = _ports()


def free_port() -> int:
    """One that nobody listens at, by UDP or TCP, and that nobody else is told: it may be taken a while later."""
    for port in PORTS:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp, suppress(OSError):
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@contextmanager
def process(command: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        running = subprocess.Popen([str(each) for each in command], stdout=output, stderr=output)
    try:
        yield running
    finally:
        # Told to end, CoreDNS would answer on for a while.
        running.kill()
        running.wait(10)


def writer(kubeconfig: Path, file: Path, *more: str) -> list[str | Path]:
    flags = [f"--kubeconfig={kubeconfig}", "--zone=example.com", f"--file={file}", "--name-server=ns.dns.example.com"]
    return [
        *(sys.executable, "-m", "controllers.zone"),
        *flags,
        "--serial-namespace=federation-system",
        "--listen=127.0.0.1:0",
        *more,
    ]


@contextmanager
def serving(
    folder: Path,
    records: Sequence[Json],
    others: Iterable[Json] = (),
    *,
    transfer_to: Sequence[str] = (),
    signed: bool = False,
) -> Iterator[Served]:
    """A zone with these entries of one DNSEndpoint of ours, and other DNSEndpoints, once it is answered for.

    Its keys are in the folder.
    """
    api, port, figures = ApiServer(), free_port(), free_port()
    for each in (endpoint(*records, ours=True), *others):
        api.put(COLLECTION, each)
    kubeconfig, file = kubeconfig_of(api.url, folder), folder / "db"
    subprocess.run([str(each) for each in writer(kubeconfig, file, "--first")], check=True, timeout=30)
    text = corefile("example.com", transfer_to, signed=signed, file=str(file), keys=str(folder), port=port)
    for taken in (":8080", ":8181", ":9153"):
        text = text.replace(taken, f"127.0.0.1:{free_port()}")
    (folder / "Corefile").write_text(text)
    with (
        process([tool("coredns"), "-conf", folder / "Corefile"], folder / "coredns.log") as coredns,
        process(
            writer(kubeconfig, file, f"--ask=127.0.0.1:{port}", f"--listen=127.0.0.1:{figures}"), folder / "writer.log"
        ) as beside,
    ):
        found = Served(port, api, file, coredns, beside, figures)

        def answers() -> bool:
            assert coredns.poll() is None, (folder / "coredns.log").read_text()
            assert beside.poll() is None, (folder / "writer.log").read_text()
            if "loaded with serial" not in (folder / "writer.log").read_text():
                return False
            try:
                return bool(found.ask("example.com", "SOA").answer)
            except dns.exception.DNSException:
                return False

        wait_until("CoreDNS to answer, and the writer to see it", answers, 60)
        yield found
    api.stop()
