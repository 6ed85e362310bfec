"""external-dns, which publishes the federation's records in a zone of Google Cloud DNS."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from federation.dns.publication import Publication
from federation.dns.records import GROUP, RECORDS, Records
from federation.parts.roles import grant, user
from federation.parts.workload import KUBECONFIG, Probe, Program, Workload, WorkloadArgs
from federation.settings.names import DNS_CONTROLLER, MANAGED_BY
from federation.settings.schema import Dns, Images

USER = "federation:external-dns"
"""User of the federation API: the common name of its certificate."""
RULES: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [GROUP], "resources": [RECORDS], "verbs": ["get", "list", "watch"]},
    {"api_groups": [GROUP], "resources": [f"{RECORDS}/status"], "verbs": ["update", "patch"]},
]


@dataclass
class ExternalDnsArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    api: k8s.Provider
    """Provider of the federation API."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along, and the API with it."""
    kubeconfig: Input[str]
    """Kubeconfig (secret) for the federation API of USER."""
    federation: str
    settings: Dns
    images: Images
    records: Records
    publication: Publication


class ExternalDns(pulumi.ComponentResource):
    """One pod that publishes the DNSEndpoints of controllers/names; the API's own name is in the zone by Pulumi."""

    def __init__(self, name: str, args: ExternalDnsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:ExternalDns", name, None, opts)
        in_api = ResourceOptions(parent=self, provider=args.api, deleted_with=args.namespace)
        grant(USER, {"name": USER}, RULES, user(USER), in_api)
        program = _program(args)
        Workload(
            program.name,
            WorkloadArgs(args.host, args.namespace, program, 1, args.kubeconfig, needs=[args.records.crd]),
            ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _program(args: ExternalDnsArgs) -> Program:
    flags = {
        "source": "crd",
        "label-filter": f"{MANAGED_BY}={DNS_CONTROLLER}",
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
