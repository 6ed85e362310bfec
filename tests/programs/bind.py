"""BIND as Debian has it: a secondary of the zone, and delv, which believes no answer unseen."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.fleet.private import write_private
from lab.toolbox import debian
from tests.programs.zone_lab import process

CONFIGURATION = """
options {{
    directory "{folder}";
    listen-on port {port} {{ {address}; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    recursion no;
    dnssec-validation no;
    notify no;
}};
controls {{}};
key "{name}" {{ algorithm {algorithm}; secret "{secret}"; }};
zone "example.com" {{
    type secondary;
    primaries {{ {primary} port {primary_port} key "{name}"; }};
    allow-notify {{ {notified_by}; }};
    file "example.com.db";
}};
"""
TAKEN = "Transfer status: success"
"""In its log, after each transfer."""


@dataclass(frozen=True)
class Place:
    """Where a secondary is asked and told, and whom it takes the zone from."""

    port: int = 53
    primary_port: int = 53
    address: str = "127.0.0.1"
    primary: str = "127.0.0.1"
    notified_by: str = "127.0.0.1"
    """Another address than the primary's where that one is a load balancer's."""


@contextmanager
def secondary(folder: Path, place: Place, key: Mapping[str, str], *, within: Sequence[str] = ()) -> Iterator[Path]:
    """BIND that takes the zone with the key (a stack's output `transferKey`); yields its log.

    `within` is a command that runs it, such as one that enters a sandbox.
    """
    debian.bring("bind9")
    folder.mkdir()
    text = CONFIGURATION.format(folder=folder, **asdict(place), **key)
    write_private(folder / "named.conf", text.encode())
    # A user's PATH may lack the folders of the administrator's programs.
    named = shutil.which("named", path="/usr/sbin:/sbin:/usr/local/sbin") or "named"
    log = folder / "named.log"
    with process([*within, named, "-g", "-n", "1", "-c", folder / "named.conf"], log):
        yield log


def delv(anchors: Path, name: str, kind: str, *, server: str = "127.0.0.1", port: int = 53) -> str:
    """What delv says of the server's answer, with no other trust than these anchors."""
    debian.bring("bind9-dnsutils")
    command = ["delv", f"@{server}", "-p", str(port), "-a", str(anchors), "+root=example.com", name, kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


def anchors(ds: str) -> str:
    """The file by which BIND trusts a zone whose parent has this DS record."""
    name, _, _, *numbers, digest = ds.split()
    return f'trust-anchors {{ "{name}" static-ds {" ".join(numbers)} "{digest}"; }};\n'
