"""`keepWorkloads`: a member that leaves goes on running what the federation brought it.

Karmada leaves an object in the member when the Work that carries it says so at the moment it is deleted. That can be
said only at the end, as it would hold for each deletion in the federation API too. So this resource, deleted right
before the Cluster, says it once and labels the Works' namespace, by which the program's admission policy goes on
saying it with every write.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from federation.clusters.connection import find, get, send
from federation.settings.keys import KEEP_WORKLOADS, STAYING
from federation.settings.names import works_namespace
from kube.client import Client
from kube.errors import ApiError
from provider.clusters import opened
from provider.resource import ProviderError, Resource
from provider.values import Values

_ROUNDS = 10
"""How often the Works are looked through; more than twice only if the admission policy is slow to hear of the label."""


class KeptWorkloads(Resource):
    """The last thing before a member's Cluster goes: has Karmada let go of the workloads, and take its marks off."""

    async def create(self, new: Values) -> Values:
        # A leave that was given up half-way may have left the label.
        await self.work.call(_let_stay_in, new, False)
        return {}

    async def update(self, state: Values, old: Values, new: Values) -> Values:
        return {}

    async def delete(self, state: Values) -> None:
        # Karmada would try to take its marks off a dead member, for ever. What runs there it leaves alone anyway.
        if state["cluster"] not in self.gone:
            await self.work.call(_let_go, state)


def _let_go(props: Values) -> None:
    name = props["cluster"]
    with opened("the federation API", props["kubeconfig"]) as api:
        cluster = find(api, f"/apis/cluster.karmada.io/v1alpha1/clusters/{name}")
        if cluster is None or KEEP_WORKLOADS not in cluster["metadata"].get("annotations", {}):
            return
        if not _ready(cluster):
            raise ProviderError(
                f"member {name} is not Ready, so that Karmada cannot let go of its workloads (keepWorkloads); "
                "go on when it is, or, if it is gone for good, set unreachable: true for it"
            )
        _let_stay(api, name, True)


def _let_stay_in(props: Values, wanted: bool) -> None:
    with opened("the federation API", props["kubeconfig"]) as api:
        _let_stay(api, props["cluster"], wanted)


def _let_stay(api: Client, member: str, wanted: bool) -> None:
    path = f"/api/v1/namespaces/{works_namespace(member)}"
    namespace = find(api, path)
    if namespace is None or (not wanted and not STAYING.items() <= namespace["metadata"].get("labels", {}).items()):
        return
    send(api, "PATCH", path, {"metadata": {"labels": STAYING if wanted else dict.fromkeys(STAYING)}})
    works = f"/apis/work.karmada.io/v1alpha1/namespaces/{works_namespace(member)}/works"
    for _ in range(_ROUNDS):
        others = [work for work in get(api, works)["items"] if _carries_workload(work) and _stays(work) != wanted]
        if not others:
            return
        for work in others:
            _say(api, f"{works}/{work['metadata']['name']}", wanted)
    raise ProviderError(
        f"member {member}: something writes its Works anew all the time, such as {others[0]['metadata']['name']}; "
        f"they must have preserveResourcesOnDeletion {str(wanted).lower()}"
    )


def _say(api: Client, path: str, wanted: bool) -> None:
    try:
        send(api, "PATCH", path, {"spec": {"preserveResourcesOnDeletion": wanted}})
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


def _ready(cluster: Any) -> bool:
    conditions = cluster.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _carries_workload(work: Any) -> bool:
    return all(each["kind"] != "Cluster" for each in work["metadata"].get("ownerReferences", []))


def _stays(work: Any) -> bool:
    return bool(work["spec"].get("preserveResourcesOnDeletion"))
