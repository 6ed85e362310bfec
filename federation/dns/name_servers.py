"""The name servers of a zone of our own: CoreDNS on a zone file, and beside it what writes that file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from federation.dns import zone_key
from federation.dns.records import GROUP, RECORDS, Records
from federation.dns.transfers import SharedSecret, TransferKey, key_name
from federation.parts.pki import PrivateKey
from federation.parts.roles import grant, grant_within, user
from federation.parts.workload import (
    FILES_FOLDER,
    KUBECONFIG,
    SHARED_FOLDER,
    Companion,
    Probe,
    Program,
    Workload,
    WorkloadArgs,
)
from federation.settings.names import ZONE_SERIAL
from federation.settings.schema import Dns, Images
from federation.settings.syntax import absolute

NAME = "federation-dns"
USER = "federation:zone-writer"
"""User of the federation API: the common name of its certificate."""
DNS_PORT, POD_PORT = 53, 1053
"""CoreDNS runs without the right to the ports below 1024."""
HEALTH_PORT, READY_PORT, WRITER_PORT = 8080, 8181, 8081
LAMEDUCK_SECONDS = 5
"""A name server that is told to end answers so much longer: until then its node may send it questions."""
ZONE_FILE = f"{SHARED_FOLDER}/db"
TRANSFER_KEY, ZONE_KEY = "transfer.key", "zone"
"""Files with keys: whose the transfers are; of the zone, of which CoreDNS reads ZONE_KEY.key and ZONE_KEY.private."""
RULES: list[k8s.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [GROUP], "resources": [RECORDS], "verbs": ["list", "watch"]},
    {"api_groups": [""], "resources": ["events"], "verbs": ["create"]},
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
    our_provider: pulumi.ProviderResource
    """The project's own provider; it makes keys in its process and touches no cluster for them."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along, and the API with it."""
    system_namespace: Input[str]
    """Namespace inside the API for what is the federation's own."""
    kubeconfig: Input[str]
    """Kubeconfig (secret) for the federation API of USER."""
    settings: Dns
    images: Images
    records: Records
    protect: bool
    """Whether Pulumi refuses to delete the key that signs the zone."""


class NameServers(pulumi.ComponentResource):
    """Pods that answer for the zone: whatever the federation API is at, from the file that they have.

    A pod begins with the file, which is there until the pod goes: CoreDNS that is started again, with its node too,
    answers at once. A new pod waits for the federation API, as the only other answer would be that no name exists.
    """

    ds: Output[str] | None = None
    """The record by which the parent zone vouches for the key; None where nothing is signed."""
    transfer_key: TransferKey | None = None
    """What secondaries sign their requests with; None where there are none."""

    def __init__(self, name: str, args: NameServersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:NameServers", name, None, opts)
        in_api = ResourceOptions(parent=self, provider=args.api, deleted_with=args.namespace)
        rights = [
            grant(USER, {"name": USER}, RULES, user(USER), in_api),
            grant_within(USER, {"name": USER, "namespace": args.system_namespace}, SERIAL_RULES, user(USER), in_api),
        ]
        files: dict[str, Input[str]] = {}
        zone, made = args.settings.zone, ResourceOptions(parent=self, provider=args.our_provider)
        if args.settings.coredns.transfer_to:
            shared = SharedSecret("transfer-key", made)
            self.transfer_key = TransferKey(key_name(zone), shared.secret_base64)
            files[TRANSFER_KEY] = self.transfer_key.file
        if args.settings.coredns.dnssec:
            # Without it, whoever has the DS record from the parent zone believes no answer any more.
            key = PrivateKey("zone-key", ResourceOptions.merge(made, ResourceOptions(protect=args.protect)))
            owner = absolute(zone)
            files[f"{ZONE_KEY}.key"] = key.public_key_pem.apply(lambda pem: zone_key.public_file(owner, pem))
            files[f"{ZONE_KEY}.private"] = key.private_key_pem.apply(zone_key.private_file)
            self.ds = key.public_key_pem.apply(lambda pem: zone_key.ds(owner, pem))
        Workload(
            NAME,
            WorkloadArgs(
                args.host,
                args.namespace,
                _program(args, files),
                args.settings.coredns.replicas,
                args.kubeconfig,
                needs=[args.records.crd, *rights],
            ),
            ResourceOptions(parent=self),
        )
        self.register_outputs({})


def name_server(zone: str) -> str:
    """The name of the name servers inside the zone, which is without the final dot."""
    return f"ns.dns.{zone}"


def _program(args: NameServersArgs, keys: Mapping[str, Input[str]]) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "zone": args.settings.zone,
        "file": ZONE_FILE,
        "name-server": name_server(args.settings.zone),
        "ttl": args.settings.ttl,
        "listen": f"0.0.0.0:{WRITER_PORT}",
    }
    writer: list[Input[str]] = [
        "controllers.zone",
        *(f"--{name}={value}" for name, value in flags.items()),
        Output.concat("--serial-namespace=", args.system_namespace),
    ]
    first = ["python3", "-m", *writer, "--first"]
    # Its container goes on whatever becomes of the writer: else a pod that answers well would leave the Service.
    supervisor = ["python3", "-m", "controllers.runtime.supervisor", f"{WRITER_PORT}"]
    beside = [*supervisor, *writer, f"--ask=127.0.0.1:{POD_PORT}"]
    return Program(
        NAME,
        args.images.coredns,
        ["/coredns", "-conf", f"{FILES_FOLDER}/Corefile"],
        # Ready is who answers the zone's SOA: the file is there before CoreDNS starts, and with one that is no zone
        # it does not start.
        ready=Probe("/ready", READY_PORT, "HTTP"),
        live=Probe("/health", HEALTH_PORT, "HTTP"),
        files={
            "Corefile": corefile(
                args.settings.zone, args.settings.coredns.transfer_to, signed=args.settings.coredns.dnssec
            ),
            **keys,
        },
        # The published binary carries this file capability, and a container without it may not execute it.
        capabilities=["NET_BIND_SERVICE"],
        first=Companion("first-zone", args.images.controllers, first),
        beside=Companion("zone-writer", args.images.controllers, beside),
    )


def corefile(
    zone: str,
    transfer_to: Sequence[str] = (),
    *,
    signed: bool = False,
    file: str = ZONE_FILE,
    keys: str = FILES_FOLDER,
    port: int = POD_PORT,
) -> str:
    """The configuration of the name servers. `zone` is without the final dot, `keys` the folder of the files with keys.

    CoreDNS transfers to these addresses alone, and of them to who has the key. It tells them of changes without one.
    `bufsize`: no answer by UDP is so long that it travels in fragments (RFC 9715). `rewrite`: `file` has no answer to
    ANY but that there is nothing; one set of the name is allowed (RFC 8482, section 4.1).
    """
    options = ""
    if transfer_to:
        options += f"""\
    tsig {{
        secrets {keys}/{TRANSFER_KEY}
        require AXFR IXFR
    }}
    transfer {{
        to {" ".join(transfer_to)}
    }}
"""
    if signed:
        options += f"""\
    dnssec {{
        key file {keys}/{ZONE_KEY}
    }}
"""
    return f"""{zone}:{port} {{
    errors
    health :{HEALTH_PORT} {{
        lameduck {LAMEDUCK_SECONDS}s
    }}
    ready :{READY_PORT}
    prometheus :9153
    bufsize 1232
    loadbalance
    rewrite type ANY A
{options}\
    file {file} {{
        reload 500ms
    }}
}}
"""
