"""The key that signs a zone, in the forms that DNS has for it. Pure.

One key signs all (CSK), by ECDSA on P-256 (algorithm 13, RFC 6605): its signatures are short, and every validator
knows it (RFC 8624).
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

FLAGS, PROTOCOL, ALGORITHM, DIGEST = 257, 3, 13, 2
"""A key that the parent zone vouches for (RFC 4034, 2.1.1); the only protocol; ECDSA P-256; SHA-256 in the DS."""
TTL = 3600
"""Seconds; CoreDNS signs the key with this one, whatever its file says."""
NUMBER_BYTES = 32
"""Of a coordinate, and of the private number."""


def public_file(zone: str, public_pem: str) -> str:
    """The DNSKEY record, as BIND has it in K*.key. `zone` is with its final dot."""
    key = base64.b64encode(_coordinates(public_pem)).decode()
    return f"{zone} {TTL} IN DNSKEY {FLAGS} {PROTOCOL} {ALGORITHM} {key}\n"


def private_file(private_pem: str) -> str:
    """The private half, as BIND has it in K*.private."""
    key = load_pem_private_key(private_pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    number = base64.b64encode(key.private_numbers().private_value.to_bytes(NUMBER_BYTES)).decode()
    return f"Private-key-format: v1.3\nAlgorithm: {ALGORITHM} (ECDSAP256SHA256)\nPrivateKey: {number}\n"


def ds(zone: str, public_pem: str) -> str:
    """The DS record by which the parent zone vouches for the key. `zone` is in lower case, with its final dot."""
    data = FLAGS.to_bytes(2) + bytes([PROTOCOL, ALGORITHM]) + _coordinates(public_pem)
    owner = b"".join(bytes([len(label)]) + label.encode() for label in zone.split("."))
    digest = hashlib.sha256(owner + data).hexdigest().upper()
    return f"{zone} IN DS {_tag(data)} {ALGORITHM} {DIGEST} {digest}"


def _coordinates(public_pem: str) -> bytes:
    key = load_pem_public_key(public_pem.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    numbers = key.public_numbers()
    return numbers.x.to_bytes(NUMBER_BYTES) + numbers.y.to_bytes(NUMBER_BYTES)


def _tag(data: bytes) -> int:
    """By which resolvers find the key among others (RFC 4034, appendix B)."""
    total = sum(byte if i % 2 else byte << 8 for i, byte in enumerate(data))
    return (total + (total >> 16)) & 0xFFFF
