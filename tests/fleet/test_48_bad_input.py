"""What shows only when clusters are asked: refused credentials, no storage, no load balancer. Each has its way out."""

from __future__ import annotations

import datetime
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from embedded.federation import UNATTENDED
from embedded.stack import Stack
from federation.kubeconfig import with_client_certificate
from fleet.cluster import Cluster
from fleet.private import write_private
from fleet.record import Record
from tests.figures import Figures
from tests.fleet.conftest import FLEET, HOST, Clusters, Federation, configuration, timed_pulumi

DAY = datetime.timedelta(days=1)
ANNEX = "annex"
"""Namespace of a second control plane in the host, of which only what needs nothing else comes up."""


def test_refused_credentials_are_told_once_and_keep_nobody_else_waiting(
    federation: Federation, clusters: Clusters, tmp_path: Path, figures: Figures
) -> None:
    good, uid = federation.stack.settings.read_text(), _uid(federation, "rohan")
    try:
        garbage = _with_user(clusters.kubeconfig, "rohan", {"token": "garbage"}, tmp_path / "garbage")
        federation.stack.settings.write_text(good.replace(str(clusters.kubeconfig), str(garbage)))
        code, log, seconds = federation.pulumi("preview")
        figures.add("preview with refused credentials", seconds)
        assert code == 0, log
        assert (
            f"context rohan: the API at {clusters.server('rohan')} cannot be used: it answered 401 Unauthorized" in log
        )
        assert "to update" in log or "unchanged" in log

        foreign = _with_user(clusters.kubeconfig, "rohan", _foreign_certificate(), tmp_path / "foreign")
        changed = yaml.safe_load(good)
        changed["config"] |= {"federation:kubeconfig": str(foreign)}
        changed["config"]["federation:dns"]["ttl"] = 31
        federation.stack.settings.write_text(yaml.safe_dump(changed))
        code, log, seconds = federation.pulumi("up", *UNATTENDED)
        figures.add("up with refused credentials", seconds)
        assert code != 0
        reasons = [
            line
            for line in log.splitlines()
            if line.strip().startswith("error:")
            # How Pulumi ends after any error, and what it adds when the program told of it.
            and not line.endswith(("update failed", "program exited with non-zero exit code: 1"))
        ]
        assert len(set(reasons)) == 1, log
        assert "rohan: out of reach, as the credentials are refused (see the warning)" in reasons[0]
        assert (
            f"context rohan: the API at {clusters.server('rohan')} cannot be used: it answered 401 Unauthorized" in log
        )
        assert "Traceback" not in log
        assert _ttl(federation) == 31
        assert _uid(federation, "rohan") == uid

        # Nothing is deleted beside a cluster that lets nobody in: its own objects would be left behind.
        code, log, _ = federation.pulumi("destroy", "--run-program", *UNATTENDED)
        assert code != 0
        assert "rohan: out of reach, as the credentials are refused (see the warning)" in log
        assert _uid(federation, "rohan") == uid
    finally:
        federation.stack.settings.write_text(good)
    code, log, _ = federation.pulumi("up", *UNATTENDED)
    assert code == 0, log
    assert " created" not in log, log
    assert _ttl(federation) == 30
    code, log, _ = federation.pulumi("preview", "--expect-no-changes")
    assert code == 0, log


def test_a_storage_class_that_is_not_there_is_told_in_the_preview(annex: Stack) -> None:
    _set(annex, "etcd", {"storageClass": "mithril"})
    code, log, _ = timed_pulumi(annex, "preview")
    assert code != 0
    assert "federation:host.etcd.storageClass: the host has no StorageClass 'mithril'; it has: standard" in log


