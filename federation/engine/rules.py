"""What the engine `builtin` may do in the federation API and in a member, as rules of Kubernetes RBAC. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from federation.access import READ, RESOURCES, WRITE, Rule
from federation.settings import Kind

USER = "federation:controller-manager"
"""In the federation API."""


CREDENTIALS: Sequence[Rule] = [{"api_groups": [""], "resources": ["secrets"], "verbs": ["get"]}]
"""In the federation API, within the namespace of the members' credentials."""


def in_api(kinds: Sequence[Kind]) -> Sequence[Rule]:
    """In the whole of the federation API."""
    return [
        # A finalizer is written to what is carried. No object is made or deleted here.
        *_on(kinds, [*READ, "patch"]),
        {"api_groups": [""], "resources": ["namespaces"], "verbs": [*READ, "patch"]},
        {"api_groups": [""], "resources": ["events"], "verbs": ["create"]},
        {"api_groups": ["cluster.karmada.io"], "resources": ["clusters"], "verbs": [*READ, "patch"]},
        {"api_groups": ["cluster.karmada.io"], "resources": ["clusters/status"], "verbs": ["patch"]},
    ]


def in_member(kinds: Sequence[Kind]) -> Sequence[Rule]:
    """In the whole of a member whose access is `full`."""
    every_kind: Sequence[Kind] = tuple(RESOURCES)
    return [
        {"non_resource_urls": ["/readyz", "/version"], "verbs": ["get"]},
        {"api_groups": [""], "resources": ["nodes"], "verbs": ["get", "list"]},
        {"api_groups": [""], "resources": ["namespaces"], "verbs": [*READ, *WRITE, "patch"]},
        *_on(kinds, [*READ, *WRITE, "patch"]),
        # Whether a Namespace that goes holds what others put there: names only are asked for.
        {"api_groups": [""], "resources": ["pods"], "verbs": ["list"]},
        *_on([kind for kind in every_kind if kind not in kinds], ["list"]),
    ]


def _on(kinds: Sequence[Kind], verbs: Sequence[str]) -> Sequence[Rule]:
    groups: dict[str, list[str]] = {}
    for group, resource in map(RESOURCES.__getitem__, kinds):
        groups.setdefault(group, []).append(resource)
    return [{"api_groups": [group], "resources": resources, "verbs": verbs} for group, resources in groups.items()]
