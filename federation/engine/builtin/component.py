"""The built-in engine: federation-controller-manager (controllers/engine), and the kinds that it serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import yaml
from pulumi import Input, Output, ResourceOptions

from federation.engine import choice
from federation.engine.builtin import rules
from federation.engine.builtin.departure import Departure
from federation.engine.builtin.rules import CONTROLLER_MANAGER
from federation.engine.contract import EngineArgs, ForMembers, Terms
from federation.parts.roles import grant, grant_within, user
from federation.parts.workload import KUBECONFIG, Probe, Program, Workload, WorkloadArgs
from federation.settings import access
from federation.settings.schema import Settings

USER = "federation:controller-manager"
"""Of the federation API: the common name of its certificate."""
TERMS = Terms(system_namespace="federation-system", needs=access.BUILTIN, users=(USER,))


class Builtin(pulumi.ComponentResource):
    """Carries what is created in the federation API to every member, or to those that an annotation names."""

    for_members: ForMembers

    def __init__(self, name: str, args: EngineArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Builtin", name, None, opts)
        control_plane = args.control_plane
        in_api = ResourceOptions(parent=self, provider=control_plane.api, deleted_with=control_plane.namespace)
        everywhere = grant(
            USER, {"name": USER}, _rules(rules.everywhere(args.settings.propagation.kinds)), user(USER), in_api
        )
        credentials = grant_within(
            f"{USER}-credentials",
            {"name": USER, "namespace": control_plane.credentials_namespace},
            _rules(rules.CREDENTIALS),
            user(USER),
            in_api,
        )
        leading = grant_within(
            f"{USER}-lease",
            {"name": USER, "namespace": control_plane.system_namespace},
            _rules(rules.LEADING),
            user(USER),
            in_api,
        )
        # For what follows a new kind, the provider reads the API's whole OpenAPI document again (docs/design.md).
        last = ResourceOptions.merge(in_api, ResourceOptions(depends_on=[everywhere, credentials, leading]))
        hooks = ResourceOptions(hooks=choice.refuse_another("builtin", control_plane.kubeconfig))
        kinds = [
            clusters := _kind("cluster.yaml", ResourceOptions.merge(last, hooks)),
            _kind("propagation.yaml", last),
        ]
        Workload(
            CONTROLLER_MANAGER,
            WorkloadArgs(
                control_plane.host.provider,
                control_plane.namespace,
                _program(args.settings, control_plane.system_namespace),
                control_plane.replicas,
                control_plane.user_kubeconfigs[USER],
                needs=kinds,
            ),
            ResourceOptions(parent=self),
        )

        def leave(member: str, _keeping: bool, after: ResourceOptions) -> None:
            ours = ResourceOptions.merge(after, ResourceOptions(provider=args.our_provider))
            Departure(f"{member}-departure", member, control_plane.kubeconfig, ours)

        self.for_members = ForMembers(
            cluster_kind=clusters,
            admits=[],
            ready=self,
            # It reads a member's token anew whenever it has changed.
            rereads=None,
            # The annotation of the Cluster says it all.
            keep_workloads=lambda _member, _in_api: [],
            leave=leave,
        )
        self.register_outputs({})


def _kind(file: str, opts: ResourceOptions) -> pulumi.CustomResource:
    """A kind that the federation API is to serve."""
    definition = yaml.safe_load((Path(__file__).parent / file).read_text())
    token = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
    return pulumi.CustomResource(token, definition["metadata"]["name"], definition, opts)


def _rules(given: Sequence[access.Rule]) -> list[k8s.rbac.v1.PolicyRuleArgs]:
    return [k8s.rbac.v1.PolicyRuleArgs(**rule) for rule in given]


def _program(settings: Settings, lease_namespace: Output[str]) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "federation": settings.name,
        "kinds": ",".join(settings.propagation.kinds),
        "clusters": ",".join(settings.propagation.clusters),
    }
    command: list[Input[str]] = [
        *("python3", "-m", "controllers.engine"),
        *(f"--{name}={value}" for name, value in flags.items() if value),
        Output.concat("--lease-namespace=", lease_namespace),
    ]
    return Program(
        CONTROLLER_MANAGER,
        settings.images.controllers,
        command,
        ready=Probe("/healthz", 8080, "HTTP"),
        live=Probe("/livez", 8080, "HTTP"),
        scratch=True,
    )
