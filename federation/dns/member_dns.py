"""A member's part in DNS: what the controller may see there, and where its pods look the federation's names up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

from federation.clusters.providers import Cluster
from federation.control_plane import ControlPlane
from federation.dns.cluster_dns import ClusterDns, ClusterDnsArgs
from federation.dns.component import FederationDns
from federation.dns.records import CONTROLLER_USER
from federation.dns.withdrawal import Withdrawal
from federation.member import Member
from federation.parts.accounts import service_account
from federation.parts.roles import Rule, grant, grant_within, user
from federation.settings import kubeconfig, names, schema
from federation.settings.keys import FEDERATION

ACCOUNT = "federation-dns"


@dataclass
class MemberDnsArgs:
    cluster: Cluster
    settings: schema.Member
    member: Member
    control_plane: ControlPlane
    dns: FederationDns


class MemberDns(pulumi.ComponentResource):
    """An account that may see Services and their endpoints; its token, for the controller alone; lookups."""

    def __init__(self, name: str, args: MemberDnsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:MemberDns", name, None, opts)
        member, namespace = args.settings.name, args.member.namespace
        federation = args.dns.federation
        labels = {FEDERATION: federation}
        in_member = ResourceOptions(parent=self, provider=args.cluster.provider)
        in_api = ResourceOptions(parent=self, provider=args.control_plane.api)

        token = service_account(
            member, ACCOUNT, namespace, args.settings.token_generation, labels=labels, opts=in_member
        )
        _grant_reading(
            f"{member}-dns",
            {"name": f"federation:{federation}:dns", "labels": labels},
            args.member.sees,
            {"kind": "ServiceAccount", "namespace": namespace.metadata.name, "name": ACCOUNT},
            ResourceOptions.merge(
                in_member, ResourceOptions(hooks=args.cluster.refuse_foreign, depends_on=[namespace])
            ),
        )

        metadata: k8s.meta.v1.ObjectMetaArgsDict = {
            "name": names.dns_secret(member),
            "namespace": args.control_plane.credentials_namespace,
            "labels": labels,
        }
        secret = k8s.core.v1.Secret(
            f"{member}-dns",
            metadata=metadata,
            data={"caBundle": token["ca.crt"], "token": token["token"]},
            opts=in_api,
        )
        grant_within(
            f"{member}-dns",
            metadata,
            [
                {
                    "api_groups": [""],
                    "resources": ["secrets"],
                    "resource_names": [secret.metadata.name],
                    "verbs": ["get"],
                }
            ],
            user(CONTROLLER_USER),
            in_api,
        )
        cluster_dns = args.settings.cluster_dns
        lookups = []
        if cluster_dns != "none":
            lookup = ClusterDns(
                f"{member}-cluster-dns",
                ClusterDnsArgs(
                    member=member,
                    kubeconfig=kubeconfig.dump(args.cluster.kubeconfig),
                    federation=args.dns.federation,
                    zone=args.dns.domain,
                    servers=args.dns.lookup_servers,
                    region=args.settings.region,
                    zones=args.settings.zones,
                    config_map=None if cluster_dns == "auto" else cluster_dns.config_map,
                ),
                ResourceOptions(
                    parent=self,
                    provider=args.dns.our_provider,
                    # For what these wait for: another cluster behind the context, and another federation of this name
                    # in the member, are refused first.
                    depends_on=[args.cluster.provider, namespace],
                    ignore_changes=["kubeconfig"] if args.cluster.refused else [],
                    hooks=args.dns.refuse_servers,
                ),
            )
            lookups.append(lookup)
        Withdrawal(
            f"{member}-withdrawal",
            member,
            args.control_plane.kubeconfig,
            args.dns.ttl,
            ResourceOptions(
                parent=self,
                provider=args.dns.our_provider,
                # Of the lookups, so that it is deleted before them: the member's own pods find the names meanwhile.
                depends_on=[args.member, args.dns, *lookups],
            ),
            published_within=args.dns.published_within,
        )
        self.register_outputs({})


def _grant_reading(
    resource: str,
    metadata: k8s.meta.v1.ObjectMetaArgsDict,
    namespaces: Sequence[str],
    subject: k8s.rbac.v1.SubjectArgsDict,
    opts: ResourceOptions,
) -> None:
    """In these namespaces; in the whole cluster, if there are none."""
    rules: Sequence[Rule] = [
        {"api_groups": [""], "resources": ["services"], "verbs": ["list", "watch"]},
        {"api_groups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    if not namespaces:
        grant(resource, metadata, rules, subject, opts)
    for each in namespaces:
        grant_within(f"{resource}-{each}", {**metadata, "namespace": each}, rules, subject, opts)
