"""What an engine and the rest of the program know of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pulumi import ProviderResource, Resource, ResourceOptions

from federation.control_plane import ControlPlane
from federation.settings.access import Needs
from federation.settings.schema import Settings


@dataclass(frozen=True)
class Terms:
    """What an engine asks for, before anything of it is made."""

    system_namespace: str
    """Namespace inside the federation API for its leases, and for records."""
    needs: Needs
    """What it may do in each member."""
    services: Sequence[str] = ()
    """Its Services in the host's Namespace that the API server calls."""
    etcd_clients: Sequence[str] = ()
    """Its programs that use etcd themselves."""
    users: Sequence[str] = ()
    """Users of the federation API that it works as; none: it works as the admin."""


@dataclass
class EngineArgs:
    control_plane: ControlPlane
    settings: Settings
    our_provider: ProviderResource
    """Provider of our own resources."""


@dataclass(frozen=True)
class ForMembers:
    """What members get from an engine."""

    cluster_kind: Resource
    """Serves the kind Cluster: who only reads Clusters need not wait until somebody works on them."""
    admits: Sequence[Resource]
    """Without it, nothing else can be made in the federation API."""
    ready: Resource
    """Works from before a Cluster is made until after it is gone."""
    rereads: str | None
    """Deployment in the host that goes on with a member's old token until its pods are rolled; None: there is none."""
    keep_workloads: Callable[[str, ResourceOptions], Sequence[Resource]]
    """Makes what must be there before the Cluster of a member that keeps its workloads; options lead to the API."""
    leave: Callable[[str, bool, ResourceOptions], None]
    """Makes what is deleted right before a member's Cluster; whether it keeps its workloads; parent and order."""
