"""A member leaves the names before it leaves the federation: clients that remember its addresses still find them alive.

What counts is the deletion of the resource: after everything else of the member is there, so before any of it goes, it
marks the Cluster. It waits until dns-controller has written all records without the member, and then until no resolver
can remember the addresses any more; or as long as anybody may be kept waiting.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http import HTTPStatus
from time import monotonic
from typing import Any

from federation.clusters.connection import TIMEOUT, find, send
from federation.settings.keys import LEAVING, SEEN
from federation.settings.names import DNS_CONTROLLER, DNS_ENDPOINT_API, MANAGED_BY
from kube.client import Client
from kube.errors import ApiError
from kube.watching import pages
from provider.clusters import UnreachableError, opened
from provider.resource import GivenUpError, ProviderError, Resource
from provider.values import Values

DNS_ENDPOINTS = f"/apis/{DNS_ENDPOINT_API}/dnsendpoints"
WRITTEN_SECONDS = 60
"""How long dns-controller may take to write all records without the member."""
LONGEST_PAUSE = 8.0
"""Seconds between two looks at the records."""
PUBLISHED_SECONDS = 5
"""How long it may take after that until the zone answers without the member, if the program does not say: by our own
zone-writer."""
MOST_SECONDS = 900
"""A TTL may be a day, and a run that long would outlast credentials and CI jobs."""


class Withdrawal(Resource):
    """Deleted before its Cluster, it takes the TTL of the records and a little more, 16 minutes at most."""

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
        try:
            await self._outlast(state)
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

    async def _outlast(self, state: Values) -> None:
        """Wait until nobody can know the addresses any more, as long as that is bearable; raises GivenUpError."""
        cluster = state["cluster"]
        if why := await self._in_records(state):
            await self.tell(f"{cluster} leaves, though its names may not be gone after {WRITTEN_SECONDS} s: {why}")
        wanted = state["ttl"] + state.get("publishedWithin", PUBLISHED_SECONDS)
        if wanted > MOST_SECONDS:
            await self.tell(
                f"{cluster} leaves after {MOST_SECONDS} s, which is before the TTL of {state['ttl']} s is over"
                ": resolvers and clients that have asked for its names until now may use its addresses until then"
            )
        await self.work.sleep(min(wanted, MOST_SECONDS))

    async def _in_records(self, state: Values) -> str:
        """Why records may still lead to the cluster when WRITTEN_SECONDS are over; empty as soon as none does."""
        end, pause = monotonic() + WRITTEN_SECONDS, 0.5
        while True:
            try:
                why = _words(await self.work.call(_named_in, state))
            except GivenUpError:
                raise
            except ProviderError as error:
                why = f"the records cannot be looked at: {error}"
            if not why or monotonic() >= end:
                return why
            await self.work.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


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


def _named_in(props: Values) -> list[str]:
    """The Services whose records were worked out with the cluster; none where there are no records of any."""
    with opened("the federation API", props["kubeconfig"]) as api:
        try:
            return [_name(each) for each in _records(api) if _is_from(each, props["cluster"])]
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return []
        except ValueError as error:
            raise ProviderError(f"the federation API answered nonsense: {error}") from None


def _records(api: Client) -> Iterator[Any]:
    """The DNSEndpoints of dns-controller, a page at a time."""
    for page in pages(api, DNS_ENDPOINTS, TIMEOUT, {"labelSelector": f"{MANAGED_BY}={DNS_CONTROLLER}"}):
        yield from page.items


def _is_from(endpoint: Any, cluster: str) -> bool:
    """Whether a DNSEndpoint was written while dns-controller knew the cluster, as it says itself (keys.SEEN)."""
    try:
        seen = json.loads((endpoint["metadata"].get("annotations") or {})[SEEN])
        return cluster in {**seen["ready"], **seen["shares"]}
    except (KeyError, ValueError, TypeError):
        # Edited by hand, which dns-controller puts right.
        return False


def _name(obj: Any) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def _words(services: list[str]) -> str:
    """What it means that the records of these still lead to the cluster; empty for none."""
    if not services:
        return ""
    others = f" and {len(services) - 1} more" if services[1:] else ""
    return (
        f"dns-controller, in the host cluster, has not written the records of {services[0]}{others} without it; "
        "until it does, clients may be led to its addresses"
    )


def _path(props: Values) -> str:
    return f"/apis/cluster.karmada.io/v1alpha1/clusters/{props['cluster']}"
