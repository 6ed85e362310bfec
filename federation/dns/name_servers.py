"""The name servers of a zone of our own: CoreDNS on a zone file, and beside it what writes that file."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from federation.dns.records import GROUP, RECORDS, Records
from federation.names import ZONE_SERIAL
from federation.roles import grant, grant_within, user
from federation.settings import Dns, Images
from federation.workload import (
    FILES_FOLDER,
    KUBECONFIG,
    SHARED_FOLDER,
    Companion,
    Probe,
    Program,
    Workload,
    WorkloadArgs,
)

NAME = "federation-dns"
USER = "federation:zone-writer"
"""User of the federation API: the common name of its certificate."""
DNS_PORT, POD_PORT = 53, 1053
"""CoreDNS runs without the right to the ports below 1024."""
HEALTH_PORT, READY_PORT, WRITER_PORT = 8080, 8181, 8081
ZONE_FILE = f"{SHARED_FOLDER}/db"
RULES: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [GROUP], "resources": [RECORDS], "verbs": ["list", "watch"]},
]
SERIAL_RULES: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
    # Who creates has no name yet that a rule could know.
    {"api_groups": [""], "resources": ["configmaps"], "verbs": ["create"]},
    {"api_groups": [""], "resources": ["configmaps"], "resource_names": [ZONE_SERIAL], "verbs": ["get", "patch"]},
]


@dataclass
class NameServersArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    api: k8s.Provider
    """Provider of the federation API."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along, and the API with it."""
    system_namespace: Input[str]
    """Namespace inside the API for what is the federation's own."""
    kubeconfig: Input[str]
    """Kubeconfig (secret) for the federation API of USER."""
    settings: Dns
    images: Images
    records: Records


class NameServers(pulumi.ComponentResource):
    """Pods that answer for the zone: whatever the federation API is at, from the file that they have.

    A pod begins with the file, which is there until the pod goes: CoreDNS that is started again, with its node too,
    answers at once. A new pod waits for the federation API, as the only other answer would be that no name exists.
    """

    def __init__(self, name: str, args: NameServersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:NameServers", name, None, opts)
        in_api = ResourceOptions(parent=self, provider=args.api, deleted_with=args.namespace)
        rights = [
            grant(USER, {"name": USER}, RULES, user(USER), in_api),
            grant_within(USER, {"name": USER, "namespace": args.system_namespace}, SERIAL_RULES, user(USER), in_api),
        ]
        Workload(
            NAME,
            WorkloadArgs(
                args.host,
                args.namespace,
                _program(args),
                args.settings.coredns.replicas,
                args.kubeconfig,
                needs=[args.records.kind, *rights],
            ),
            ResourceOptions(parent=self),
        )
        self.register_outputs({})


def name_server(zone: str) -> str:
    """The name of the name servers inside the zone, which is without the final dot."""
    return f"ns.dns.{zone}"


def _program(args: NameServersArgs) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "zone": args.settings.zone,
        "file": ZONE_FILE,
        "name-server": name_server(args.settings.zone),
        "ttl": args.settings.ttl,
        "listen": f"0.0.0.0:{WRITER_PORT}",
    }
    writer: list[Input[str]] = [
        *("python3", "-m", "controllers.zone"),
        *(f"--{name}={value}" for name, value in flags.items()),
        Output.concat("--serial-namespace=", args.system_namespace),
    ]
    return Program(
        NAME,
        args.images.coredns,
        ["/coredns", "-conf", f"{FILES_FOLDER}/Corefile"],
        # Ready is who answers the zone's SOA: the file is there before CoreDNS starts, and with one that is no zone
        # it does not start.
        ready=Probe("/ready", READY_PORT, "HTTP"),
        live=Probe("/health", HEALTH_PORT, "HTTP"),
        files={"Corefile": corefile(args.settings.zone)},
        # The published binary carries this file capability, and a container without it may not execute it.
        capabilities=["NET_BIND_SERVICE"],
        first=Companion("first-zone", args.images.controllers, [*writer, "--first"]),
        beside=Companion("zone-writer", args.images.controllers, writer, Probe("/livez", WRITER_PORT, "HTTP")),
    )


def corefile(zone: str, file: str = ZONE_FILE, port: int = POD_PORT) -> str:
    """The configuration of the name servers. `zone` is without the final dot.

    `bufsize`: no answer by UDP is so long that it travels in fragments (RFC 9715). `rewrite`: `file` has no answer to
    ANY but that there is nothing; one set of the name is allowed (RFC 8482, section 4.1).
    """
    return f"""{zone}:{port} {{
    errors
    health :{HEALTH_PORT}
    ready :{READY_PORT}
    prometheus :9153
    bufsize 1232
    loadbalance
    rewrite type ANY A
    file {file} {{
        reload 500ms
    }}
}}
"""
