"""Records while nobody runs Pulumi: the controller that works them out, and external-dns that publishes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml
from pulumi import Input, ResourceOptions

from federation.dns.publication import Publication
from federation.names import DNS_CONTROLLER, MANAGED_BY, is_ip
from federation.roles import grant, user
from federation.settings import Dns, Images
from federation.workload import KUBECONFIG, Probe, Program, Workload, WorkloadArgs

CONTROLLER_USER, PUBLISHER_USER = "federation:dns-controller", "federation:external-dns"
"""Users of the federation API: the common names of their certificates."""
USERS = (CONTROLLER_USER, PUBLISHER_USER)
PROGRAM = "pulumi"
"""Who writes the DNSEndpoint that is not of a Service."""
RECORDS = "dnsendpoints"
GROUP = "externaldns.k8s.io"

CONTROLLER_RULES: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [""], "resources": ["services"], "verbs": ["list", "watch"]},
    {"api_groups": ["cluster.karmada.io"], "resources": ["clusters"], "verbs": ["list", "watch"]},
    {
        "api_groups": [GROUP],
        "resources": [RECORDS],
        "verbs": ["get", "list", "watch", "create", "patch", "delete"],
    },
]
PUBLISHER_RULES: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [GROUP], "resources": [RECORDS], "verbs": ["get", "list", "watch"]},
    {"api_groups": [GROUP], "resources": [f"{RECORDS}/status"], "verbs": ["update", "patch"]},
]


@dataclass
class PublisherArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    api: k8s.Provider
    """Provider of the federation API."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along, and the API with it."""
    system_namespace: Input[str]
    """Namespace inside the API for records that are not of a Service."""
    kubeconfigs: Mapping[str, Input[str]]
    """Kubeconfigs (secret) for the federation API of USERS."""
    federation: str
    settings: Dns
    images: Images
    publication: Publication


class Publisher(pulumi.ComponentResource):
    """Kind DNSEndpoint in the federation API; the controller writes such objects, external-dns publishes them."""

    def __init__(self, name: str, args: PublisherArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Publisher", name, None, opts)
        child = ResourceOptions(parent=self)
        in_api = ResourceOptions(parent=self, provider=args.api, deleted_with=args.namespace)
        kind = pulumi.CustomResource(
            "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
            f"{RECORDS}.{GROUP}",
            yaml.safe_load((Path(__file__).parent / "dnsendpoint.yaml").read_text()),
            in_api,
        )
        k8s.apiextensions.CustomResource(
            "own-records",
            api_version=f"{GROUP}/v1alpha1",
            kind="DNSEndpoint",
            metadata={"name": "federation", "namespace": args.system_namespace, "labels": {MANAGED_BY: PROGRAM}},
            spec={
                "endpoints": [
                    addresses.apply(lambda found, name=name: _endpoint(name, found, args.settings.ttl))  # type: ignore[misc]
                    for name, addresses in args.publication.own_records.items()
                ]
            },
            opts=ResourceOptions.merge(in_api, ResourceOptions(depends_on=[kind])),
        )
        for program, name_of_user, rules in (
            (_controller(args), CONTROLLER_USER, CONTROLLER_RULES),
            (_external_dns(args), PUBLISHER_USER, PUBLISHER_RULES),
        ):
            grant(name_of_user, {"name": name_of_user}, rules, user(name_of_user), in_api)
            Workload(
                program.name,
                WorkloadArgs(args.host, args.namespace, program, 1, args.kubeconfigs[name_of_user], needs=[kind]),
                child,
            )
        self.register_outputs({})


def _endpoint(name: str, addresses: Sequence[str], ttl: int) -> Mapping[str, Any]:
    """An entry of a DNSEndpoint; of one family, as external-dns's provider coredns mixes up two at one name."""
    by_type = {
        "A": [address for address in addresses if is_ip(address) and ":" not in address],
        "AAAA": [address for address in addresses if ":" in address],
        # The last is the load balancer's own; one before it may be the name that is made here.
        "CNAME": list(addresses[-1:]),
    }
    kind, targets = next(((kind, targets) for kind, targets in by_type.items() if targets), ("A", []))
    return {"dnsName": name, "recordType": kind, "recordTTL": ttl, "targets": targets}


def _controller(args: PublisherArgs) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "federation": args.federation,
        "zone": args.settings.zone,
        "ttl": args.settings.ttl,
        "withdraw-after": args.settings.withdraw_after,
    }
    one_family = ["--one-family"] if args.publication.one_family else []
    return Program(
        "dns-controller",
        args.images.controllers,
        ["python3", "-m", "controllers.names", *(f"--{name}={value}" for name, value in flags.items()), *one_family],
        ready=Probe("/healthz", 8080, "HTTP"),
        live=Probe("/livez", 8080, "HTTP"),
        scratch=True,
    )


def _external_dns(args: PublisherArgs) -> Program:
    flags = {
        "source": "crd",
        "label-filter": f"{MANAGED_BY} in ({DNS_CONTROLLER},{PROGRAM})",
        "kubeconfig": KUBECONFIG,
        "domain-filter": args.settings.zone,
        "txt-owner-id": args.federation,
        "policy": "sync",
        "log-level": "warning",
    }
    return Program(
        "external-dns",
        args.images.external_dns,
        [
            "/ko-app/external-dns",
            "--events",
            *(f"--{name}={value}" for name, value in flags.items()),
            *args.publication.arguments,
        ],
        ready=Probe("/healthz", 7979, "HTTP"),
        live=Probe("/healthz", 7979, "HTTP"),
        files=args.publication.files,
        environment=args.publication.environment,
    )
