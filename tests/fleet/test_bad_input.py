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
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from federation.settings.kubeconfig import with_client_certificate
from lab.federation import UNATTENDED
from lab.fleet.cluster import Cluster
from lab.fleet.private import write_private
from lab.fleet.record import Record
from lab.stack import Stack
from tests.figures import Figures
from tests.fleet.conftest import FLEET, HOST, SYSTEM, Clusters, Federation, configuration, timed_pulumi

DAY = datetime.timedelta(days=1)
ANNEX = "annex"
"""Namespace of a second control plane in the host, of which only what needs nothing else comes up."""


def test_refused_credentials_are_told_once_and_keep_nobody_else_waiting(
    federation: Federation, clusters: Clusters, tmp_path: Path, figures: Figures
) -> None:
    good, uid = federation.stack.settings.read_text(), _uid(federation, "rohan")
    told = f"context rohan: the API at {clusters.server('rohan')} cannot be used: it answered 401 Unauthorized"
    try:
        foreign = _certificate(ec.generate_private_key(ec.SECP256R1()), _name("rohan-ca"), DAY)
        for what, credentials in (("garbage", {"token": "garbage"}), ("foreign", foreign)):
            refused = _with_user(clusters.kubeconfig, "rohan", credentials, tmp_path / what)
            federation.stack.settings.write_text(good.replace(str(clusters.kubeconfig), str(refused)))
            code, log, seconds = federation.pulumi("preview")
            figures.add(f"preview with refused credentials ({what})", seconds)
            assert code == 0, log
            assert told in log
            assert "to update" in log or "unchanged" in log

        # Of two certificates that differ in their end alone, the member accepts the one that has not expired.
        valid, expired = (
            _with_user(clusters.kubeconfig, "rohan", _certificate(*_authority("rohan"), left), tmp_path / what)
            for what, left in (("valid", DAY), ("expired", -DAY))
        )
        assert Clusters(valid).kubectl("rohan", "get", "--raw", "/readyz") == "ok"
        changed = yaml.safe_load(good)
        changed["config"] |= {"federation:kubeconfig": str(expired)}
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
        assert told in log
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
        f"Service {ANNEX}/federation-apiserver of type LoadBalancer got no address within 10s: "
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


def _authority(member: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Name]:
    """Key and name of the authority whose client certificates a member accepts."""
    record = Record.load(FLEET)
    assert record
    keys = Cluster(record, record.member(member)).folder / "keys"
    key = serialization.load_pem_private_key((keys / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key, x509.load_pem_x509_certificate((keys / "ca.crt").read_bytes()).subject


def _certificate(authority: ec.EllipticCurvePrivateKey, issuer: x509.Name, left: datetime.timedelta) -> dict[str, str]:
    """An administrator's certificate by this authority, with so much time left, as it looks in a kubeconfig."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name, number = _name("kubernetes-admin", "system:masters"), x509.random_serial_number()
    certificate = (
        x509.CertificateBuilder(issuer, name, key.public_key(), number, now - 2 * DAY, now + left)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority, hashes.SHA256())
    )
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pems = [
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(serialization.Encoding.PEM, form, plain).decode(),
    ]
    user: dict[str, str] = with_client_certificate("", "", "", *pems)["users"][0]["user"]
    return user


def _name(common: str, *groups: str) -> x509.Name:
    members = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*members, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _uid(federation: Federation, member: str) -> str:
    return str(federation.clusters.get("fellowship", "cluster", member)["spec"]["id"])


def _ttl(federation: Federation) -> int:
    records = federation.clusters.get("fellowship", "dnsendpoint", "federation", "-n", SYSTEM)
    (ttl,) = {each["recordTTL"] for each in records["spec"]["endpoints"]}
    return int(ttl)
