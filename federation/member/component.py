"""`kubefed join`: a cluster's membership, in the member itself and in the federation API (Push mode)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import CustomTimeouts, Input, Resource, ResourceHookBinding, ResourceOptions

from federation.clusters.providers import Cluster
from federation.control_plane import ControlPlane
from federation.engine import ForMembers, Terms
from federation.parts import readiness
from federation.parts.accounts import service_account
from federation.parts.roles import grant, grant_within
from federation.parts.workload import READY_WITHIN, digest
from federation.settings import access, names, reach, schema
from federation.settings.access import IMPERSONATOR, Rights
from federation.settings.keys import CONTROL_PLANE, FEDERATION, KEEP_WORKLOADS, NAMESPACES, TOKEN
from federation.settings.schema import Kind

WRITTEN_BY_KARMADA = ["spec.taints", "spec.resourceModels"]
"""Fields of a Cluster that are left to Karmada's controllers, on either engine."""

ACCOUNT = "engine"
"""ServiceAccount in the member that the engine works as."""


@dataclass
class MemberArgs:
    cluster: Cluster
    """The joining one."""
    settings: schema.Member
    control_plane: ControlPlane
    """Alive from before the Cluster is made until after it is gone."""
    engine: ForMembers
    terms: Terms
    propagated: Sequence[Kind]
    """The kinds that reach members without a policy."""


class Member(pulumi.ComponentResource):
    """One cluster of the federation. Done when the federation reports it Ready."""

    namespace: k8s.core.v1.Namespace
    """In the member: the Namespace of the accounts that the federation uses there."""
    sees: Sequence[str]
    """The only namespaces of the member that the federation looks into; empty: all."""

    def __init__(self, name: str, args: MemberArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Member", name, None, opts)
        in_member = ResourceOptions(parent=self, provider=args.cluster.provider)
        in_api = ResourceOptions(parent=self, provider=args.control_plane.api)
        credentials_namespace = args.control_plane.credentials_namespace
        federation = args.control_plane.federation
        labels = {FEDERATION: federation}
        guarded = ResourceOptions.merge(in_member, ResourceOptions(hooks=args.cluster.refuse_foreign))

        namespace = self.namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": names.own_namespace(federation),
                "labels": labels,
                "annotations": args.control_plane.identity.apply(lambda known: {CONTROL_PLANE: known} if known else {}),
            },
            opts=guarded,
        )
        # What lies outside of the Namespace waits for it: if it is refused, nothing is written over.
        outside = ResourceOptions.merge(guarded, ResourceOptions(depends_on=[namespace]))
        rights = access.rights(args.settings.access, args.propagated, args.terms.needs, proxy=args.settings.proxy)
        self.sees = rights.namespaces if rights.looks_within else ()
        ready_within = args.settings.ready_within
        generation = args.settings.token_generation
        token = service_account(name, ACCOUNT, namespace, generation, labels=labels, opts=in_member)
        granted = _grant(
            f"{name}-access",
            {"name": f"federation:{federation}:engine", "labels": labels},
            rights,
            {"kind": "ServiceAccount", "namespace": namespace.metadata.name, "name": ACCOUNT},
            outside,
        )

        secret = k8s.core.v1.Secret(
            f"{name}-credentials",
            metadata={"name": name, "namespace": credentials_namespace, "labels": labels},
            data={"caBundle": token["ca.crt"], "token": token["token"]},
            opts=in_api,
        )
        references = {"secretRef": {"namespace": credentials_namespace, "name": secret.metadata.name}}
        if rights.proxy:
            # Guarded though it is in our Namespace: Karmada gives its binding one fixed name for all federations.
            impersonator_token = service_account(name, IMPERSONATOR, namespace, generation, labels=labels, opts=outside)
            impersonation = k8s.core.v1.Secret(
                f"{name}-impersonation",
                metadata={"name": f"{name}-impersonator", "namespace": credentials_namespace, "labels": labels},
                data={"token": impersonator_token["token"]},
                opts=in_api,
            )
            references["impersonatorSecretRef"] = {
                "namespace": credentials_namespace,
                "name": impersonation.metadata.name,
            }
        if generation > 1 and args.engine.rereads:
            # Karmada 1.18 writes with the token that is in the Secret, but watches with the one that it began with.
            watching = ResourceOptions(
                parent=self, provider=args.control_plane.host.provider, depends_on=[secret, args.engine.ready]
            )
            _have_reread(name, token["token"], args.engine.rereads, args.control_plane.namespace, watching)
        way = reach.fields(args.cluster.kubeconfig, args.settings.api_endpoint)
        if "insecureSkipTLSVerification" in way:
            pulumi.log.warn(
                f"member {name}: its certificate is not checked, as its context says insecure-skip-tls-verify: whoever "
                f"answers as {way['apiEndpoint']} gets the token that the federation has in the member; "
                "with apiEndpoint the control plane checks it"
            )
        keeping = args.settings.keep_workloads
        before = args.engine.keep_workloads(name, in_api) if keeping else []
        registration = k8s.apiextensions.CustomResource(
            f"{name}-cluster",
            api_version="cluster.karmada.io/v1alpha1",
            kind="Cluster",
            metadata={
                "name": name,
                # The API keeps no empty map, and no empty list: it would show as drift for ever.
                **({"labels": args.settings.labels} if args.settings.labels else {}),
                "annotations": {
                    "pulumi.com/waitFor": "condition=Ready",
                    **({KEEP_WORKLOADS: "true"} if keeping else {}),
                    **({NAMESPACES: ",".join(self.sees)} if self.sees else {}),
                },
            },
            spec={
                "syncMode": "Push",
                "id": args.cluster.uid,
                **way,
                "region": args.settings.region,
                **({"zones": list(args.settings.zones)} if args.settings.zones else {}),
                **references,
            },
            opts=ResourceOptions.merge(
                in_api,
                ResourceOptions(
                    # The first probe must succeed: after a failed one Karmada waits 30 s before it believes a good one.
                    depends_on=[*granted, args.engine.ready, *before],
                    ignore_changes=WRITTEN_BY_KARMADA if args.cluster.uid else [*WRITTEN_BY_KARMADA, "spec.id"],
                    custom_timeouts=CustomTimeouts(create=ready_within, update=ready_within, delete="5m"),
                    hooks=ResourceHookBinding(on_error=[readiness.explain(name, args.control_plane.kubeconfig)]),
                ),
            ),
        )
        args.engine.leave(name, keeping, ResourceOptions(parent=self, depends_on=[registration]))
        self.register_outputs({})


