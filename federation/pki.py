"""The certificates of a federation: three authorities, and the leaves that they sign (pulumi_tls).

Three authorities, because with a shared one any client certificate of the API would open etcd directly.
Names and uses follow what Karmada's own installers make (reference: karmadactl init, pkg/karmadactl/cmdinit/cert).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
from pulumi import Input, Output, ResourceOptions

from federation.names import is_ip

HOURS_PER_DAY = 24
CA_VALIDITY_DAYS = 3650
LEAF_VALIDITY_DAYS = 365
RENEWAL_DAYS = 30
"""A leaf with fewer days left is renewed by the next `pulumi up`."""

SERVER, CLIENT = "server_auth", "client_auth"
AUTHORITIES = {"root": "karmada", "etcd": "etcd-ca", "front-proxy": "front-proxy-ca"}
"""Authority to common name. root: clients of the API and its servers; front-proxy: calls to aggregated APIs."""


@dataclass(frozen=True)
class Pair:
    """A certificate (PEM) and its private key (PEM, secret)."""

    certificate: Output[str]
    key: Output[str]


@dataclass(frozen=True)
class Leaf:
    """One certificate to sign."""

    name: str
    authority: str
    common_name: str
    uses: Sequence[str]
    organization: str | None = None
    names: Input[Sequence[str]] = ()
    """DNS names and IP addresses that the certificate is good for."""


@dataclass
class PkiArgs:
    provider: tls.Provider
    """Provider of pulumi_tls; it makes keys locally and touches no cluster."""
    api_names: Input[Sequence[str]]
    """Every DNS name and IP address by which clients reach the federation API."""
    service_names: Sequence[str]
    """In-cluster DNS names of the servers that the API calls: webhook and aggregated API server."""
    etcd_names: Sequence[str]
    """DNS names by which etcd is reached."""
    protect: bool = False
    """Whether Pulumi refuses to delete the authorities."""


class Pki(pulumi.ComponentResource):
    """Authorities and leaf certificates of one federation."""

    authorities: dict[str, Output[str]]
    """Certificates (PEM) of root, etcd and front-proxy. Their keys stay in the state, as secrets."""
    leaves: dict[str, Pair]
    """apiserver, services, admin, front-proxy-client, etcd-server and etcd-client."""
    service_account_key: Output[str]
    """Private key (PEM, secret) that signs the tokens of the API's ServiceAccounts."""
    service_account_public_key: Output[str]
    expiry: Output[str]
    """When the first leaf expires (RFC 3339)."""

    def __init__(self, name: str, args: PkiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Pki", name, None, opts)
        self._options = ResourceOptions(parent=self, provider=args.provider)
        self._protected = ResourceOptions.merge(self._options, ResourceOptions(protect=args.protect))

        signers = {authority: self._authority(authority, cn) for authority, cn in AUTHORITIES.items()}
        self.authorities = {authority: pair.certificate for authority, pair in signers.items()}

        signed = {leaf.name: self._leaf(leaf, signers[leaf.authority]) for leaf in _leaves(args)}
        self.leaves = {leaf: pair for leaf, (pair, _) in signed.items()}
        self.expiry = Output.all(*(end for _, end in signed.values())).apply(min)

        service_account = self._key("service-account")
        self.service_account_key = service_account.private_key_pem
        self.service_account_public_key = service_account.public_key_pem
        self.register_outputs({"expiry": self.expiry})

    def _key(self, name: str, opts: ResourceOptions | None = None) -> tls.PrivateKey:
        return tls.PrivateKey(name, algorithm="ECDSA", ecdsa_curve="P256", opts=opts or self._options)

    def _authority(self, name: str, common_name: str) -> Pair:
        key = self._key(f"{name}-ca", self._protected)
        certificate = tls.SelfSignedCert(
            f"{name}-ca",
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            subject={"common_name": common_name},
            validity_period_hours=CA_VALIDITY_DAYS * HOURS_PER_DAY,
            allowed_uses=["cert_signing", "crl_signing", "digital_signature"],
            set_subject_key_id=True,
            opts=self._protected,
        )
        return Pair(certificate.cert_pem, key.private_key_pem)

    def _leaf(self, leaf: Leaf, signer: Pair) -> tuple[Pair, Output[str]]:
        key = self._key(leaf.name)
        names: Output[Sequence[str]] = Output.from_input(leaf.names)
        request = tls.CertRequest(
            leaf.name,
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=leaf.common_name, organization=leaf.organization),
            dns_names=names.apply(lambda names: [name for name in names if not is_ip(name)]),
            ip_addresses=names.apply(lambda names: [name for name in names if is_ip(name)]),
            opts=self._options,
        )
        certificate = tls.LocallySignedCert(
            leaf.name,
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=signer.key,
            ca_cert_pem=signer.certificate,
            validity_period_hours=LEAF_VALIDITY_DAYS * HOURS_PER_DAY,
            early_renewal_hours=RENEWAL_DAYS * HOURS_PER_DAY,
            allowed_uses=["digital_signature", *leaf.uses],
            opts=self._options,
        )
        return Pair(certificate.cert_pem, key.private_key_pem), certificate.validity_end_time


def _leaves(args: PkiArgs) -> Sequence[Leaf]:
    return (
        Leaf("apiserver", "root", "karmada-apiserver", [SERVER], names=args.api_names),
        Leaf("services", "root", "karmada-services", [SERVER], names=args.service_names),
        Leaf("admin", "root", "system:admin", [CLIENT], organization="system:masters"),
        Leaf("front-proxy-client", "front-proxy", "front-proxy-client", [CLIENT]),
        Leaf("etcd-server", "etcd", "karmada-etcd-server", [SERVER, CLIENT], names=args.etcd_names),
        Leaf("etcd-client", "etcd", "karmada-etcd-client", [CLIENT]),
    )
