"""Rights in a whole cluster for one user or account."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

RBAC = "rbac.authorization.k8s.io"


def grant(
    resource: str,
    metadata: k8s.meta.v1.ObjectMetaArgsDict,
    rules: Sequence[k8s.rbac.v1.PolicyRuleArgsDict],
    subject: k8s.rbac.v1.SubjectArgsDict,
    opts: ResourceOptions,
) -> k8s.rbac.v1.ClusterRoleBinding:
    """A ClusterRole with these rules, and the binding of the subject to it; both have this metadata."""
    role = k8s.rbac.v1.ClusterRole(resource, metadata=metadata, rules=rules, opts=opts)
    return k8s.rbac.v1.ClusterRoleBinding(
        resource,
        metadata=metadata,
        role_ref={"api_group": RBAC, "kind": "ClusterRole", "name": role.metadata.name},
        subjects=[subject],
        opts=opts,
    )


def user(name: str) -> k8s.rbac.v1.SubjectArgsDict:
    """The user of a client certificate with this common name."""
    return {"api_group": RBAC, "kind": "User", "name": name}
