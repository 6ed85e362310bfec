"""Who may take the whole zone: secondaries that have its key (TSIG, RFC 8945)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import Input, Output, ResourceOptions

from federation.parts.our_provider import OwnResource

ALGORITHM = "hmac-sha256"


class SharedSecret(OwnResource):
    """32 random bytes that two sides share."""

    secret_base64: Output[str]
    """Secret."""

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, {}, opts)


@dataclass(frozen=True)
class TransferKey:
    """The key that a secondary signs its requests with."""

    name: str
    """A DNS name, with its final dot; both sides call the key by it."""
    secret: Output[str]
    """Secret; base64."""

    @property
    def parts(self) -> Mapping[str, Input[str]]:
        """As a stack gives it out."""
        return {"name": self.name, "algorithm": ALGORITHM, "secret": self.secret}

    @property
    def file(self) -> Output[str]:
        """As CoreDNS reads it, and BIND too."""
        return self.secret.apply(lambda secret: key_file(self.name, secret))


def key_name(zone: str) -> str:
    """The name of the key of a zone, which is without the final dot."""
    return f"transfer.{zone}."


def key_file(name: str, secret: str) -> str:
    # A line for each word: CoreDNS reads it by lines.
    return f'key "{name}" {{\n    algorithm {ALGORITHM};\n    secret "{secret}";\n}};\n'
