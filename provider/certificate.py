"""A certificate that an authority signs, and signs anew in time."""

from __future__ import annotations

from collections.abc import Mapping

from provider import signing
from provider.resource import Resource
from provider.values import Values, has_unknown

OUTPUTS = ("certificatePem", "notAfter")
WINDOW = "renewBeforeDays"


class Certificate(Resource):
    """It exists in the state alone. Every change is an update: who has it is handed the new one in place."""

    async def problems(self, old: Values | None, new: Values) -> Mapping[str, str]:
        wrong = [] if has_unknown(new["uses"]) else [use for use in new["uses"] if use not in signing.USES]
        return {"uses": f"has {', '.join(wrong)}; allowed: {', '.join(signing.USES)}"} if wrong else {}

    def stale(self, state: Values, new: Values) -> list[str]:
        """It is renewed by the first update in its last days."""
        return ["notAfter"] if signing.ends_within(state["notAfter"], new[WINDOW]) else []

    def foreseen(self, state: Values, old: Values, new: Values) -> Values:
        return self._kept(state, old, new) or {}

    async def create(self, new: Values) -> Values:
        made = signing.leaf(
            new["publicKeyPem"],
            signer=(new["authorityCertificatePem"], new["authorityPrivateKeyPem"]),
            subject=(new["commonName"], [*filter(None, [new.get("organization")]), *new.get("organizations", [])]),
            names=(new.get("dnsNames", []), new.get("ipAddresses", [])),
            uses=new["uses"],
            days=new["validityDays"],
        )
        return {"certificatePem": made.pem, "notAfter": made.not_after}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        return self._kept(state, old, new) or await self.create(new)

    def _kept(self, state: Values, old: Values, new: Values) -> Values | None:
        """The certificate as it is, where only the window has changed and it is not in there."""
        before, after = ({key: value for key, value in each.items() if key != WINDOW} for each in (old, new))
        if before != after or self.stale(state, new):
            return None
        return {key: state[key] for key in OUTPUTS}
