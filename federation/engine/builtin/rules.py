"""What the built-in engine may do in the federation API, as rules of Kubernetes RBAC. Pure.

What it may do in a member: federation/access.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from federation.access import READ, RESOURCES, Rule, on

CREDENTIALS: Sequence[Rule] = [{"api_groups": [""], "resources": ["secrets"], "verbs": ["get"]}]
"""In the Namespace of the members' credentials."""


EVERYWHERE: Sequence[Rule] = [
    # All kinds that there are: what was carried once has our finalizers still, and they must go
    # or its objects could never be deleted. A finalizer is a patch.
    *on(RESOURCES, ["list", "watch", "patch"]),
    {"api_groups": [""], "resources": ["namespaces"], "verbs": [*READ, "patch"]},
    {"api_groups": [""], "resources": ["events"], "verbs": ["create"]},
    {"api_groups": ["cluster.karmada.io"], "resources": ["clusters"], "verbs": ["list", "watch", "patch"]},
    {"api_groups": ["cluster.karmada.io"], "resources": ["clusters/status"], "verbs": ["patch"]},
]
"""In the whole federation API. Nothing is made or deleted there."""
