"""Rights for one user or account, in a whole cluster or in one namespace."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

RBAC = "rbac.authorization.k8s.io"
Rule = k8s.rbac.v1.PolicyRuleArgs | k8s.rbac.v1.PolicyRuleArgsDict


def grant(
    resource: str,
    metadata: k8s.meta.v1.ObjectMetaArgsDict,
    rules: Sequence[Rule],
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


def grant_within(
    resource: str,
    metadata: k8s.meta.v1.ObjectMetaArgsDict,
    rules: Sequence[Rule],
    subject: k8s.rbac.v1.SubjectArgsDict,
    opts: ResourceOptions,
) -> k8s.rbac.v1.RoleBinding:
    """A Role with these rules in the metadata's namespace, and the binding of the subject to it."""
    role = k8s.rbac.v1.Role(resource, metadata=metadata, rules=rules, opts=opts)
    return k8s.rbac.v1.RoleBinding(
        resource,
        metadata=metadata,
        role_ref={"api_group": RBAC, "kind": "Role", "name": role.metadata.name},
        subjects=[subject],
        opts=opts,
    )


def user(name: str) -> k8s.rbac.v1.SubjectArgsDict:
    """The user of a client certificate with this common name."""
    return {"api_group": RBAC, "kind": "User", "name": name}
