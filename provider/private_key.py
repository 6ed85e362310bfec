"""A private key of the kind that all parts of a federation use."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from provider.resource import Resource
from provider.values import Values


class PrivateKey(Resource):
    """It exists in the state alone: one that a killed run had made is made anew."""

    async def create(self, new: Values) -> Values:
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return {"privateKeyPem": private.decode(), "publicKeyPem": public.decode()}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        """It has no inputs; the key stays."""
        return {key: state[key] for key in ("privateKeyPem", "publicKeyPem")}
