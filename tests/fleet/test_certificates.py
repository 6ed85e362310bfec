"""Certificates are renewed, their authorities rotated and tokens replaced while somebody goes on writing."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest
import yaml

from federation.clusters.connection import connect, get
from federation.settings import kubeconfig
from kube.errors import ApiError
from lab.federation import UNATTENDED
from lab.fleet.private import write_private
from lab.fleet.waiting import wait_until
from lab.toolbox import tool
from tests.figures import Figures
from tests.fleet.conftest import HOST, MEMBERS, SYSTEM, Clusters, Federation, everywhere
from tests.fleet.writer import Writer

ETCDS = {"etcd-0"}
ACCOUNTS = ("engine", "federation-dns")
WATCH_SECONDS = 45
"""After so long every watch of a member has begun anew: with the token that is in use then."""
LONGEST_GAP = 45
"""Seconds without an acknowledged write that are called a failure; what it takes is in the figures."""


def test_an_update_in_the_window_renews_every_certificate(
    federation: Federation, clusters: Clusters, figures: Figures
) -> None:
    certificates, pods, ready = _certificates(federation), _pods(clusters), _ready_since(federation)
    _configure(federation, certificates={"renewBeforeDays": 365})
    _up(federation, figures, "renewal", "all certificates renewed")
    renewed = _certificates(federation)
    assert renewed.keys() == certificates.keys()
    # Authorities are rotated, not renewed.
    assert all((pem == certificates[name]) == name.endswith("-ca") for name, pem in renewed.items())
    _await_the_end_of(clusters, pods, spared=ETCDS)
    assert _ready_since(federation) == ready


@dataclass(frozen=True)
class Before:
    """What was before the tokens of gondor were replaced."""

    tokens: Sequence[str]
    ready: Mapping[str, str]
    ended: float
    """When they had been replaced (time.monotonic)."""


@pytest.fixture(scope="module")
def before(federation: Federation, clusters: Clusters, figures: Figures) -> Before:
    tokens, ready = [_token(clusters, name) for name in ACCOUNTS], _ready_since(federation)
    assert {_answer(clusters, token) for token in tokens} == {HTTPStatus.OK}
    _configure(federation, certificates={"renewBeforeDays": 30}, token_generation=2)
    _up(federation, figures, "tokens", "window set back, tokens of one member replaced")
    return Before(tokens, ready, time.monotonic())


def test_a_new_token_is_used_at_once_and_the_old_one_refused(
    federation: Federation, clusters: Clusters, figures: Figures, before: Before
) -> None:
    wait_until(
        "the old tokens to be refused",
        lambda: {_answer(clusters, token) for token in before.tokens} == {HTTPStatus.UNAUTHORIZED},
        60,
    )
    figures.add("old tokens refused, after pulumi up had ended", time.monotonic() - before.ended)
    assert {_answer(clusters, _token(clusters, f"{name}.2")) for name in ACCOUNTS} == {HTTPStatus.OK}
    _propagates(federation, "new-token", figures, "ConfigMap to both members after new tokens")
    code, log, _ = federation.pulumi("preview", "--expect-no-changes")
    assert code == 0, log
    assert _ready_since(federation) == before.ready


def test_a_jump_is_refused_in_the_preview(federation: Federation) -> None:
    good = federation.stack.settings.read_text()
    try:
        _configure(federation, certificates={"authorities": [2]})
        code, log, _ = federation.pulumi("preview")
    finally:
        federation.stack.settings.write_text(good)
    assert code != 0
    assert "federation:certificates.authorities: [2] comes after [1], and clients do not trust 2 yet" in log


def test_the_engine_watches_with_the_new_token_too(federation: Federation, before: Before) -> None:
    # A watch that began with an old token lives on for a while: only then does it show who has not heard of the new.
    over = before.ended + WATCH_SECONDS + 5
    wait_until("watches with old tokens to have ended", lambda: time.monotonic() > over, 2 * WATCH_SECONDS)
    gondor = MEMBERS["gondor"]
    federation.clusters.kubectl(gondor, "delete", "configmap", "new-token")
    wait_until(
        "the engine to see that an object is gone from gondor",
        lambda: federation.clusters.exists(gondor, "configmap", "new-token"),
        30,
    )
    assert _ready_since(federation) == before.ready


def test_etcd_serves_its_renewed_certificate_without_a_restart(federation: Federation, clusters: Clusters) -> None:
    renewed = _certificates(federation)
    for store in ("etcd",):
        wait_until(
            f"{store} to serve its renewed certificate",
            lambda store=store: _served(clusters, f"service/{store}-client") == renewed[f"{store}-server"],  # type: ignore[misc]
            120,
        )


@pytest.mark.parametrize(
    ("authorities", "what"),
    [([1, 2], "second authorities trusted"), ([2, 1], "second ones sign"), ([2], "first ones dropped")],
)
def test_authorities_are_rotated_step_by_step(
    federation: Federation,
    clusters: Clusters,
    figures: Figures,
    authorities: list[int],
    what: str,
) -> None:
    certificates, pods, ready = _certificates(federation), _pods(clusters), _ready_since(federation)
    before = federation.clusters.kubeconfig.read_text()
    _configure(federation, certificates={"authorities": authorities})
    _up(federation, figures, f"ca-{'-'.join(map(str, authorities))}", what)
    new = _certificates(federation)
    kept = {name for name, pem in new.items() if certificates.get(name) == pem}
    leaves = {name for name in new if not re.search("-ca(-2)?$", name)}
    if authorities == [2, 1]:
        assert kept & leaves == set()
        _await_the_end_of(clusters, pods, spared=ETCDS)
    else:
        assert kept & leaves == leaves
        assert not _pods_since(clusters, pods) & ETCDS
    trusted = yaml.safe_load(federation.clusters.kubeconfig.read_text())["clusters"][0]["cluster"]
    assert b64decode(trusted["certificate-authority-data"]).count(b"BEGIN CERTIFICATE") == len(authorities)
    # Whoever has not taken the new kubeconfig yet can go on.
    old = _with_kubeconfig_before(federation, authorities)
    write_private(old.kubeconfig, before.encode())
    assert "gondor" in old.kubectl("fellowship", "get", "clusters")
    assert _ready_since(federation) == ready


def test_afterwards_nothing_of_the_first_generation_is_good_for_anything(
    federation: Federation, clusters: Clusters, figures: Figures
) -> None:
    _propagates(federation, "new-authority", figures, "ConfigMap to both members after the rotation")
    signed_by_the_first = _with_kubeconfig_before(federation, [2, 1])
    assert signed_by_the_first.kubectl("fellowship", "get", "clusters", check=False) == ""
    code, log, _ = federation.pulumi("preview", "--expect-no-changes")
    assert code == 0, log
    # As docs/day-2.md says: what stands here is trusted by the aggregated API server; kube-apiserver only adds.
    authentication = ("configmap", "extension-apiserver-authentication", "-n", "kube-system")
    federation.clusters.kubectl("fellowship", "delete", *authentication)

    def one_each() -> bool:
        if not federation.clusters.exists("fellowship", *authentication):
            return False
        data = federation.clusters.get("fellowship", *authentication)["data"]
        return [data[key].count("BEGIN CERTIFICATE") for key in sorted(data) if key.endswith("ca-file")] == [1, 1]

    wait_until("kube-apiserver to write down whom it trusts", one_each, 90)
    federation.clusters.kubectl("fellowship", "delete", "configmap", "new-token", "new-authority")


def _configure(federation: Federation, *, certificates: Mapping[str, Any], token_generation: int | None = None) -> None:
    """Set these keys; the others stay."""
    settings = yaml.safe_load(federation.stack.settings.read_text())
    config = settings["config"]
    config["federation:certificates"] = {**config.get("federation:certificates", {}), **certificates}
    if token_generation:
        config["federation:members"][0]["tokenGeneration"] = token_generation
    federation.stack.settings.write_text(yaml.safe_dump(settings))


def _with_kubeconfig_before(federation: Federation, authorities: list[int]) -> Clusters:
    """As somebody sees them who has the kubeconfig from before this step."""
    return Clusters(federation.clusters.kubeconfig.with_name(f"before-{'-'.join(map(str, authorities))}"))


def _up(federation: Federation, figures: Figures, name: str, what: str) -> None:
    """`pulumi up` beside a writer, and the new kubeconfig."""
    with Writer(name, federation.clusters.kubeconfig) as writer:
        code, log, seconds = federation.pulumi("up", *UNATTENDED)
    assert code == 0, log[-8000:]
    write_private(federation.clusters.kubeconfig, everywhere(federation.stack).encode())
    figures.add(f"pulumi up, {what}", seconds)
    figures.add("  longest gap between acknowledged writes", writer.gap())
    figures.add("  acknowledged writes, all read back", writer.count, "")
    assert writer.lost() == []
    assert writer.gap() < LONGEST_GAP
    assert writer.count > seconds


def _certificates(federation: Federation) -> Mapping[str, str]:
    """All certificates in the state, by name (PEM)."""
    return {
        each["urn"].rsplit("::", 1)[1]: each["outputs"]["certificatePem"]
        for each in json.loads(federation.stack.state("--show-secrets"))["deployment"]["resources"]
        if each["type"].endswith((":Certificate", ":CertificateAuthority"))
    }


def _pods(clusters: Clusters) -> Mapping[str, str]:
    """UIDs of the control plane's pods, by name; without those that are on their way out when an update ends."""
    pods = [pod["metadata"] for pod in clusters.get(HOST, "pods", "-n", SYSTEM)["items"]]
    return {pod["name"]: pod["uid"] for pod in pods if "deletionTimestamp" not in pod}


