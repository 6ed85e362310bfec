"""Certificates (X.509) as PEM: an authority's own, and those that it signs. Pure, but for the time and chance."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provider.resource import ProviderError

BACKDATED = timedelta(minutes=5)
"""A certificate is good from so long before it was made, for clusters whose clocks are behind that of who runs Pulumi:
as kube-controller-manager has it for those that it signs."""
USES = {"server_auth": ExtendedKeyUsageOID.SERVER_AUTH, "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True)
class Certificate:
    """A certificate (PEM), and when it ends (RFC 3339, UTC)."""

    pem: str
    not_after: str


def authority(private_key: str, common_name: str, days: int) -> Certificate:
    """The certificate by which an authority is trusted."""
    key = _private(private_key, "privateKeyPem")
    name = _name(common_name)
    builder = (
        _begun(name, name, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _signed(builder, key)


def leaf(
    public_key: str,
    *,
    signer: tuple[str, str],
    subject: tuple[str, Sequence[str]],
    names: tuple[Sequence[str], Sequence[str]],
    uses: Sequence[str],
    days: int,
) -> Certificate:
    """What an authority signs.

    `signer` is its certificate and its private key, `subject` a common name and organizations, `names` are the DNS
    names and the IP addresses that the certificate is good for.
    """
    certificate, private_key = signer
    key, issuer = _private(private_key, "authorityPrivateKeyPem"), _certificate(certificate)
    if issuer.public_key() != key.public_key():
        raise ProviderError("authorityPrivateKeyPem is not the key of authorityCertificatePem")
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _begun(_name(*subject), issuer.subject, _public(public_key), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([USES[use] for use in uses]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    good_for = [
        *(x509.DNSName(name) for name in names[0]),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in names[1]),
    ]
    if good_for:
        builder = builder.add_extension(x509.SubjectAlternativeName(good_for), critical=False)
    return _signed(builder, key)


def ends_within(not_after: str, days: int) -> bool:
    """Whether a certificate has no more days left than these."""
    return datetime.fromisoformat(not_after) - timedelta(days=days) <= datetime.now(UTC)


def _begun(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - BACKDATED,
        not_valid_after=now + timedelta(days=days),
    )


def _signed(builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> Certificate:
    made = builder.sign(key, SHA256())
    end = made.not_valid_after_utc.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Certificate(made.public_bytes(Encoding.PEM).decode(), end)


def _name(common_name: str, organizations: Sequence[str] = ()) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private(pem: str, input_: str) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey):
        # Not with the words of the library, which may hold a part of the key.
        raise ProviderError(f"{input_} is not the PEM of an EC private key")
    return key


def _public(pem: str) -> EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ProviderError("publicKeyPem is not the PEM of an EC public key")
    return key


def _certificate(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise ProviderError("authorityCertificatePem is not the PEM of a certificate") from None
