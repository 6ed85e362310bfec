"""The certificate of an authority, signed with its own key."""

from __future__ import annotations

from provider import signing
from provider.resource import Resource
from provider.values import Values


class CertificateAuthority(Resource):
    """It exists in the state alone, and any change makes another one: whoever trusts it trusts just this one."""

    async def create(self, new: Values) -> Values:
        made = signing.authority(new["privateKeyPem"], new["commonName"], new["validityDays"])
        return {"certificatePem": made.pem, "notAfter": made.not_after}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        """Every input makes it another one; the certificate stays."""
        return {key: state[key] for key in ("certificatePem", "notAfter")}
