"""Roles inside the federation API: Karmada's kinds for view and edit, and the proxy to members for its admin.

Source: artifacts/deploy/admin-clusterrole-aggregation.yaml and cluster-proxy-admin-rbac.yaml of Karmada v1.18.2.
"""

from __future__ import annotations

import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

from federation.parts.roles import grant, user

KINDS = {
    "autoscaling.karmada.io": ["cronfederatedhpas", "federatedhpas"],
    "multicluster.x-k8s.io": ["serviceexports", "serviceimports"],
    "networking.karmada.io": ["multiclusteringresses", "multiclusterservices"],
    "policy.karmada.io": ["overridepolicies", "propagationpolicies"],
    "work.karmada.io": ["resourcebindings", "works"],
}
WITHOUT_STATUS = {"policy.karmada.io"}
VERBS = {
    "view": ["get", "list", "watch"],
    "edit": ["create", "delete", "deletecollection", "patch", "update"],
}

PROXY_ADMIN = "cluster-proxy-admin"
ADMIN_USER = "system:admin"


def roles(opts: ResourceOptions) -> None:
    """Create the ClusterRoles, and the binding of the proxy role to the admin certificate's user."""
    for access, verbs in VERBS.items():
        k8s.rbac.v1.ClusterRole(
            f"karmada-{access}",
            metadata={
                "name": f"karmada-{access}",
                "labels": {f"rbac.authorization.k8s.io/aggregate-to-{access}": "true"},
            },
            rules=[
                {"api_groups": [group], "resources": _with_status(group, kinds), "verbs": verbs}
                for group, kinds in KINDS.items()
            ],
            opts=opts,
        )
    proxy: k8s.rbac.v1.PolicyRuleArgsDict = {
        "api_groups": ["cluster.karmada.io"],
        "resources": ["clusters/proxy"],
        "verbs": ["*"],
    }
    grant(PROXY_ADMIN, {"name": PROXY_ADMIN}, [proxy], user(ADMIN_USER), opts)


def _with_status(group: str, kinds: list[str]) -> list[str]:
    return kinds if group in WITHOUT_STATUS else [name for kind in kinds for name in (kind, f"{kind}/status")]
