"""A zone of our own: CoreDNS on etcd in the host cluster, behind a load balancer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from federation import balancer, etcd, names, storage
from federation.clusters import Cluster
from federation.dns.publication import Publication
from federation.etcd import Etcd, EtcdArgs
from federation.pki import CLIENT, SERVER, Leaf, Pki, PkiArgs
from federation.settings import Certificates, CoreDns, Images
from federation.workload import FILES_FOLDER, Probe, Program, Workload, WorkloadArgs

NAME = "federation-dns"
ETCD = "dns-etcd"
INSTEAD = "without load balancers, set federation:dns.provider: google-clouddns"
DNS_PORT, POD_PORT = 53, 1053
"""CoreDNS runs without the right to the ports below 1024."""
HEALTH_PORT, READY_PORT = 8080, 8181
NAME_SERVER = "ns.dns"
"""The name server inside the zone, by the name that CoreDNS gives it in the SOA."""
NS_TTL = 300
STORED = ("A", "AAAA", "CNAME", "TXT", "PTR", "SRV", "SOA")
"""Types that its plugin etcd finds something for."""
NEVER_STORED = "MX"
TREE = "/skydns"
"""Where in etcd the records are; the default of CoreDNS and of external-dns."""


@dataclass
class CoreDnsZoneArgs:
    host: Cluster
    own: pulumi.ProviderResource
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes the zone along."""
    namespace_name: str
    address_within: str
    """How long the load balancer may take to get its address, such as 3m."""
    zone: str
    """The domain, without the final dot."""
    federation: str
    api_addresses: Output[Sequence[str]]
    """Where the federation API is reached, for its own name."""
    settings: CoreDns
    images: Images
    certificates: Certificates
    protect: bool = False
    """Whether Pulumi refuses to delete the store and its authority."""


