"""Certificate authorities and the leaves that they sign (pulumi_tls). Which ones: control_plane/certificates, dns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    authorities: Mapping[str, str]
    """Name to common name."""
    leaves: Sequence[Leaf]
    protect: bool = False
    """Whether Pulumi refuses to delete the authorities."""


class Pki(pulumi.ComponentResource):
    """Authorities and leaf certificates, by name."""

    authorities: dict[str, Output[str]]
    """Certificates (PEM). Their keys stay in the state, as secrets."""
    leaves: dict[str, Pair]
    expiry: Output[str]
    """When the first leaf expires (RFC 3339)."""

    def __init__(self, name: str, args: PkiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Pki", name, None, opts)
        self._options = ResourceOptions(parent=self, provider=args.provider)
        self._protected = ResourceOptions.merge(self._options, ResourceOptions(protect=args.protect))

        signers = {authority: self._authority(authority, cn) for authority, cn in args.authorities.items()}
        self.authorities = {authority: pair.certificate for authority, pair in signers.items()}

        signed = {leaf.name: self._leaf(leaf, signers[leaf.authority]) for leaf in args.leaves}
        self.leaves = {leaf: pair for leaf, (pair, _) in signed.items()}
        self.expiry = Output.all(*(end for _, end in signed.values())).apply(min)
        self.register_outputs({"expiry": self.expiry})

    def _authority(self, name: str, common_name: str) -> Pair:
        key = private_key(f"{name}-ca", self._protected)
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
        key = private_key(leaf.name, self._options)
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


def private_key(name: str, opts: ResourceOptions) -> tls.PrivateKey:
    """A key of the kind that all parts of a federation use."""
    return tls.PrivateKey(name, algorithm="ECDSA", ecdsa_curve="P256", opts=opts)
