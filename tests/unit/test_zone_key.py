"""The key of a zone in DNS's forms: the example of RFC 6605, and what another program makes of any key."""

from __future__ import annotations

import base64

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from dns.rdtypes.ANY.DNSKEY import DNSKEY as DnsKey  # noqa: N811
from hypothesis import given
from hypothesis import strategies as st

from federation.dns import zone_key
from tests import strategies

pytestmark = pytest.mark.unit

NUMBER = "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ="
DNSKEY = "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA=="
DS = "55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17"
"""Of example.net, from RFC 6605, section 6.1."""


def pems(number: int) -> tuple[str, str]:
    """Private and public half of the key with this number."""
    key = ec.derive_private_key(number, ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def test_the_example_of_the_standard() -> None:
    private, public = pems(int.from_bytes(base64.b64decode(NUMBER)))
    assert zone_key.public_file("example.net.", public) == f"example.net. 3600 IN DNSKEY {DNSKEY}\n"
    assert zone_key.private_file(private).splitlines() == [
        "Private-key-format: v1.3",
        "Algorithm: 13 (ECDSAP256SHA256)",
        f"PrivateKey: {NUMBER}",
    ]
    assert zone_key.ds("example.net.", public) == f"example.net. IN DS {DS}"


@given(number=st.one_of(st.integers(1, 300), st.integers(1, 2**255)), zone=strategies.zones())
def test_another_program_makes_the_same_of_any_key(number: int, zone: str) -> None:
    owner = f"{zone.lower().removesuffix('.')}."
    private, public = pems(number)
    name, ttl, _, kind, data = zone_key.public_file(owner, public).split(maxsplit=4)
    rdata = dns.rdata.from_text("IN", kind, data)
    assert isinstance(rdata, DnsKey)
    assert (name, ttl) == (owner, "3600")
    assert zone_key.ds(owner, public).split(maxsplit=3)[3] == str(dns.dnssec.make_ds(owner, rdata, "SHA256")).upper()
    # What the private file's number signs, the public record verifies.
    signer = ec.derive_private_key(int.from_bytes(base64.b64decode(_number(private))), ec.SECP256R1())
    signed = dns.rrset.from_text(owner, 30, "IN", "A", "192.0.2.1")
    origin = dns.name.from_text(owner)
    signature = dns.dnssec.sign(signed, signer, origin, rdata, lifetime=3600)
    dns.dnssec.validate(
        signed, dns.rrset.from_rdata(owner, 30, signature), {origin: dns.rdataset.from_rdata(zone_key.TTL, rdata)}
    )


def _number(private: str) -> str:
    return zone_key.private_file(private).split()[-1]
