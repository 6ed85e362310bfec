"""Karmada from its released images: four programs in the host cluster, and what they need inside the federation API."""

from __future__ import annotations

import base64

import pulumi
from pulumi import Resource, ResourceOptions

from federation.clusters import providers
from federation.engine import choice
from federation.engine.contract import EngineArgs, ForMembers, Terms
from federation.engine.karmada import crds, kept_workloads, programs
from federation.engine.karmada.contents import Admission, AdmissionArgs, ApiContents, ApiContentsArgs
from federation.engine.karmada.kept_workloads import KeptWorkloads
from federation.engine.karmada.programs import AGGREGATED, CONTROLLER_MANAGER, WEBHOOK
from federation.engine.karmada.propagation import Propagation, PropagationArgs
from federation.parts.workload import Program, Workload, WorkloadArgs
from federation.settings import access
from federation.settings.names import own_namespace

TERMS = Terms(
    # Fixed in Karmada, whatever the host's namespace is called.
    system_namespace="karmada-system",
    needs=access.KARMADA,
    services=(WEBHOOK, AGGREGATED),
    etcd_clients=(AGGREGATED,),
)


class Karmada(pulumi.ComponentResource):
    """Carries objects by Karmada's policies. What is started waits for what it needs, in strict order.

    Side by side, the programs crash until their peers are there, which is slower.
    """

    for_members: ForMembers

    def __init__(self, name: str, args: EngineArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Karmada", name, None, opts)
        child = ResourceOptions(parent=self)
        control_plane, settings = args.control_plane, args.settings
        host, namespace, pki = control_plane.host, control_plane.namespace, control_plane.pki
        ca_bundle = pki.authorities["root"].apply(lambda pem: base64.b64encode(pem.encode()).decode())
        webhook_url = f"https://{WEBHOOK}.{settings.host.namespace}.svc:443"

        def start(program: Program, *needs: Resource) -> Workload:
            return Workload(
                program.name,
                WorkloadArgs(host.provider, namespace, program, control_plane.replicas, control_plane.inside, needs),
                child,
            )

        aggregated = start(
            programs.aggregated_apiserver(settings.images, settings.host.namespace, pki), control_plane.apiserver
        )
        webhook = start(programs.webhook(settings.images, pki), control_plane.apiserver)
        contents = ApiContents(
            "api-contents",
            ApiContentsArgs(
                api=control_plane.api,
                kinds=providers.provider(
                    "api-kinds",
                    control_plane.federation,
                    control_plane.kubeconfig,
                    ResourceOptions(parent=self, depends_on=[control_plane.apiserver]),
                    silent=host.silent,
                ),
                host_namespace=settings.host.namespace,
                webhook_url=webhook_url,
                ca_bundle=ca_bundle,
                system_namespace=control_plane.system_namespace,
                crds=crds.load(settings.crds, crds.bundle_folder()),
                aggregated_apiserver=aggregated,
                vanishes_with=namespace,
                only_engine=choice.refuse_another("karmada", control_plane.kubeconfig),
            ),
            child,
        )
        # The webhook converts between the versions of kinds: an upgrade renews it before those who write them.
        start(
            programs.controller_manager(settings.images, own_namespace(control_plane.federation)),
            contents,
            control_plane.controllers,
            webhook,
        )
        start(programs.scheduler(settings.images), contents, webhook)
        admission = Admission(
            "admission",
            AdmissionArgs(control_plane.api, webhook_url, ca_bundle, vanishes_with=namespace),
            ResourceOptions(parent=self, depends_on=[webhook, contents]),
        )
        Propagation(
            "propagation",
            PropagationArgs(control_plane.api, settings.propagation, namespace),
            ResourceOptions(parent=self, depends_on=[admission]),
        )

        def leave(member: str, keeping: bool, after: ResourceOptions) -> None:
            if not keeping:
                return
            ours = ResourceOptions.merge(after, ResourceOptions(provider=args.our_provider))
            KeptWorkloads(f"{member}-kept-workloads", member, control_plane.kubeconfig, ours)

        self.for_members = ForMembers(
            cluster_kind=self,
            # Its webhooks judge what is made in the API, and fail closed.
            admits=[self],
            ready=self,
            rereads=CONTROLLER_MANAGER,
            keep_workloads=lambda member, in_api: [kept_workloads.policy(member, in_api)],
            leave=leave,
        )
        self.register_outputs({})
