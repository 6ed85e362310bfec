"""What the built-in engine may do in the federation API, as rules of Kubernetes RBAC. Pure.

What it may do in a member: federation/settings/access.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from federation.settings.access import READ, RESOURCES, Rule, on
from federation.settings.schema import Kind

CONTROLLER_MANAGER = "federation-controller-manager"
"""The program, and the Lease by which one of its pods leads."""
CREDENTIALS: Sequence[Rule] = [{"api_groups": [""], "resources": ["secrets"], "verbs": ["get"]}]
"""In the Namespace of the members' credentials."""
LEADING: Sequence[Rule] = [
    # It is made by an update: for that alone can a rule name what is made.
    {
        "api_groups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resource_names": [CONTROLLER_MANAGER],
        "verbs": ["get", "create", "update"],
    }
]
"""In the system Namespace."""


TOLD: Sequence[Kind] = ("Service", "Deployment", "StatefulSet", "DaemonSet", "Job")
"""The kinds whose status comes back."""


def everywhere(kinds: Sequence[Kind]) -> Sequence[Rule]:
    """In the whole federation API, for an engine that carries these kinds.

    Nothing is made there but Events and reports.
    """
    return [
        # All kinds that there are: what was carried once has our finalizers still, and they must go, or its objects
        # could never be deleted. A finalizer is a patch.
        *on(RESOURCES, ["list", "watch", "patch"]),
        {"api_groups": [""], "resources": ["namespaces"], "verbs": [*READ, "patch"]},
        {"api_groups": [""], "resources": ["events"], "verbs": ["create"]},
        {"api_groups": ["cluster.karmada.io"], "resources": ["clusters"], "verbs": ["list", "watch", "patch"]},
        {"api_groups": ["cluster.karmada.io"], "resources": ["clusters/status"], "verbs": ["patch"]},
        *_statuses(kinds),
        {
            "api_groups": ["engine.federation"],
            "resources": ["propagations"],
            "verbs": ["list", "watch", "create", "patch", "delete"],
        },
    ]


def _statuses(kinds: Sequence[Kind]) -> Sequence[Rule]:
    """Writing the status of those that have one."""
    return [
        {**rule, "resources": [f"{resource}/status" for resource in rule["resources"]]}
        for rule in on([kind for kind in kinds if kind in TOLD], ["patch"])
    ]
