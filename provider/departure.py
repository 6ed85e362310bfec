"""A member that is gone for good leaves without being asked: the built-in engine is told, before its Cluster goes."""

from __future__ import annotations

from http import HTTPStatus

from federation.clusters.connection import send
from federation.settings.keys import UNREACHABLE
from kube.errors import ApiError
from provider.clusters import opened
from provider.resource import Resource
from provider.values import Values


class Departure(Resource):
    """What counts is its deletion. Of a member that still answers it says nothing: the engine asks that one itself."""

    async def create(self, new: Values) -> Values:
        return {}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        return {}

    async def delete(self, state: Values) -> None:
        if state["cluster"] in self.gone:
            await self.work.call(_give_up, state)


def _give_up(props: Values) -> None:
    path = f"/apis/cluster.karmada.io/v1alpha1/clusters/{props['cluster']}"
    with opened("the federation API", props["kubeconfig"]) as api:
        try:
            send(api, "PATCH", path, {"metadata": {"annotations": {UNREACHABLE: "true"}}})
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
