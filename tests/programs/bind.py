"""BIND as Debian has it, on loopback: a secondary of the zone, and delv, which believes no answer unseen."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from federation.dns.transfers import ALGORITHM
from fleet.private import write_private
from tests.programs.zone_lab import process
from toolbox import debian

CONFIGURATION = """
options {{
    directory "{folder}";
    listen-on port {port} {{ 127.0.0.1; }};
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
    primaries {{ 127.0.0.1 port {primary} key "{name}"; }};
    file "example.com.db";
}};
"""


@contextmanager
def secondary(folder: Path, *, port: int, primary: int, name: str, secret: str) -> Iterator[Path]:
    """BIND that takes the zone from a primary on loopback, and is told of changes at this port; yields its log."""
    debian.bring("bind9")
    folder.mkdir()
    parts = {"folder": folder, "port": port, "primary": primary, "name": name, "secret": secret}
    write_private(folder / "named.conf", CONFIGURATION.format(**parts, algorithm=ALGORITHM).encode())
    # A user's PATH may lack the folders of the administrator's programs.
    named = shutil.which("named", path="/usr/sbin:/sbin:/usr/local/sbin") or "named"
    log = folder / "named.log"
    with process([named, "-g", "-n", "1", "-c", folder / "named.conf"], log):
        yield log


def delv(anchors: Path, port: int, name: str, kind: str) -> str:
    """What delv says of the answer of a server on loopback, with no other trust than these anchors."""
    debian.bring("bind9-dnsutils")
    command = ["delv", "@127.0.0.1", "-p", str(port), "-a", str(anchors), "+root=example.com", name, kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


def anchors(ds: str) -> str:
    """The file by which BIND trusts a zone whose parent has this DS record."""
    name, _, _, *numbers, digest = ds.split()
    return f'trust-anchors {{ "{name}" static-ds {" ".join(numbers)} "{digest}"; }};\n'
