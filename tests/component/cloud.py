"""What clusters and our own provider would answer: the outputs that the program builds on."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, is_dry_run, rpc

from provider.schema import KINDS

CANARY = "canary"
"""Stands in every secret, and in nothing else."""
BALANCER = "192.0.2.10"
INGRESS: Mapping[str, str] = {"ip": BALANCER}
"""What each load balancer has."""
EXPIRY = "2127-01-03T00:00:00Z"
EARLY = {"services": "2127-01-02T00:00:00Z"}
"""Certificates that expire before all others, which do at EXPIRY."""
ZONE_KEY = "zone-key"
"""The one key that the program itself reads, and so a real one; the canary is in its own number."""
ZONE_KEY_NUMBER = f"{CANARY} {ZONE_KEY}".encode().rjust(32, b"\1")


class Cloud(Mocks):
    """Gives back what is asked for, with what the other side fills in; in a preview it fills in nothing."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if is_dry_run():
            return "", args.inputs
        return f"{args.name}-id", {**args.inputs, **_filled_in(args.typ, args.name, args.inputs)}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program calls no function, but it called {args.token}")


def _filled_in(kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    filled: Mapping[str, Any] = {}
    match kind:
        case "kubernetes:core/v1:Service":
            ingress = [INGRESS] if inputs["spec"].get("type") == "LoadBalancer" else []
            filled = {"status": {"loadBalancer": {"ingress": ingress}}}
        case "kubernetes:core/v1:Secret" if inputs.get("type") == "kubernetes.io/service-account-token":
            filled = {"data": {"ca.crt": _base64(pem("CERTIFICATE", name)), "token": _base64(f"{CANARY} {name}")}}
        case "gcp:dns/managedZone:ManagedZone":
            filled = {"nameServers": ["ns-cloud-c1.googledomains.com."], "managedZoneId": "2178398479834"}
        case "federation:index:SharedSecret":
            filled = {"secretBase64": _base64(f"{CANARY} {name}")}
        case "federation:index:PrivateKey" if name == ZONE_KEY:
            filled = _zone_key()
        case "federation:index:PrivateKey":
            filled = {
                "privateKeyPem": pem("EC PRIVATE KEY", f"{CANARY} {name}"),
                "publicKeyPem": pem("PUBLIC KEY", name),
            }
        case "federation:index:CertificateAuthority" | "federation:index:Certificate":
            filled = {"certificatePem": pem("CERTIFICATE", name), "notAfter": EARLY.get(name, EXPIRY)}
    if kind in KINDS:
        # Our provider is given secrets in the clear.
        inputs = {key: rpc.unwrap_rpc_secret(inputs[key]) for key in KINDS[kind].secrets & inputs.keys()}
        filled = {**inputs, **filled}
    return filled


def _zone_key() -> Mapping[str, str]:
    key = ec.derive_private_key(int.from_bytes(ZONE_KEY_NUMBER), ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"privateKeyPem": private.decode(), "publicKeyPem": public.decode()}


def pem(label: str, text: str) -> str:
    """Something in the form of a PEM block."""
    return f"-----BEGIN {label}-----\n{_base64(text)}\n-----END {label}-----\n"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