class CoreDnsZone(pulumi.ComponentResource):
    """The zone's store, its name servers, and their address.

    The store has an authority of its own: with the control plane's, a name server's certificate would open its etcd.
    """

    zone: Output[str]
    """The domain, with the final dot."""
    name_servers: Output[Sequence[str]]
    """Addresses of the load balancer; a delegation from the parent zone leads there."""
    lookup_servers: Output[Sequence[str]]
    """The same: members ask there, as nobody has delegated the zone yet."""
    certificate_expiries: Sequence[Output[str]]
    """When the first certificate of the store expires (RFC 3339)."""
    publication: Publication
    """How external-dns writes into it."""

    def __init__(self, name: str, args: CoreDnsZoneArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:CoreDnsZone", name, None, opts)
        child = ResourceOptions(parent=self)
        server_names = etcd.dns_names(ETCD, args.namespace_name, args.settings.etcd.replicas)
        leaves = (
            Leaf(f"{ETCD}-server", ETCD, f"{ETCD}-server", [SERVER, CLIENT], names=server_names),
            Leaf(f"{ETCD}-client", ETCD, f"{ETCD}-client", [CLIENT]),
        )
        pki = Pki("dns-pki", PkiArgs(args.own, {ETCD: f"{ETCD}-ca"}, leaves, args.certificates, args.protect), child)
        store = Etcd(
            ETCD,
            EtcdArgs(
                host=args.host.provider,
                namespace=args.namespace,
                namespace_name=args.namespace_name,
                size=args.settings.etcd,
                volumes=storage.served(
                    ETCD,
                    "federation:dns.coredns.etcd.storageClass",
                    args.settings.etcd.storage_class,
                    args.host.kubeconfig,
                ),
                image=args.images.etcd,
                authority=pki.authorities[ETCD],
                server=pki.leaves[f"{ETCD}-server"],
                clients=[NAME, "external-dns"],
                protect=args.protect,
            ),
            child,
        )
        service = k8s.core.v1.Service(
            NAME,
            metadata={
                "name": NAME,
                "namespace": args.namespace.metadata.name,
                "labels": {"app": NAME},
                "annotations": balancer.AWAITED,
            },
            spec={
                "type": "LoadBalancer",
                "selector": {"app": NAME},
                "ports": [
                    {"name": protocol.lower(), "protocol": protocol, "port": DNS_PORT, "target_port": POD_PORT}
                    for protocol in ("UDP", "TCP")
                ],
            },
            opts=ResourceOptions.merge(
                ResourceOptions(parent=self, provider=args.host.provider, deleted_with=args.namespace),
                balancer.awaited(NAME, args.namespace_name, args.address_within, INSTEAD, args.host.kubeconfig),
            ),
        )
        addresses = service.status.apply(lambda status: _ip_addresses(balancer.addresses(status)))
        credentials = {
            "ca.crt": pki.authorities[ETCD],
            "tls.crt": pki.leaves[f"{ETCD}-client"].certificate,
            "tls.key": pki.leaves[f"{ETCD}-client"].key,
        }
        store_url = etcd.client_url(ETCD, args.namespace_name)
        corefile = _corefile(args.zone, args.federation, store_url)
        program = _name_server(args.images, {"Corefile": corefile, **credentials})
        Workload(
            NAME,
            WorkloadArgs(args.host.provider, args.namespace, program, args.settings.replicas, needs=[store]),
            child,
        )
        self.zone = Output.from_input(names.absolute(args.zone))
        self.name_servers = self.lookup_servers = addresses
        self.certificate_expiries = [pki.expiry]
        self.publication = Publication(
            # Not the registry txt: with this provider of 0.22 it leaves a TXT record behind at each change. Strictly
            # owned, each value in the store has its owner in it, and those of others are neither seen nor touched.
            [
                "--provider=coredns",
                f"--coredns-prefix={TREE}/",
                "--coredns-strictly-owned",
                "--registry=noop",
                # An event alone has its change published 5 s later; it is the interval that makes it fast. All it
                # reads is a cache of the API and this etcd.
                "--interval=500ms",
                "--min-event-sync-interval=500ms",
            ],
            {
                "ETCD_URLS": store_url,
                "ETCD_CA_FILE": f"{FILES_FOLDER}/ca.crt",
                "ETCD_CERT_FILE": f"{FILES_FOLDER}/tls.crt",
                "ETCD_KEY_FILE": f"{FILES_FOLDER}/tls.key",
            },
            credentials,
            one_family=True,
            own_records={
                f"{NAME_SERVER}.{args.zone}": addresses,
                names.api_name(args.federation, args.zone): args.api_addresses,
            },
        )
        self.register_outputs({"zone": self.zone, "nameServers": self.name_servers})


def _name_server(images: Images, files: dict[str, Input[str]]) -> Program:
    return Program(
        NAME,
        images.coredns,
        ["/coredns", "-conf", f"{FILES_FOLDER}/Corefile"],
        ready=Probe("/ready", READY_PORT, "HTTP"),
        live=Probe("/health", HEALTH_PORT, "HTTP"),
        files=files,
        # The published binary carries this file capability, and a container without it may not execute it.
        capabilities=["NET_BIND_SERVICE"],
    )


def _corefile(zone: str, federation: str, store: str) -> str:
    """The configuration of the name servers.

    CoreDNS answers from etcd as SkyDNS did: a name stands for everything stored below it, whatever is asked. So each
    server block has a view. Addresses are given for the names that the federation makes; SOA and NS at the top; and
    every other question, turned into one for a type that is never stored, is answered with what is true of the name:
    that it has nothing of the kind, or does not exist.
    """
    label, top = r"[a-z0-9-]+\\.", _pattern(f"{zone}.")
    tree = rf"({label}){{2}}{federation}\\.svc\\.({label}){{0,2}}{top}"
    own = "|".join(_pattern(f"{name}.") for name in (names.api_name(federation, zone), f"{NAME_SERVER}.{zone}"))
    rewrites = "\n".join(f"    rewrite stop type {kind} {NEVER_STORED}" for kind in STORED)
    return rf"""(records) {{
    errors
    prometheus :9153
    cancel 2s
    loadbalance
    etcd {{
        path {TREE}
        endpoint {store}
        tls {FILES_FOLDER}/tls.crt {FILES_FOLDER}/tls.key {FILES_FOLDER}/ca.crt
    }}
}}
{zone}:{POD_PORT} {{
    view addresses {{
        expr type() in ['A', 'AAAA']
        expr name() matches '^({tree}|{own})$'
        expr not (name() matches '(^|\\.)any\\.')
    }}
    health :{HEALTH_PORT}
    ready :{READY_PORT}
    import records
}}
{zone}:{POD_PORT} {{
    view top {{
        expr type() in ['SOA', 'NS'] && name() == '{zone}.'
    }}
    template IN NS {{
        answer "{{{{ .Zone }}}} {NS_TTL} IN NS {NAME_SERVER}.{{{{ .Zone }}}}"
    }}
    import records
}}
{zone}:{POD_PORT} {{
{rewrites}
    import records
}}
"""


def _ip_addresses(addresses: Sequence[str]) -> Sequence[str]:
    found = [address for address in addresses if names.is_ip(address)]
    if addresses and not found:
        raise pulumi.RunError(
            f"the load balancer of Service {NAME} has no IP address but the name {addresses[0]}, and name servers are "
            "asked by address; use federation:dns.provider google-clouddns, or load balancers with addresses"
        )
    return found


def _pattern(domain: str) -> str:
    """The domain as a regular expression, in the quotes of a Corefile's expression."""
    return domain.replace(".", r"\\.")
