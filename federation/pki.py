"""Certificate authorities and the leaves that they sign (pulumi_tls). Which ones: control_plane/certificates, dns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi
import pulumi_tls as tls
from pulumi import Input, Output, ResourceOptions

from federation.names import is_ip
from federation.settings import Certificates

HOURS_PER_DAY = 24
CA_VALIDITY_DAYS = 3650
LEAF_VALIDITY_DAYS = 365
WARNING_DAYS = 30
"""What has fewer days left is a warning of every preview and update."""

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
    settings: Certificates
    protect: bool = False
    """Whether Pulumi refuses to delete the authorities."""


class Pki(pulumi.ComponentResource):
    """Authorities and leaf certificates, by name."""

    authorities: dict[str, Output[str]]
    """What to trust: the certificates (PEM) of all generations. Their keys stay in the state, as secrets."""
    leaves: dict[str, Pair]
    expiry: Output[str]
    """When the first certificate expires (RFC 3339), authorities included."""

    def __init__(self, name: str, args: PkiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Pki", name, None, opts)
        self._options = ResourceOptions(parent=self, provider=args.provider)
        self._protected = ResourceOptions.merge(self._options, ResourceOptions(protect=args.protect))
        self._ends: list[Output[str]] = []

        # In the order of their making: which of them signs is to change nothing for those who trust them all.
        generations = sorted(args.settings.authorities)
        made = {
            authority: {generation: self._authority(authority, cn, generation) for generation in generations}
            for authority, cn in args.authorities.items()
        }
        self.authorities = {
            authority: Output.all(*(pair.certificate for pair in pairs.values())).apply("".join)
            for authority, pairs in made.items()
        }
        signing = args.settings.authorities[0]
        renewal = args.settings.renew_before_days
        self.leaves = {leaf.name: self._leaf(leaf, made[leaf.authority][signing], renewal) for leaf in args.leaves}
        self.expiry = earliest(self._ends)
        self.register_outputs({"expiry": self.expiry})

    def _authority(self, name: str, common_name: str, generation: int) -> Pair:
        # The first has no number: it is what was there before there were others.
        suffix = "" if generation == 1 else f"-{generation}"
        key = private_key(f"{name}-ca{suffix}", self._protected)
        certificate = tls.SelfSignedCert(
            f"{name}-ca{suffix}",
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            subject={"common_name": f"{common_name}{suffix}"},
            validity_period_hours=CA_VALIDITY_DAYS * HOURS_PER_DAY,
            allowed_uses=["cert_signing", "crl_signing", "digital_signature"],
            set_subject_key_id=True,
            opts=self._protected,
        )
        self._ends.append(_watched(f"authority {name}, generation {generation},", certificate.validity_end_time))
        return Pair(certificate.cert_pem, key.private_key_pem)

    def _leaf(self, leaf: Leaf, signer: Pair, renewal_days: int) -> Pair:
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
            early_renewal_hours=renewal_days * HOURS_PER_DAY,
            allowed_uses=["digital_signature", *leaf.uses],
            opts=self._options,
        )
        self._ends.append(_watched(f"certificate {leaf.name}", certificate.validity_end_time))
        return Pair(certificate.cert_pem, key.private_key_pem)


def private_key(name: str, opts: ResourceOptions) -> tls.PrivateKey:
    """A key of the kind that all parts of a federation use."""
    return tls.PrivateKey(name, algorithm="ECDSA", ecdsa_curve="P256", opts=opts)


def earliest(ends: Sequence[Output[str]]) -> Output[str]:
    """The first of these times (RFC 3339, in whatever zone)."""
    return Output.all(*ends).apply(lambda texts: min(texts, key=datetime.fromisoformat))


def _watched(what: str, end: Output[str]) -> Output[str]:
    """The same time; one that is near is told, in preview too, unless the preview shows that it will be another."""

    def warn(text: str) -> str:
        days = (datetime.fromisoformat(text) - datetime.now(UTC)).days
        if days < WARNING_DAYS:
            pulumi.log.warn(f"{what} ends at {text}, {days} days from now; how to renew it: docs/operation.md")
        return text

    return end.apply(warn)
