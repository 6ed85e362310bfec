"""A member leaves the names before the federation: clients that remember its addresses still find them alive."""

from __future__ import annotations

from pulumi import Input, Output, ResourceOptions

from federation.parts.our_provider import OwnResource


class Withdrawal(OwnResource):
    """The end of a member's names: deleted before its Cluster, it takes the TTL of the records and a little more.

    It takes 16 minutes at most.
    """

    drift: Output[str]
    """Whether the last refresh found the mark of a leave on a member that stays; empty if not."""

    def __init__(
        self,
        name: str,
        cluster: str,
        kubeconfig: Input[str],
        ttl: int,
        opts: ResourceOptions | None = None,
        *,
        published_within: int | None = None,
    ) -> None:
        """`kubeconfig` (secret) leads to the federation API; `ttl` and `published_within` (default: 5) in seconds."""
        inputs = {
            "cluster": cluster,
            "kubeconfig": Output.secret(kubeconfig),
            "ttl": ttl,
            "published_within": published_within,
        }
        super().__init__(name, inputs, opts)
