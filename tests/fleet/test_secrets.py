"""Every key and token of a living federation is looked for wherever somebody may look; none is found."""

from __future__ import annotations

import base64
import json
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.federation import UNATTENDED
from lab.fleet.cluster import Cluster
from lab.fleet.record import Record, fleets
from lab.stack import Stack
from tests.figures import Figures
from tests.fleet.conftest import FLEET, HOST, MEMBERS, SYSTEM, Clusters, Federation
from tests.leaks import leaks, needles, private_parts

MEMBERSHIP = "federation-fellowship"
PUBLIC = re.compile(r"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----\n[A-Za-z0-9+/=\n]+-----END \1-----\n?")
PUBLIC_FILES = ("Corefile", "namespace")
"""Keys of Secrets that hold neither a key nor a certificate."""


@pytest.fixture(scope="module")
def signs(federation: Federation, clusters: Clusters, figures: Figures) -> Mapping[str, str]:
    """What to look for: of each key and token in the clusters and their kubeconfigs, and of the stack."""
    found = {
        f"{context}/{each['metadata']['namespace']}/{each['metadata']['name']}/{key} {number}": part
        for context, namespace in (
            (HOST, SYSTEM),
            *((context, MEMBERSHIP) for context in MEMBERS.values()),
            ("fellowship", MEMBERSHIP),
            ("fellowship", SYSTEM),
        )
        for each in _kubectl(federation, clusters, context).get(context, "secrets", "-n", namespace)["items"]
        for key, data in (each.get("data") or {}).items()
        for number, part in enumerate(_private(key, base64.b64decode(data).decode()))
    }
    assert {name.rpartition(" ")[0].partition("/")[2] for name in found} >= {
        f"{SYSTEM}/federation-apiserver-files/service-account.key",
        f"{SYSTEM}/etcd-files/tls.key",
        f"{SYSTEM}/federation-dns-api/kubeconfig",
        f"{MEMBERSHIP}/engine/token",
        f"{MEMBERSHIP}/gondor/token",
    }
    for name, kubeconfig in (("clusters", clusters.kubeconfig), ("federation", federation.clusters.kubeconfig)):
        found |= {f"kubeconfig {name} {n}": part for n, part in enumerate(private_parts(kubeconfig.read_text()))}
    found["passphrase"] = (federation.stack.home / "passphrase").read_text().strip()
    figures.add("keys and tokens looked for", len(set(found.values())), "of them")
    return needles(found)


def test_the_search_finds_what_is_shown_on_purpose(federation: Federation, signs: Mapping[str, str]) -> None:
    found = leaks(federation.stack.state("--show-secrets"), signs)
    for expected in ("etcd-files/tls.key", "engine/token", "federation-dns-api/kubeconfig", "kubeconfig clusters"):
        assert any(expected in each for each in found), expected


def test_state_and_outputs_show_none(federation: Federation, signs: Mapping[str, str]) -> None:
    for command in (["stack", "export"], ["stack", "output", "--json"], ["stack", "output"]):
        shown = federation.stack.pulumi(*command, "--stack", federation.stack.name, capture=True)
        assert leaks(shown.stdout + shown.stderr, signs) == [], command
    assert leaks(federation.stack.settings.read_text(), signs) == []
    assert leaks(federation.log, signs) == []


