"""The last thing before a member's Cluster goes, on the built-in engine: `provider/departure.py` says what it does."""

from __future__ import annotations

from pulumi import Input, Output, ResourceOptions

from federation.parts.our_provider import OwnResource


class Departure(OwnResource):
    """Deleted, it tells the engine of a member that is gone for good not to wait for it."""

    def __init__(self, name: str, cluster: str, kubeconfig: Input[str], opts: ResourceOptions | None = None) -> None:
        """`kubeconfig` (secret) leads to the federation API."""
        super().__init__(name, {"cluster": cluster, "kubeconfig": Output.secret(kubeconfig)}, opts)
