"""Whether a Namespace in a member holds what would be lost with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus

from controllers.engine.pages import all_metadata
from controllers.runtime.api import Api
from controllers.runtime.objects import Json
from kube.errors import ApiError
from kube.kinds import API_VERSIONS, NAMESPACE, collection

_PODS = "/api/v1/namespaces/{}/pods"
_REPLICA_SETS = "/apis/apps/v1/namespaces/{}/replicasets/{}"
_AROUND = {
    ("v1", "ResourceQuota"): "/api/v1/namespaces/{}/resourcequotas",
    ("v1", "LimitRange"): "/api/v1/namespaces/{}/limitranges",
    ("rbac.authorization.k8s.io/v1", "Role"): "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    ("networking.k8s.io/v1", "NetworkPolicy"): "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    ("policy/v1", "PodDisruptionBudget"): "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
}
"""API and kind, and where they are, of what people put around workloads."""
_MADE_BY_ITSELF = frozenset([("configmaps", "kube-root-ca.crt"), ("serviceaccounts", "default")])
"""What each Namespace has."""
_LOOKED_AT = frozenset([*((version, kind) for kind, version in API_VERSIONS.items()), ("v1", "Pod"), *_AROUND])
"""API and kind of what counts by itself: what it owns goes with it, or stays."""
_REPLICA_SET = "apps/v1", "ReplicaSet"


def foreign(api: Api, namespace: str, goes: Callable[[Json], bool]) -> str:
    """One object that would be lost, as `configmaps/name`; empty if there is none.

    It looks at the kinds that can be carried, at pods and, where it may, at what is `_AROUND` them. `goes` tells by its
    metadata what goes in any case. Whose owner is of another kind, such as a custom resource, is that one's, and not
    ours. Raises what Api's calls raise.
    """
    paths = [collection(kind, namespace) for kind in API_VERSIONS if kind != NAMESPACE] + [_PODS.format(namespace)]
    found = {path: all_metadata(api, path) for path in paths}
    found |= {path.format(namespace): _where_allowed(api, path.format(namespace)) for path in _AROUND.values()}
    replica_sets: dict[str, bool] = {}
    for path, objects in found.items():
        plural = path.rpartition("/")[2]
        for metadata in objects:
            name = metadata["name"]
            if (plural, name) in _MADE_BY_ITSELF or goes(metadata):
                continue
            owners = metadata.get("ownerReferences") or ()
            for replica_set in (each["name"] for each in owners if _is(each) == _REPLICA_SET):
                if replica_set not in replica_sets:
                    replica_sets[replica_set] = _is_of_a_deployment(api, namespace, replica_set)
            if not (owners and all(_counts_by_itself(each, replica_sets) for each in owners)):
                return f"{plural}/{name}"
    return ""


def _where_allowed(api: Api, path: str) -> Iterator[Json]:
    """The metadata of each object; none where we may not list them, or where the member's API has no such kind."""
    try:
        yield from all_metadata(api, path)
    except ApiError as error:
        if error.status not in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise


def _is(owner: Json) -> tuple[str, str]:
    return owner["apiVersion"], owner["kind"]


def _counts_by_itself(owner: Json, replica_sets: dict[str, bool]) -> bool:
    return _is(owner) in _LOOKED_AT or (_is(owner) == _REPLICA_SET and replica_sets[owner["name"]])


def _is_of_a_deployment(api: Api, namespace: str, replica_set: str) -> bool:
    """Whether a Deployment made the ReplicaSet; one that is gone takes its pods along."""
    try:
        found = api.metadata(_REPLICA_SETS.format(namespace, replica_set))
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return True
    owners = found["metadata"].get("ownerReferences") or ()
    return bool(owners) and all(_is(each) in _LOOKED_AT for each in owners)
