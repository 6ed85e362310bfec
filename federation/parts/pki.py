"""Certificate authorities and the leaves that they sign. Which ones: control_plane/certificates, dns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi
from pulumi import Input, Output, ResourceOptions

from federation.parts.our_provider import OwnResource
from federation.settings.schema import Certificates
from federation.settings.syntax import is_ip

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
    groups: Sequence[str] = ()
    """More organizations: what a user of the federation API is in."""
    days: int = LEAF_VALIDITY_DAYS
    names: Input[Sequence[str]] = ()
    """DNS names and IP addresses that the certificate is good for."""


@dataclass
class PkiArgs:
    our_provider: pulumi.ProviderResource
    """The project's own provider; it makes keys in its process and touches no cluster for them."""
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
    """When the first certificate expires (RFC 3339), authorities included, and people's, which are short, not."""

    def __init__(self, name: str, args: PkiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Pki", name, None, opts)
        self._options = ResourceOptions(parent=self, provider=args.our_provider)
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
        key = PrivateKey(f"{name}-ca{suffix}", self._protected)
        certificate = CertificateAuthority(
            f"{name}-ca{suffix}", key.private_key_pem, f"{common_name}{suffix}", CA_VALIDITY_DAYS, self._protected
        )
        self._ends.append(_watched(f"authority {name}, generation {generation},", certificate.not_after))
        return Pair(certificate.certificate_pem, key.private_key_pem)

    def _leaf(self, leaf: Leaf, signer: Pair, renewal_days: int) -> Pair:
        is_long = leaf.days == LEAF_VALIDITY_DAYS
        key = PrivateKey(leaf.name, self._options)
        certificate = Certificate(
            leaf.name,
            leaf,
            public_key_pem=key.public_key_pem,
            signer=signer,
            renew_before_days=renewal_days if is_long else leaf.days // 3,
            opts=self._options,
        )
        if is_long:
            self._ends.append(_watched(f"certificate {leaf.name}", certificate.not_after))
        return Pair(certificate.certificate_pem, key.private_key_pem)


class PrivateKey(OwnResource):
    """A key of the kind that all parts of a federation use (ECDSA, P-256)."""

    private_key_pem: Output[str]
    """Secret."""
    public_key_pem: Output[str]

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, {}, opts)


class CertificateAuthority(OwnResource):
    """The certificate of an authority, signed with its own key; any change makes another one."""

    certificate_pem: Output[str]
    not_after: Output[str]
    """When it ends (RFC 3339, UTC)."""

    def __init__(
        self,
        name: str,
        private_key_pem: Input[str],
        common_name: str,
        validity_days: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        inputs = {"private_key_pem": private_key_pem, "common_name": common_name, "validity_days": validity_days}
        super().__init__(name, inputs, opts)


class Certificate(OwnResource):
    """What an authority signs; a change, and the first update in its last days, signs it anew in place."""

    certificate_pem: Output[str]
    not_after: Output[str]
    """When it ends (RFC 3339, UTC)."""

    def __init__(
        self,
        name: str,
        leaf: Leaf,
        *,
        public_key_pem: Input[str],
        signer: Pair,
        renew_before_days: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        names: Output[Sequence[str]] = Output.from_input(leaf.names)
        inputs = {
            "public_key_pem": public_key_pem,
            "authority_certificate_pem": signer.certificate,
            "authority_private_key_pem": signer.key,
            "common_name": leaf.common_name,
            "organization": leaf.organization,
            "dns_names": names.apply(lambda names: [name for name in names if not is_ip(name)]),
            "ip_addresses": names.apply(lambda names: [name for name in names if is_ip(name)]),
            "uses": list(leaf.uses),
            **({"organizations": list(leaf.groups)} if leaf.groups else {}),
            "validity_days": leaf.days,
            "renew_before_days": renew_before_days,
        }
        super().__init__(name, inputs, opts)


def earliest(ends: Sequence[Output[str]]) -> Output[str]:
    """The first of these times (RFC 3339, in whatever zone)."""
    return Output.all(*ends).apply(lambda texts: min(texts, key=datetime.fromisoformat))


def _watched(what: str, end: Output[str]) -> Output[str]:
    """The same time; one that is near is told, in preview too, unless the preview shows that it will be another."""

    def warn(text: str) -> str:
        days = (datetime.fromisoformat(text) - datetime.now(UTC)).days
        if days < WARNING_DAYS:
            pulumi.log.warn(f"{what} ends at {text}, {days} days from now; how to renew it: docs/day-2.md")
        return text

    return end.apply(warn)
