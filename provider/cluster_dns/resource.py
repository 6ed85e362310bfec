"""The federation's part of a member's cluster DNS, as a resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from kube.client import Client
from provider.cluster_dns import config_maps, corefile, kube_system
from provider.cluster_dns.config_maps import ClusterDnsError, ConfigMaps
from provider.cluster_dns.lookup import UNKNOWN_SERVERS, Lookup
from provider.clusters import opened
from provider.resource import BegunError, GivenUpError, ProviderError, Resource
from provider.values import Values, has_unknown

ALLOWED = "put that right, or set clusterDns: none for the member"
DRIFT, LAYOUT = "drift", "layout"


class ClusterDns(Resource):
    """Merged into what is there, and taken out of it."""

    async def problems(self, old: Values | None, new: Values) -> Mapping[str, str]:
        """Say in the preview already what would make create or update fail; nothing is asked while nothing changes.

        The first preview does not know the name servers yet. A server block is in the way whichever they will be.
        """
        props = {**new, "servers": UNKNOWN_SERVERS} if has_unknown(new["servers"]) else new
        problem = None if old == new or has_unknown(props) else await self.work.call(_obstacle, props, old)
        return {"member": problem} if problem else {}

    def stale(self, state: Values, new: Values) -> list[str]:
        """What a refresh found, and server blocks that are written in a new way."""
        found = [DRIFT] if state[DRIFT] else []
        return found if state.get(LAYOUT) == corefile.layout() else [*found, LAYOUT]

    async def create(self, new: Values) -> Values:
        return await self._change(new, [new], lambda found: config_maps.joined(found, _lookup(new), None))

    async def read(self, state: Values) -> Values:
        return {DRIFT: await self.work.call(_drift, state), LAYOUT: state.get(LAYOUT)}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        return await self._change(
            new, [new, state], lambda found: config_maps.joined(found, _lookup(new), _lookup(state))
        )

    async def delete(self, state: Values) -> None:
        if state["member"] not in self.gone:
            await self.work.call(_write, state, [state], lambda found: config_maps.left(found, _lookup(state)))

    async def _change(
        self, props: Values, concerned: Sequence[Values], plan: Callable[[ConfigMaps], ConfigMaps]
    ) -> Values:
        try:
            await self.work.call(_write, props, concerned, plan)
        except GivenUpError as error:
            raise BegunError(str(error)) from None
        return {DRIFT: "", LAYOUT: corefile.layout()}


def _lookup(props: Values) -> Lookup:
    return Lookup(
        federation=props["federation"],
        zone=props["zone"],
        servers=tuple(props["servers"]),
        region=props["region"],
        zones=tuple(props["zones"]),
        # Not in the states of before.
        config_map=props.get("configMap", ""),
    )


def _obstacle(props: Values, before: Values | None) -> str | None:
    """Why the federation cannot be put in; None also where the member does not answer, which is not said twice."""
    lookup, old = _lookup(props), _lookup(before) if before else None
    try:
        with opened("its API", props["kubeconfig"]) as api:
            config_maps.joined(kube_system.found(api, [lookup, *([old] if old else [])]), lookup, old)
    except ClusterDnsError as error:
        return f"{error}; {ALLOWED}"
    except ProviderError:
        return None
    return None


def _write(props: Values, concerned: Sequence[Values], plan: Callable[[ConfigMaps], ConfigMaps]) -> None:
    with _reporting(props) as api:
        kube_system.change(api, [_lookup(each) for each in concerned], plan)


def _drift(props: Values) -> str:
    with _reporting(props) as api:
        found = kube_system.found(api, [_lookup(props)])
        try:
            wanted = config_maps.joined(found, _lookup(props), _lookup(props))
        except ClusterDnsError as error:
            return str(error)
    changed = config_maps.changed(found, wanted)
    return "; ".join(f"ConfigMap kube-system/{name} is not as it was left" for name in changed)


@contextmanager
def _reporting(props: Values) -> Iterator[Client]:
    """A client for the member; whatever goes wrong is told with the member's name."""
    member = f"member {props['member']}"
    try:
        with opened("its API", props["kubeconfig"]) as api:
            yield api
    except ClusterDnsError as error:
        raise ProviderError(f"{member}: {error}; {ALLOWED}") from None
    except ProviderError as error:
        raise type(error)(f"{member}: {error}") from None
