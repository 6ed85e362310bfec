"""One provider for each cluster context; the components are handed these and never look one up."""

from __future__ import annotations

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from federation import kubeconfig
from federation.kubeconfig import Kubeconfig


def provider(name: str, cluster: str, config: Kubeconfig, *, refused: bool = False, gone: bool = False) -> k8s.Provider:
    """The provider `name` of the cluster that the configuration calls `cluster`.

    By that identifier, and not by its endpoint, user or context name, Pulumi knows the cluster again: when they
    change, nothing is replaced. Refused credentials do not take the place of those in the state; what is to be deleted
    in a cluster that is `gone` is forgotten.
    """
    return k8s.Provider(
        name,
        kubeconfig=Output.secret(kubeconfig.dump(config)),
        cluster_identifier=cluster,
        # A renewed token or certificate is written into its Secret; the default is to replace the object.
        enable_secret_mutable=True,
        enable_config_map_mutable=True,
        # What somebody else has written into our fields is put back; the default is a conflict, in the preview already.
        enable_patch_force=True,
        # A run that was killed has made things that it could not note down; `ownership` keeps foreign ones safe.
        upsert_existing_objects=True,
        delete_unreachable=True if gone else None,
        opts=ResourceOptions(ignore_changes=["kubeconfig"] if refused else []),
    )