def test_no_default_storage_class_is_told_in_the_preview(annex: Stack, clusters: Clusters) -> None:
    default = "storageclass.kubernetes.io/is-default-class"
    clusters.kubectl(HOST, "annotate", "storageclass", "standard", "--overwrite", f"{default}=false")
    try:
        code, log, _ = timed_pulumi(annex, "preview")
    finally:
        clusters.kubectl(HOST, "annotate", "storageclass", "standard", "--overwrite", f"{default}=true")
    assert code != 0
    assert (
        "federation:host.etcd.storageClass: is not set, and the host has no default StorageClass; it has: standard"
        in log
    )


def test_a_load_balancer_that_gets_no_address_says_what_to_set_instead(annex: Stack, figures: Figures) -> None:
    _set(annex, "addressWithin", "10s")
    try:
        with _nobody_gives_addresses():
            code, log, seconds = timed_pulumi(annex, "up", *UNATTENDED)
            figures.add("up without a load balancer, given 10 s", seconds)
    finally:
        gone, destroyed, _ = timed_pulumi(annex, "destroy", "--yes", "--skip-preview")
    assert gone == 0, destroyed
    assert code != 0
    assert (
        f"Service {ANNEX}/karmada-apiserver of type LoadBalancer got no address within 10s: "
        "nothing in the cluster gives it one; without load balancers, set federation:host.apiServer.serviceType: "
        "NodePort and advertiseAddress, or give it longer with federation:host.addressWithin" in log
    )
    assert seconds < 150, "the default is 3 minutes"
    assert "Traceback" not in log


@pytest.fixture
def annex(other_stack: Stack, federation: Federation, clusters: Clusters) -> Stack:
    """A second federation's control plane on the same host, without members and names."""
    text = yaml.safe_load(configuration(clusters.kubeconfig, names=False))
    text["config"] |= {"federation:name": ANNEX, "federation:members": []}
    text["config"]["federation:host"]["namespace"] = ANNEX
    text["encryptionsalt"] = yaml.safe_load(other_stack.settings.read_text())["encryptionsalt"]
    other_stack.settings.write_text(yaml.safe_dump(text))
    return other_stack


def _set(stack: Stack, key: str, value: Any) -> None:
    settings = yaml.safe_load(stack.settings.read_text())
    settings["config"]["federation:host"][key] = value
    stack.settings.write_text(yaml.safe_dump(settings))


@contextmanager
def _nobody_gives_addresses() -> Iterator[None]:
    """The host's load balancer controller stands still meanwhile."""
    record = Record.load(FLEET)
    assert record
    process = Cluster(record, record.member(HOST)).sandbox.program("load-balancer")
    assert process
    assert process.alive()
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def _with_user(kubeconfig: Path, user: str, credentials: dict[str, str], file: Path) -> Path:
    """A copy of the kubeconfig in which this user has other credentials."""
    content = yaml.safe_load(kubeconfig.read_text())
    next(each for each in content["users"] if each["name"] == user)["user"] = credentials
    write_private(file, yaml.safe_dump(content).encode())
    return file


def _foreign_certificate() -> dict[str, str]:
    """What a client certificate of an unknown authority, which has expired as well, looks like in a kubeconfig."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    admin = [(NameOID.COMMON_NAME, "kubernetes-admin"), (NameOID.ORGANIZATION_NAME, "system:masters")]
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in admin])
    number, begin, end = x509.random_serial_number(), now - 2 * DAY, now - DAY
    certificate = x509.CertificateBuilder(name, name, key.public_key(), number, begin, end).sign(key, hashes.SHA256())
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pems = [
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(serialization.Encoding.PEM, form, plain).decode(),
    ]
    user: dict[str, str] = with_client_certificate("", "", "", *pems)["users"][0]["user"]
    return user


def _uid(federation: Federation, member: str) -> str:
    return str(federation.clusters.get("fellowship", "cluster", member)["spec"]["id"])


def _ttl(federation: Federation) -> int:
    records = federation.clusters.get("fellowship", "dnsendpoint", "federation", "-n", "karmada-system")
    (ttl,) = {each["recordTTL"] for each in records["spec"]["endpoints"]}
    return int(ttl)
