"""Whether a Namespace in a member holds what somebody else put there."""

from __future__ import annotations

from collections.abc import Callable

from controllers.engine.kinds import API_VERSIONS, NAMESPACE, collection
from controllers.engine.pages import all_metadata
from controllers.runtime.api import Api
from controllers.runtime.objects import Json

_PODS = "/api/v1/namespaces/{}/pods"
_MADE_BY_ITSELF = frozenset(["kube-root-ca.crt", "default"])
"""A ConfigMap and a ServiceAccount that each Namespace has."""


def foreign(api: Api, namespace: str, is_ours: Callable[[Json], bool]) -> str:
    """One object that is neither ours nor made of ours, as `configmaps/name`; empty if there is none.

    It looks at the kinds that can be carried, and at pods.
    """
    paths = [collection(kind, namespace) for kind in API_VERSIONS if kind != NAMESPACE] + [_PODS.format(namespace)]
    for path in paths:
        for metadata in all_metadata(api, path):
            if not (metadata.get("ownerReferences") or metadata["name"] in _MADE_BY_ITSELF or is_ours(metadata)):
                return f"{path.rpartition('/')[2]}/{metadata['name']}"
    return ""
