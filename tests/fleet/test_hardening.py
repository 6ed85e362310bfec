"""What the control plane's pods, processes and etcds give to whoever gets at them: nothing more than they must."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.toolbox import tool
from tests.figures import Figures
from tests.fleet.conftest import HOST, SYSTEM, Clusters, Federation
from tests.fleet.forwarding import forwarded
from tests.fleet.test_access import trusting_anybody

KEEPS = {"kube-apiserver": ["NET_BIND_SERVICE"], "coredns": ["NET_BIND_SERVICE"]}
"""Capabilities by image: the published binaries carry these, and cannot be executed without them."""
NET_BIND_SERVICE = 1 << 10


# The control plane's pods


def test_no_pod_of_the_control_plane_asks_for_more_than_it_needs(clusters: Clusters) -> None:
    pods = clusters.get(HOST, "pods", "-n", SYSTEM)["items"]
    programs = {pod["metadata"]["labels"]["app"] for pod in pods}
    assert {"etcd", "federation-apiserver", "kube-controller-manager", "federation-dns"} <= programs
    for pod in pods:
        spec, name = pod["spec"], pod["metadata"]["name"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not spec["automountServiceAccountToken"], name
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            security = container["securityContext"]
            assert not [mount for mount in container["volumeMounts"] if "serviceaccount" in mount["mountPath"]], name
            assert security["readOnlyRootFilesystem"], name
            assert not security["allowPrivilegeEscalation"], name
            assert security["capabilities"]["drop"] == ["ALL"], name
            assert security["capabilities"].get("add", []) == _kept(container["image"]), name


def test_no_process_of_the_control_plane_has_more_than_it_needs(clusters: Clusters, figures: Figures) -> None:
    pods = clusters.get(HOST, "pods", "-n", SYSTEM)["items"]
    groups = {path.parent: _read(path) for path in Path("/proc").glob("[0-9]*/cgroup")}
    looked_at = 0
    for pod in pods:
        for container in pod["status"]["containerStatuses"]:
            running = container["containerID"].removeprefix("containerd://")
            allowed = NET_BIND_SERVICE if _kept(container["image"]) else 0
            processes = [process for process, group in groups.items() if running in group]
            assert processes, pod["metadata"]["name"]
            for process in processes:
                status = dict(line.split(":\t", 1) for line in _read(process / "status").splitlines() if ":\t" in line)
                assert set(status["Uid"].split()) == {"65532"}, pod["metadata"]["name"]
                assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), pod["metadata"]["name"]
                capabilities = {int(status[kind], 16) for kind in ("CapPrm", "CapEff", "CapBnd")}
                assert all(each & ~allowed == 0 for each in capabilities), pod["metadata"]["name"]
                looked_at += 1
    figures.add("processes of the control plane looked at", looked_at, "")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"containers": [{"securityContext": {"privileged": True}}]}, "privileged"),
        ({"hostNetwork": True, "containers": [{}]}, "host namespaces"),
        ({"containers": [{}], "volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "hostPath"),
        ({"containers": [{}]}, "runAsNonRoot != true"),
    ],
)
def test_the_host_refuses_a_pod_there_that_asks_for_more(clusters: Clusters, asked: dict[str, Any], why: str) -> None:
    (container,) = asked["containers"]
    spec = {**asked, "containers": [{"name": "balrog", "image": "busybox:1.36", **container}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "balrog", "namespace": SYSTEM}, "spec": spec}
    command = [str(tool("kubectl")), "--kubeconfig", str(clusters.kubeconfig), "--context", HOST]
    done = subprocess.run(
        [*command, "create", "--dry-run=server", "-f", "-"],
        input=json.dumps(pod),
        check=False,
        text=True,
        capture_output=True,
    )
    assert done.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in done.stderr
    assert why in done.stderr


# etcd


def test_an_etcd_opens_to_a_client_of_its_own_authority_alone(
    clusters: Clusters, federation: Federation, tmp_path: Path
) -> None:
    files = clusters.get(HOST, "secret", "federation-apiserver-files", "-n", SYSTEM)["data"]
    own = _identity(tmp_path / "own", files["etcd-client.crt"], files["etcd-client.key"])
    admin = yaml.safe_load(federation.clusters.kubeconfig.read_text())["users"][0]["user"]
    root = _identity(tmp_path / "root", admin["client-certificate-data"], admin["client-key-data"])
    assert _opens(clusters, "https", own)
    assert not _opens(clusters, "https", root)
    assert not _opens(clusters, "https", trusting_anybody())
    assert not _opens(clusters, "http", None)


def _opens(clusters: Clusters, scheme: str, identity: ssl.SSLContext | None) -> bool:
    # A port for each question: kubectl closes one whose connection was refused.
    with forwarded(clusters.kubeconfig, HOST, "etcd-client", 2379) as port:
        try:
            with urllib.request.urlopen(f"{scheme}://localhost:{port}/version", context=identity, timeout=10) as answer:
                return "etcdserver" in json.load(answer)
        except (OSError, http.client.HTTPException):
            return False


def _identity(folder: Path, certificate: str, key: str) -> ssl.SSLContext:
    """A client with this certificate and key (both in base64)."""
    folder.mkdir()
    for name, text in (("crt", certificate), ("key", key)):
        (folder / name).write_bytes(base64.b64decode(text))
    identity = trusting_anybody()
    identity.load_cert_chain(folder / "crt", folder / "key")
    return identity


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _kept(image: str) -> list[str]:
    return next((kept for part, kept in KEEPS.items() if f"/{part}:" in image), [])