def _pods_since(clusters: Clusters, before: Mapping[str, str]) -> set[str]:
    """The names of those that were there before and are still the same."""
    return {name for name, uid in _pods(clusters).items() if before.get(name) == uid}


def _await_the_end_of(clusters: Clusters, pods: Mapping[str, str], *, spared: set[str]) -> None:
    """An update ends when the new pods are available; the old ones are ended after that."""
    wait_until("the old pods to end", lambda: _pods_since(clusters, pods) <= spared, 60)
    assert _pods_since(clusters, pods) == spared


def _ready_since(federation: Federation) -> Mapping[str, str]:
    """Since when each member has been Ready without a break: a condition's time changes with its status."""
    members = federation.clusters.get("fellowship", "clusters")["items"]
    conditions = {
        member["metadata"]["name"]: next(c for c in member["status"]["conditions"] if c["type"] == "Ready")
        for member in members
    }
    assert {condition["status"] for condition in conditions.values()} == {"True"}
    return {name: condition["lastTransitionTime"] for name, condition in conditions.items()}


def _token(clusters: Clusters, secret: str) -> str:
    data = clusters.get(MEMBERS["gondor"], "secret", secret, "-n", "federation-fellowship")["data"]
    return b64decode(data["token"]).decode()


def _answer(clusters: Clusters, token: str) -> int:
    """What gondor answers the bearer of the token."""
    config = kubeconfig.pick(yaml.safe_load(clusters.kubeconfig.read_text()), MEMBERS["gondor"])
    with connect({**config, "users": [{"name": MEMBERS["gondor"], "user": {"token": token}}]}) as api:
        try:
            get(api, "/api")
        except ApiError as error:
            return int(error.status)
    return HTTPStatus.OK


def _served(clusters: Clusters, service: str) -> str:
    """The certificate (PEM) that a Service on etcd's port shows."""
    forward = [str(tool("kubectl")), "--kubeconfig", str(clusters.kubeconfig), "--context", HOST, "-n", SYSTEM]
    with subprocess.Popen(
        [*forward, "port-forward", service, ":2379"], stdout=subprocess.PIPE, text=True
    ) as forwarding:
        try:
            assert forwarding.stdout
            port = re.search(r"127\.0\.0\.1:(\d+)", line := forwarding.stdout.readline())
            assert port, f"kubectl port-forward said {line!r}"
            anybody = ssl._create_unverified_context()
            with (
                socket.create_connection(("127.0.0.1", int(port[1])), timeout=10) as plain,
                anybody.wrap_socket(plain) as tls,
            ):
                return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True) or b"")
        finally:
            forwarding.terminate()


def _propagates(federation: Federation, name: str, figures: Figures, what: str) -> None:
    start = time.monotonic()
    federation.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}))
    for context in MEMBERS.values():
        wait_until(
            f"{name} in {context}",
            lambda context=context: federation.clusters.exists(context, "configmap", name),  # type: ignore[misc]
            30,
        )
    figures.add(what, time.monotonic() - start)
