"""A port of a Service in a cluster, brought to this machine for as long as it is needed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.toolbox import tool
from tests.fleet.conftest import SYSTEM


@contextmanager
def forwarded(kubeconfig: Path, context: str, service: str, port: int) -> Iterator[int]:
    """The port on localhost that leads to a port of this Service of the control plane."""
    command = [str(tool("kubectl")), "--kubeconfig", str(kubeconfig), "--context", context, "-n", SYSTEM]
    forward = [*command, "port-forward", f"service/{service}", f":{port}"]
    with subprocess.Popen(forward, stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout
            found = re.search(r"127\.0\.0\.1:(\d+)", line := forwarding.stdout.readline())
            assert found, f"kubectl port-forward said {line!r}"
            yield int(found[1])
        finally:
            forwarding.terminate()