def test_no_display_of_what_changes_shows_one(
    federation: Federation,
    clusters: Clusters,
    signs: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every Secret that changes by hand is a difference, and so is every provider whose kubeconfig is another."""
    monkeypatch.setenv("PULUMI_DEBUG_COMMANDS", "true")  # without, there is no --event-log
    good = federation.stack.settings.read_text()
    canary = f"canary-{secrets.token_hex(16)}"
    planted = {**signs, **needles({"planted by hand": canary})}
    # The controllers have read it when they started; of etcd and the servers, each would serve the canary at once.
    data = json.dumps({"data": {"kubeconfig": base64.b64encode(canary.encode()).decode()}})
    clusters.kubectl(HOST, "patch", "secret", "kube-controller-manager-api", "-n", SYSTEM, "--type=merge", "-p", data)
    other = tmp_path / "clusters"
    other.touch(mode=0o600)
    other.write_text(yaml.safe_dump(_with_tokens(clusters, canary)))
    events = tmp_path / "events"
    try:
        federation.stack.settings.write_text(good.replace(str(clusters.kubeconfig), str(other)))
        shown = [
            federation.pulumi("preview", "--refresh", "--diff", "--event-log", str(events))[1],
            federation.pulumi("preview", "--refresh", "--json")[1],
        ]
        assert "kube-controller-manager-api" in shown[0]
        assert leaks(f"token: {canary}", planted)
        for text in (*shown, events.read_text()):
            assert leaks(text, planted) == []
    finally:
        federation.stack.settings.write_text(good)
    code, log, _ = federation.pulumi("up", "--refresh", *UNATTENDED, "--json", "--event-log", str(events))
    assert code == 0, log[-4000:]
    assert "kube-controller-manager-api" in log
    for text in (log, events.read_text()):
        assert leaks(text, planted) == []
    assert leaks(federation.stack.state(), planted) == []


@pytest.mark.needs("gcp plugin")
def test_a_new_federation_shows_none_and_neither_does_googles_key(
    other_stack: Stack, signs: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_DEBUG_COMMANDS", "true")
    key = _google_key()
    path = ("config", "set", "--path", "federation:dns.googleClouddns")
    other_stack.pulumi(*path[:-1], "federation:dns.provider", "google-clouddns", *other_stack.options)
    other_stack.pulumi(*path[:-1], f"{path[-1]}.project", "my-project", *other_stack.options)
    other_stack.pulumi(*path[:-1], f"{path[-1]}.credentials", "--secret", key, *other_stack.options, capture=True)
    planted = {**signs, **needles({f"google {n}": part for n, part in enumerate(private_parts(key))})}
    assert leaks(key, planted)
    events = tmp_path / "events"
    for flags in (["--diff", "--event-log", str(events)], ["--json"]):
        done = other_stack.pulumi("preview", *other_stack.options, *flags, check=False, capture=True)
        shown = done.stdout + done.stderr
        assert done.returncode == 0, shown[-4000:]
        assert "external-dns-files" in shown
        assert leaks(shown, planted) == [], flags
    assert leaks(events.read_text(), planted) == []
    assert leaks(other_stack.settings.read_text(), planted) == []


def test_no_pod_logs_one_and_no_command_line_or_environment_holds_one(
    clusters: Clusters, signs: Mapping[str, str]
) -> None:
    pods = clusters.get(HOST, "pods", "-n", SYSTEM)["items"]
    names = {pod["metadata"]["name"] for pod in pods}
    for program in ("dns-controller", "etcd-0", "federation-apiserver", "federation-dns"):
        assert any(name.startswith(program) for name in names), program
    for name in sorted(names):
        assert leaks(clusters.kubectl(HOST, "logs", "-n", SYSTEM, name, "--all-containers"), signs) == [], name
    processes = dict(_processes())
    assert any("controllers.names" in line for line in processes.values())
    assert any("controllers.zone" in line for line in processes.values())
    assert {pid: found for pid, line in processes.items() if (found := leaks(line, signs))} == {}


def test_what_holds_one_on_disk_is_private(
    federation: Federation, clusters: Clusters, signs: Mapping[str, str]
) -> None:
    """Of the tools' own files; what etcd, kubelet and containerd write lies in each cluster's folder, which is 0700."""
    record = Record.load(FLEET)
    assert record
    folders = [record.folder, federation.stack.home, *(Cluster(record, each).folder for each in record.members)]
    assert {str(folder): oct(folder.stat().st_mode & 0o777) for folder in folders} == {
        str(folder): "0o700" for folder in folders
    }
    ours = [
        clusters.kubeconfig,
        federation.clusters.kubeconfig,
        *(file for file in federation.stack.home.iterdir() if file.is_file()),
        *(file for file in fleets().glob(f"{FLEET}/clusters/*/keys/*") if file.is_file()),
    ]
    held = [file for file in ours if leaks(file.read_text(), signs) or list(private_parts(file.read_text()))]
    assert {clusters.kubeconfig, federation.clusters.kubeconfig, federation.stack.home / "passphrase"} <= set(held)
    assert {str(file): oct(mode) for file in held if (mode := file.stat().st_mode & 0o777) != 0o600} == {}


def test_no_run_leaves_one_in_the_temporary_folder(federation: Federation) -> None:
    """Providers write a kubeconfig each: into the stack's own folder, which goes with the fleet."""
    shared = Path(tempfile.gettempdir())
    before = {*shared.glob("kubeconfig*")}, {*federation.stack.scratch.glob("kubeconfig*")}
    code, log, _ = federation.pulumi("preview")
    assert code == 0, log[-4000:]
    assert {*shared.glob("kubeconfig*")} == before[0]
    assert {*federation.stack.scratch.glob("kubeconfig*")} > before[1]


def _kubectl(federation: Federation, clusters: Clusters, context: str) -> Clusters:
    return clusters if context == HOST else federation.clusters


def _private(key: str, text: str) -> list[str]:
    """The secrets in one value of a Secret; of what is in Secrets, everything is known to be secret or public."""
    found = list(private_parts(text))
    assert found or key in PUBLIC_FILES or not PUBLIC.sub("", text), f"a test must say what a {key} in a Secret is"
    return found


def _with_tokens(clusters: Clusters, token: str) -> Any:
    """The kubeconfig with a token in each user beside the certificate, which the API servers go by."""
    content = yaml.safe_load(clusters.kubeconfig.read_text())
    for user in content["users"]:
        user["user"]["token"] = token
    return content


def _google_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"client_email": "canary@my-project.iam.gserviceaccount.com", "project_id": "my-project"}
    return json.dumps({"type": "service_account", "private_key": pem, "token_uri": "http://127.0.0.1:9/", **account})


def _processes() -> Iterator[tuple[str, str]]:
    """Command line and environment of each process of the fleet, by its id."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f".{FLEET}." in (folder / "cgroup").read_text():
                parts = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
                yield folder.name, parts.replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