def _grant(
    resource: str,
    metadata: k8s.meta.v1.ObjectMetaArgsDict,
    rights: Rights,
    subject: k8s.rbac.v1.SubjectArgsDict,
    opts: ResourceOptions,
) -> Sequence[Resource]:
    everywhere, within = (
        [k8s.rbac.v1.PolicyRuleArgs(**rule) for rule in rules] for rules in (rights.everywhere, rights.within)
    )
    return [
        grant(resource, metadata, everywhere, subject, opts),
        *(
            grant_within(f"{resource}-{namespace}", {**metadata, "namespace": namespace}, within, subject, opts)
            for namespace in rights.namespaces
        ),
    ]


def _have_reread(
    member: str, token: Input[str], deployment: str, namespace: k8s.core.v1.Namespace, opts: ResourceOptions
) -> None:
    """Roll the pods of a Deployment in the host cluster that would go on with the member's old token.

    A field of its own in a Deployment that is managed elsewhere: that one comes before the members, this after them.
    """
    rolled = ResourceOptions(
        deleted_with=namespace, custom_timeouts=CustomTimeouts(create=READY_WITHIN, update=READY_WITHIN)
    )
    k8s.apps.v1.DeploymentPatch(
        f"{member}-token-reread",
        metadata={"name": deployment, "namespace": namespace.metadata.name},
        spec={"template": {"metadata": {"annotations": {f"{TOKEN}{member}": digest({"token": token})}}}},
        opts=ResourceOptions.merge(opts, rolled),
    )
