"""A member leaves the names before it leaves the federation: clients that remember its addresses still find them alive.

What counts is the deletion of the resource: after everything else of the member is there, so before any of it goes, it
marks the Cluster and waits until no resolver can remember the addresses any more, or as long as anybody may be kept
waiting.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from federation.clusters.connection import find, send
from federation.settings.keys import LEAVING
from kube.errors import ApiError
from provider.clusters import UnreachableError, opened
from provider.resource import GivenUpError, ProviderError, Resource
from provider.values import Values

PUBLISHED_SECONDS = 5
"""How long the controller and external-dns may take until the zone answers without the member."""
MOST_SECONDS = 900
"""A TTL may be a day, and a run that long would outlast credentials and CI jobs."""


class Withdrawal(Resource):
    """Deleted before its Cluster, it takes the TTL of the records and a little more, 15 minutes at most."""

    def stale(self, state: Values, new: Values) -> list[str]:
        return ["drift"] if state["drift"] else []

    async def create(self, new: Values) -> Values:
        # A leave that was given up half-way may have left the mark.
        await self.work.call(_mark, new, None)
        return {"drift": ""}

    async def read(self, state: Values) -> Values:
        """A mark on a member that stays: somebody's, or that of a leave that was given up half-way."""
        marked = await self.work.call(_is_marked, state)
        return {"drift": f"Cluster {state['cluster']} is marked as leaving" if marked else ""}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        if state["drift"]:
            await self.work.call(_mark, new, None)
        return {"drift": ""}

    async def delete(self, state: Values) -> None:
        try:
            # An interrupt does not end this call: it would go on, and might mark after the mark was taken off.
            marked = await asyncio.to_thread(_mark, state, "true")
        except UnreachableError:
            # Nobody is there to withdraw it; what comes next will say that the API cannot be reached.
            return
        if not marked:
            return
        wanted = state["ttl"] + PUBLISHED_SECONDS
        if wanted > MOST_SECONDS:
            await self.tell(
                f"{state['cluster']} leaves after {MOST_SECONDS} s, which is before the TTL of {state['ttl']} s is over"
                ": resolvers and clients that have asked for its names until now may use its addresses until then"
            )
        try:
            await self.work.sleep(min(wanted, MOST_SECONDS))
        except GivenUpError as interrupted:
            # The resource stays in the state as it was, so a next `up` that keeps the member would not look at it.
            try:
                await asyncio.to_thread(_mark, state, None)
            except ProviderError as error:
                raise ProviderError(
                    f"{interrupted}; Cluster {state['cluster']} is still marked as leaving, which "
                    f"`pulumi up --refresh` takes off if it stays: {error}"
                ) from None
            raise


def _mark(props: Values, value: str | None) -> bool:
    """Set the mark, or take it; whether there is a Cluster to have one."""
    with opened("the federation API", props["kubeconfig"]) as api:
        try:
            send(api, "PATCH", _path(props), {"metadata": {"annotations": {LEAVING: value}}})
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return False
    return True


def _is_marked(props: Values) -> bool:
    """Whether the Cluster has the mark; one that is gone has none, and shows as drift of its own."""
    with opened("the federation API", props["kubeconfig"]) as api:
        cluster = find(api, _path(props))
    return cluster is not None and LEAVING in cluster["metadata"].get("annotations", {})


def _path(props: Values) -> str:
    return f"/apis/cluster.karmada.io/v1alpha1/clusters/{props['cluster']}"
