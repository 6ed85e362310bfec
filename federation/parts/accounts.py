"""ServiceAccounts of a member, with tokens that others use to call its API."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions


def service_account(
    member: str,
    account: str,
    namespace: k8s.core.v1.Namespace,
    generation: int,
    *,
    labels: Mapping[str, str],
    opts: ResourceOptions,
) -> Output[Mapping[str, str]]:
    """A ServiceAccount with a token that does not expire; returns the token Secret's data (base64).

    A token is good for as long as its Secret is there. Each generation has one of its own: the next is there and
    handed out before Pulumi, at the end of its update, deletes the one before.
    """
    metadata: k8s.meta.v1.ObjectMetaArgsDict = {"name": account, "namespace": namespace.metadata.name}
    created = k8s.core.v1.ServiceAccount(f"{member}-{account}", metadata={**metadata, "labels": labels}, opts=opts)
    # Kubernetes 1.24 and later make no token by themselves; Pulumi waits until the member has filled this one.
    token = k8s.core.v1.Secret(
        f"{member}-{account}-token" if generation == 1 else f"{member}-{account}-token-{generation}",
        metadata={
            **metadata,
            # With a dot, which no account has in its name.
            "name": account if generation == 1 else f"{account}.{generation}",
            "annotations": {"kubernetes.io/service-account.name": created.metadata.name},
        },
        type="kubernetes.io/service-account-token",
        opts=opts,
    )
    data: Output[Mapping[str, str]] = token.data
    return data
