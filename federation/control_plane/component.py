"""`kubefed init`: the control plane of a federation in its host cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, Resource, ResourceHookBinding, ResourceOptions

from federation.clusters import ownership, providers
from federation.clusters.providers import Cluster
from federation.control_plane import certificates, programs
from federation.control_plane.endpoint import Endpoint, EndpointArgs
from federation.control_plane.programs import API_PORT
from federation.parts import storage
from federation.parts.etcd import Etcd, EtcdArgs
from federation.parts.pki import Pki, PkiArgs, PrivateKey
from federation.parts.workload import POD_SECURITY_LABELS, Program, Workload, WorkloadArgs
from federation.settings import kubeconfig, names
from federation.settings.keys import FEDERATION, STACK
from federation.settings.schema import Certificates, Host, Images, User


@dataclass
class ControlPlaneArgs:
    host: Cluster
    our_provider: pulumi.ProviderResource
    """The project's own provider, which makes the certificates."""
    settings: Host
    images: Images
    certificates: Certificates
    system_namespace: str
    """Namespace inside the API for leases and records."""
    services: Sequence[str] = ()
    """Services of the host's Namespace that the API server calls: extensions and webhooks of the engine."""
    etcd_clients: Sequence[str] = ()
    """Programs of the engine that use etcd themselves."""
    api_names: Sequence[str] = ()
    """DNS names, besides those of its addresses, that the API is called by."""
    users: Sequence[str] = ()
    """Programs' users of the API, each to get a kubeconfig of its own."""
    people: Sequence[User] = ()
    """People who call the API."""
    protect: bool = False
    """Whether Pulumi refuses to delete or replace etcd, its Namespace, the authorities and the key of the tokens."""


