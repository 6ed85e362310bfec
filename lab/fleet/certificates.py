"""The keys of one cluster: an authority, what the API server and the node show, who the programs are."""

import datetime
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.fleet.addresses import FIRST_SERVICE
from lab.fleet.private import write_private

# The fleet is thrown away, not renewed; and a machine whose clock was off at first must still accept them.
VALID = datetime.timedelta(days=3650)
SLACK = datetime.timedelta(days=1)

SERVICE_NAMES = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
]


@dataclass(frozen=True)
class Client:
    """Who a program is to the API server."""

    user: str
    group: str | None = None


def clients(node: str) -> dict[str, Client]:
    """By the name of the kubeconfig. The users are those that Kubernetes' own RBAC rules know."""
    return {
        "admin": Client("fleet-admin", "system:masters"),
        "kube-controller-manager": Client("system:kube-controller-manager"),
        "kube-scheduler": Client("system:kube-scheduler"),
        "kube-proxy": Client("system:kube-proxy"),
        "kubelet": Client(f"system:node:{node}", "system:nodes"),
    }


def write(folder: Path, cluster: str, address: IPv4Address) -> None:
    """All keys, certificates and kubeconfigs of a cluster, into the folder; nothing if they are there."""
    complete = folder / "complete"
    if complete.exists():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    authority = Authority(folder, "ca", f"{cluster}-ca")
    names = [*SERVICE_NAMES, "localhost", str(FIRST_SERVICE), "127.0.0.1", str(address)]
    authority.issue("apiserver", Client("kube-apiserver"), names)
    authority.issue("apiserver-kubelet", Client("kube-apiserver-kubelet-client", "system:masters"))
    authority.issue("node", Client(f"system:node:{cluster}", "system:nodes"), [cluster, str(address)])
    Authority(folder, "front-proxy-ca", f"{cluster}-front-proxy-ca").issue("front-proxy", Client("front-proxy"))
    for name, client in clients(cluster).items():
        authority.issue(name, client)
        write_private(folder / f"{name}.kubeconfig", yaml.safe_dump(_kubeconfig(name, address)).encode())
    accounts = ec.generate_private_key(ec.SECP256R1())
    write_private(folder / "accounts.key", _pem(accounts))
    write_private(
        folder / "accounts.pub",
        accounts.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )
    complete.touch()


class Authority:
    """A certificate authority whose certificates land in one folder as NAME.crt and NAME.key."""

    def __init__(self, folder: Path, name: str, common_name: str) -> None:
        self.folder = folder
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        certificate = (
            _builder(self.subject, self.subject, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self.key, SHA256())
        )
        self._save(name, self.key, certificate)

    def issue(self, name: str, holder: Client, alternatives: list[str] | None = None) -> None:
        """A client's certificate, or a server's if it has alternative names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, holder.user)]
        if holder.group:
            subject.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, holder.group))
        usage = ExtendedKeyUsageOID.SERVER_AUTH if alternatives else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = _builder(x509.Name(subject), self.subject, key).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if alternatives:
            names = x509.SubjectAlternativeName([_general_name(each) for each in alternatives])
            builder = builder.add_extension(names, critical=False)
        self._save(name, key, builder.sign(self.key, SHA256()))

    def _save(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        write_private(self.folder / f"{name}.key", _pem(key))
        write_private(self.folder / f"{name}.crt", certificate.public_bytes(Encoding.PEM))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + VALID)
    )


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _kubeconfig(name: str, address: IPv4Address) -> dict[str, object]:
    """For a program in the sandbox: it names the files beside it."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "local",
                "cluster": {"server": f"https://{address}:6443", "certificate-authority": "ca.crt"},
            }
        ],
        "users": [{"name": name, "user": {"client-certificate": f"{name}.crt", "client-key": f"{name}.key"}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": name}}],
        "current-context": "local",
    }
