"""The Debian packages that the embedded fleet needs, told by what they bring, not by what dpkg knows."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab.toolbox import store
from lab.toolbox.errors import ToolError

LINES_OF_LOG = 12
LOCKED = "Could not get lock"
SECONDS_FOR_A_LOCK, SECONDS_BETWEEN_TRIES = 300, 3
WITHOUT = 'or do without the embedded fleet: README.md, "Use it with your clusters"'


def missing(*, on_demand: bool = False) -> list[str]:
    """The packages whose programs are not there, whoever installed them; with or without those of ON_DEMAND."""
    packages = {**NEEDED, **ON_DEMAND} if on_demand else NEEDED
    return [package for package, is_there in packages.items() if not is_there()]


def bring(package: str) -> None:
    """Install one of ON_DEMAND, if it is not there."""
    if not ON_DEMAND[package]():
        install([package])


def install(packages: list[str]) -> None:
    """Install packages with apt-get, quietly."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise ToolError(f"this is not a Debian machine: install what Debian calls {names}, then try again; {WITHOUT}")
    if os.geteuid() != 0:
        raise ToolError(f"root is needed for: apt-get install --no-install-recommends {names}; {WITHOUT}")
    # apt-get refuses to run beside another one.
    with store.locked(store.root() / "debian"):
        _apt_get("update", "-q")
        _apt_get("install", "-q", "--yes", "--no-install-recommends", *packages)
    if still := [package for package in missing(on_demand=True) if package in packages]:
        raise ToolError(f"apt-get installed {names}, yet what {' '.join(still)} should bring is not there")


def _apt_get(*arguments: str) -> None:
    """Run apt-get, and again while something else has its locks, for SECONDS_FOR_A_LOCK."""
    # A new machine updates itself in its first minutes. apt-get has a time-out of its own for the lock of dpkg alone.
    end = time.monotonic() + SECONDS_FOR_A_LOCK
    waits = False
    while (done := _run(*arguments)).returncode != 0 and LOCKED in done.stdout and time.monotonic() < end:
        if not waits:
            reason = next(line for line in done.stdout.splitlines() if LOCKED in line)
            print(f"waiting for another apt, {SECONDS_FOR_A_LOCK // 60} minutes at most: {reason}", flush=True)
            waits = True
        time.sleep(SECONDS_BETWEEN_TRIES)
    if done.returncode != 0:
        log = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-LINES_OF_LOG:])
        raise ToolError(f"`apt-get {' '.join(arguments)}` failed with exit code {done.returncode}:\n{log}")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # What it says of a lock is looked for, and would be translated.
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
    )


def _program(name: str) -> Callable[[], bool]:
    # A user's PATH may lack the folders of the administrator's programs.
    return lambda: shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _static_busybox() -> bool:
    """Debian's other busybox needs a C library, which an image made of that one file has not."""
    path = Path("/bin/busybox")
    return path.is_file() and b"/ld-linux" not in path.read_bytes()[:4096]


NEEDED: dict[str, Callable[[], bool]] = {
    "containerd": _program("containerd"),
    "runc": _program("runc"),
    "containernetworking-plugins": Path("/usr/lib/cni/bridge").is_file,
    "iptables": _program("iptables"),
    "nftables": _program("nft"),
    "busybox-static": _static_busybox,
    "iproute2": _program("ip"),
    "util-linux": _program("nsenter"),
    "openssl": _program("openssl"),
    "python3-venv": lambda: importlib.util.find_spec("ensurepip") is not None,
}

ON_DEMAND: dict[str, Callable[[], bool]] = {
    "skopeo": _program("skopeo"),
    "docker-registry": _program("docker-registry"),
    "faketime": _program("faketime"),
    "bind9": _program("named"),
    "bind9-dnsutils": _program("delv"),
    "jq": _program("jq"),
}
"""What only some need: who copies published images, which brings skopeo, and tests: of that, of clocks, of DNS, and of
the commands in docs/."""