class ControlPlane(pulumi.ComponentResource):
    """A federation API: etcd, kube-apiserver, and kube-controller-manager for what Kubernetes itself does in it.

    `name` is the federation's name; the context of the kubeconfig is called after it. What is started waits for
    what it needs, in strict order: side by side, the programs crash until their peers are there, which is slower.
    """

    federation: str
    """The federation's name."""
    addresses: Output[Sequence[str]]
    """IP addresses and DNS names behind it."""
    endpoint: Output[str]
    """https URL of the federation API, for clients outside the host cluster."""
    kubeconfig: Output[str]
    """Secret. A kubeconfig with one context, called after the federation, for its admin."""
    user_kubeconfigs: dict[str, Output[str]]
    """Secret. For each of the users asked for, a kubeconfig that works inside the host cluster."""
    people_kubeconfigs: dict[str, Output[str]]
    """Secret. For each of the people, by name, a kubeconfig for outside, with a context called after the federation."""
    host: Cluster
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace in the host cluster."""
    identity: Output[str]
    """Where that is (keys.CONTROL_PLANE); empty as long as the host has never answered."""
    certificate_expiry: Output[str]
    """When the first certificate expires (RFC 3339)."""
    inside: Output[str]
    """Secret. The admin's kubeconfig, as pods of the host cluster call the API."""
    pki: Pki
    replicas: int
    """Pods of each stateless program."""
    apiserver: Workload
    controllers: Workload
    """kube-controller-manager: without it no Namespace of the API ends."""
    api: k8s.Provider
    """Provider of the federation API."""
    system_namespace: Output[str]
    """Namespace inside the API for leases and records."""
    credentials_namespace: Output[str]
    """Namespace inside the API for the members' credentials."""

    def __init__(self, name: str, args: ControlPlaneArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:ControlPlane", name, None, opts)
        child = ResourceOptions(parent=self)
        self.host = args.host
        host, size = args.settings, args.settings.api_server
        self.identity = args.host.known_uid.apply(lambda uid: names.control_plane(uid, host.namespace) if uid else "")
        namespace = self.namespace = k8s.core.v1.Namespace(
            host.namespace,
            metadata={
                "name": host.namespace,
                "labels": {FEDERATION: name, **POD_SECURITY_LABELS},
                "annotations": {STACK: ownership.this_stack(), **certificates.mark(args.certificates.authorities)},
            },
            # Whoever deletes it deletes etcd's claims. All that is in it comes after it: what its hooks refuse changes
            # nothing in the cluster.
            opts=ResourceOptions(
                parent=self,
                provider=args.host.provider,
                protect=args.protect,
                hooks=ResourceHookBinding(
                    before_create=args.host.refuse_foreign.before_create,
                    before_update=[certificates.one_step_at_a_time()],
                ),
            ),
        )

        endpoint = Endpoint("endpoint", EndpointArgs(args.host, namespace, host), child)
        api_names = endpoint.addresses.apply(
            lambda addresses: [*certificates.api_names(host.namespace), *args.api_names, *addresses]
        )
        # An extension is called by its Service in the API, whose namespace may differ from the host's.
        places = dict.fromkeys([host.namespace, args.system_namespace])
        called = [f"{service}.{place}.svc" for service in args.services for place in places]
        leaves = certificates.leaves(host, api_names, args.users, called, args.people)
        pki = Pki(
            "pki", PkiArgs(args.our_provider, certificates.AUTHORITIES, leaves, args.certificates, args.protect), child
        )
        kept = ResourceOptions(parent=self, provider=args.our_provider, protect=args.protect)
        service_account = PrivateKey("service-account", kept)
        url_inside = Output.from_input(f"https://{certificates.api_service(host.namespace)}:{API_PORT}")
        self.inside = _kubeconfig(name, url_inside, pki, "admin")

        def start(program: Program, *needs: Resource, kubeconfig: Output[str] | None) -> Workload:
            return Workload(
                program.name,
                WorkloadArgs(args.host.provider, namespace, program, size.replicas, kubeconfig, needs),
                child,
            )

        store = Etcd(
            "etcd",
            EtcdArgs(
                host=args.host.provider,
                namespace=namespace,
                namespace_name=host.namespace,
                size=host.etcd,
                volumes=storage.served(
                    "etcd", "federation:host.etcd.storageClass", host.etcd.storage_class, args.host.kubeconfig
                ),
                image=args.images.etcd,
                authority=pki.authorities["etcd"],
                server=pki.leaves["etcd-server"],
                clients=[programs.APISERVER, *args.etcd_clients],
                protect=args.protect,
            ),
            child,
        )
        self.apiserver = start(
            programs.apiserver(args.images, host.namespace, pki, service_account), store, kubeconfig=None
        )
        self.controllers = start(
            programs.kube_controller_manager(args.images, pki, service_account), self.apiserver, kubeconfig=self.inside
        )

        self.federation, self.pki, self.replicas = name, pki, size.replicas
        self.endpoint, self.addresses = endpoint.url, endpoint.addresses
        self.kubeconfig = _kubeconfig(name, endpoint.url, pki, "admin")
        self.user_kubeconfigs = {user: _kubeconfig(name, url_inside, pki, f"user-{user}") for user in args.users}
        self.people_kubeconfigs = {
            each.name: _kubeconfig(name, endpoint.url, pki, f"person-{each.name}") for each in args.people
        }
        self.certificate_expiry = pki.expiry
        started = ResourceOptions(parent=self, depends_on=[self.apiserver])
        self.api = providers.provider("api", name, self.kubeconfig, started, silent=args.host.silent)
        in_api = ResourceOptions(parent=self, provider=self.api, deleted_with=namespace)
        self.system_namespace, self.credentials_namespace = (
            k8s.core.v1.Namespace(f"api-{each}", metadata={"name": each}, opts=in_api).metadata.name
            for each in (args.system_namespace, names.own_namespace(name))
        )
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "kubeconfig": self.kubeconfig,
                "certificateExpiry": self.certificate_expiry,
            }
        )


def _kubeconfig(name: str, server: Output[str], pki: Pki, leaf: str) -> Output[str]:
    pair = pki.leaves[leaf]
    parts = Output.all(server, pki.authorities["root"], pair.certificate, pair.key)
    return Output.secret(parts.apply(lambda texts: kubeconfig.dump(kubeconfig.with_client_certificate(name, *texts))))
