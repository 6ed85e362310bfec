"""A secret that two sides share, who know each other by it."""

from __future__ import annotations

import base64
import secrets

from provider.resource import Resource
from provider.values import Values

BYTES = 32
"""As many as HMAC-SHA256 gives out; fewer are weaker, more are no stronger (RFC 2104, section 3)."""


class SharedSecret(Resource):
    """It exists in the state alone: one that a killed run had made is made anew."""

    async def create(self, new: Values) -> Values:
        return {"secretBase64": base64.b64encode(secrets.token_bytes(BYTES)).decode()}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        """It has no inputs; the secret stays."""
        return {"secretBase64": state["secretBase64"]}
