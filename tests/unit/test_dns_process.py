"""The process as the kubelet sees it: arguments, probes, log and its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml

from controllers.names.controller import CLUSTERS
from tests.kube_api import ApiServer

pytestmark = pytest.mark.programs

ARGUMENTS = ["--federation", "fellowship", "--zone", "example.com.", "--listen", "127.0.0.1:0"]


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "controllers.names", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"})


@contextmanager
def running(kubeconfig: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the URL of its probes, which the first line of its log tells."""
    process = start("--kubeconfig", str(kubeconfig), *ARGUMENTS)
    try:
        assert process.stderr is not None
        first = json.loads(process.stderr.readline())
        assert first["message"].endswith("names are SERVICE.NAMESPACE.fellowship.svc.example.com")
        address = re.search(r"127\.0\.0\.1:\d+", first["message"])
        assert address is not None
        yield process, f"http://{address[0]}"
    finally:
        process.kill()
        process.wait(10)


def kubeconfig_of(url: str, folder: Path) -> Path:
    content = {
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    file = folder / "karmada.config"
    file.write_text(yaml.safe_dump(content))
    return file


def test_the_process_tells_how_it_is_and_ends_at_once(tmp_path: Path) -> None:
    federation = ApiServer()
    federation.broken, federation.tokens = {CLUSTERS}, {"secret"}
    with running(kubeconfig_of(federation.url, tmp_path)) as (process, url):
        federation.wait(lambda: {path.split("?")[0] for _, path in federation.requests} >= {CLUSTERS}, "to be asked")
        federation.wait(
            lambda: requests.get(f"{url}/healthz", timeout=30).text == "not yet seen: clusters\n", "healthz"
        )
        assert requests.get(f"{url}/healthz", timeout=30).status_code == 503
        assert requests.get(f"{url}/livez", timeout=30).status_code == 200
        assert requests.get(f"{url}/", timeout=30).status_code == 404
        federation.broken = set()
        federation.wait(lambda: requests.get(f"{url}/healthz", timeout=30).status_code == 200, "to be healthy")
        figures = requests.get(f"{url}/metrics", timeout=30).text
        assert 'federation_stream_connected{stream="clusters"} 1.0' in figures
        assert "federation_dns_services 0.0" in figures
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
        assert process.returncode == 0
    federation.stop()
    lines = [json.loads(line) for line in log.splitlines()]
    assert all(line.keys() >= {"time", "level", "message"} for line in lines)
    failures = [line for line in lines if line["level"] == "warning"]
    assert failures[0]["stream"] == "clusters"
    assert failures[0]["message"] == ("lost sight of clusters, what was seen last holds: 500 broken by the test")


def test_a_missing_kubeconfig_is_waited_for(tmp_path: Path) -> None:
    with running(tmp_path / "karmada.config") as (process, url):
        assert requests.get(f"{url}/healthz", timeout=30).status_code == 503
        federation = ApiServer()
        kubeconfig_of(federation.url, tmp_path)
        federation.wait(lambda: requests.get(f"{url}/healthz", timeout=30).status_code == 200, "to be healthy", 20)
        assert process.poll() is None
    federation.stop()


@pytest.mark.parametrize(
    ("argument", "value", "rule"),
    [
        ("--federation", "Fellow_ship", "a DNS label"),
        ("--zone", "com", "a DNS domain of at least two labels"),
        ("--listen", "8080", "ADDRESS:PORT"),
        ("--ttl", "soon", "invalid int value"),
    ],
)
def test_a_wrong_argument_is_refused(argument: str, value: str, rule: str) -> None:
    process = start("--kubeconfig", "x", *ARGUMENTS, argument, value)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"argument {argument}: " in log
    assert rule in log
