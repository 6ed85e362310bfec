"""The federation's records as objects of its API: the kind DNSEndpoint, and the controller that works them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml
from pulumi import Input, Output, Resource, ResourceHookBinding, ResourceOptions

from federation.parts.roles import grant, user
from federation.parts.workload import KUBECONFIG, Probe, Program, Workload, WorkloadArgs
from federation.settings.names import MANAGED_BY, OWN_RECORDS, PROGRAM
from federation.settings.schema import Dns, Images
from federation.settings.syntax import is_ip

CONTROLLER_USER = "federation:dns-controller"
"""User of the federation API: the common name of its certificate."""
RECORDS = "dnsendpoints"
GROUP = "externaldns.k8s.io"

CONTROLLER_RULES: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [""], "resources": ["services"], "verbs": ["list", "watch"]},
    {"api_groups": [""], "resources": ["events"], "verbs": ["create"]},
    {"api_groups": ["cluster.karmada.io"], "resources": ["clusters"], "verbs": ["list", "watch"]},
    {
        "api_groups": [GROUP],
        "resources": [RECORDS],
        "verbs": ["get", "list", "watch", "create", "patch", "delete"],
    },
]


@dataclass
class RecordsArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    api: k8s.Provider
    """Provider of the federation API."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along, and the API with it."""
    system_namespace: Input[str]
    """Namespace inside the API for what is the federation's own."""
    kubeconfig: Input[str]
    """Kubeconfig (secret) for the federation API of CONTROLLER_USER."""
    federation: str
    settings: Dns
    images: Images
    cluster_kind: Resource
    """Serves the kind Cluster, which the controller reads."""
    addresses_by_name: Mapping[str, Output[Sequence[str]]]
    """What is to be published besides the names of Services: addresses by name."""
    refuse: ResourceHookBinding | None
    """What may refuse these addresses."""


class Records(pulumi.ComponentResource):
    """Kind DNSEndpoint in the federation API, an object of it for the own records, and the controller for the others.

    Whoever publishes such objects comes after it.
    """

    def __init__(self, name: str, args: RecordsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Records", name, None, opts)
        child = ResourceOptions(parent=self)
        in_api = ResourceOptions(parent=self, provider=args.api, deleted_with=args.namespace)
        rights = grant(CONTROLLER_USER, {"name": CONTROLLER_USER}, CONTROLLER_RULES, user(CONTROLLER_USER), in_api)
        crd = pulumi.CustomResource(
            "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
            f"{RECORDS}.{GROUP}",
            yaml.safe_load((Path(__file__).parent / "dnsendpoint.yaml").read_text()),
            # For what follows a new kind, the provider reads the API's whole OpenAPI document again.
            ResourceOptions.merge(in_api, ResourceOptions(depends_on=[rights])),
        )
        self.crd: Resource = crd
        k8s.apiextensions.CustomResource(
            "own-records",
            api_version=f"{GROUP}/v1alpha1",
            kind="DNSEndpoint",
            metadata={"name": OWN_RECORDS, "namespace": args.system_namespace, "labels": {MANAGED_BY: PROGRAM}},
            spec={
                "endpoints": Output.all(
                    *(
                        addresses.apply(lambda found, name=name: _endpoints(name, found, args.settings.ttl))  # type: ignore[misc]
                        for name, addresses in args.addresses_by_name.items()
                    )
                ).apply(lambda each: [*chain.from_iterable(each)])
            },
            opts=ResourceOptions.merge(in_api, ResourceOptions(depends_on=[crd], hooks=args.refuse)),
        )
        program = _controller(args)
        Workload(
            program.name,
            WorkloadArgs(args.host, args.namespace, program, 1, args.kubeconfig, needs=[crd, args.cluster_kind]),
            child,
        )
        self.register_outputs({})


def _endpoints(name: str, addresses: Sequence[str], ttl: int) -> Sequence[Mapping[str, Any]]:
    """The entries of a DNSEndpoint for a name: its addresses of both versions, else the name that it stands for."""
    by_type = {
        "A": [address for address in addresses if is_ip(address) and ":" not in address],
        "AAAA": [address for address in addresses if ":" in address],
    }
    if not any(by_type.values()):
        # The last is the load balancer's own; one before it may be the name that is made here.
        by_type = {"CNAME": list(addresses[-1:])}
    return [
        {"dnsName": name, "recordType": rtype, "recordTTL": ttl, "targets": targets}
        for rtype, targets in by_type.items()
        if targets
    ]


def _controller(args: RecordsArgs) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "federation": args.federation,
        "zone": args.settings.zone,
        "ttl": args.settings.ttl,
        "withdraw-after": args.settings.withdraw_after,
    }
    return Program(
        "dns-controller",
        args.images.controllers,
        ["python3", "-m", "controllers.names", *(f"--{name}={value}" for name, value in flags.items())],
        ready=Probe("/healthz", 8080, "HTTP"),
        live=Probe("/livez", 8080, "HTTP"),
        scratch=True,
    )
