"""`kubefed init`: the control plane of a federation in its host cluster."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, Resource, ResourceHookBinding, ResourceOptions

from federation import clusters, kubeconfig, names, storage
from federation.clusters import Cluster
from federation.control_plane import certificates, crds, programs
from federation.control_plane.contents import Admission, AdmissionArgs, ApiContents, ApiContentsArgs
from federation.control_plane.endpoint import Endpoint, EndpointArgs
from federation.control_plane.programs import API_PORT
from federation.etcd import Etcd, EtcdArgs
from federation.pki import Pki, PkiArgs, PrivateKey
from federation.settings import Certificates, Host, Images
from federation.workload import POD_SECURITY_LABELS, Program, Workload, WorkloadArgs


@dataclass
class ControlPlaneArgs:
    host: Cluster
    own: pulumi.ProviderResource
    """The project's own provider, which makes the certificates."""
    settings: Host
    images: Images
    certificates: Certificates
    crds: Sequence[crds.Manifest]
    """Karmada's CustomResourceDefinitions (`crds.load`)."""
    api_names: Sequence[str] = ()
    """DNS names, besides those of its addresses, that the API is called by."""
    users: Sequence[str] = ()
    """Users of the API besides its admin, each to get a kubeconfig of its own."""
    protect: bool = False
    """Whether Pulumi refuses to delete or replace etcd, its Namespace, the authorities and the key of the tokens."""


class ControlPlane(pulumi.ComponentResource):
    """A federation API and its controllers.

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
    host: Cluster
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace in the host cluster."""
    certificate_expiry: Output[str]
    """When the first certificate expires (RFC 3339)."""
    api: k8s.Provider
    """Provider of the federation API."""
    cluster_namespace: Output[str]
    """Namespace inside the API for the members' credentials."""

    def __init__(self, name: str, args: ControlPlaneArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:ControlPlane", name, None, opts)
        child = ResourceOptions(parent=self)
        self.host = args.host
        host, size = args.settings, args.settings.api_server
        own_namespace = names.own_namespace(name)
        webhook_url = f"https://karmada-webhook.{host.namespace}.svc:443"

        namespace = self.namespace = k8s.core.v1.Namespace(
            host.namespace,
            metadata={
                "name": host.namespace,
                "labels": {names.FEDERATION: name, **POD_SECURITY_LABELS},
                **certificates.mark(args.certificates.authorities),
            },
            # Whoever deletes it deletes etcd's claims. All that is in it comes after it: what its hooks refuse changes
            # nothing in the cluster.
            opts=ResourceOptions(
                parent=self,
                provider=args.host.provider,
                protect=args.protect,
                hooks=ResourceHookBinding(
                    before_create=args.host.only_ours.before_create, before_update=[certificates.one_step_at_a_time()]
                ),
            ),
        )

        endpoint = Endpoint("endpoint", EndpointArgs(args.host, namespace, host), child)
        api_names = endpoint.addresses.apply(
            lambda addresses: [*certificates.api_names(host.namespace), *args.api_names, *addresses]
        )
        leaves = certificates.leaves(host, api_names, args.users)
        pki = Pki("pki", PkiArgs(args.own, certificates.AUTHORITIES, leaves, args.certificates, args.protect), child)
        kept = ResourceOptions(parent=self, provider=args.own, protect=args.protect)
        service_account = PrivateKey("service-account", kept)
        ca_bundle = pki.authorities["root"].apply(lambda pem: base64.b64encode(pem.encode()).decode())
        url_inside = Output.from_input(f"https://{certificates.api_service(host.namespace)}:{API_PORT}")
        inside = _kubeconfig(name, url_inside, pki, "admin")

        def start(program: Program, *needs: Resource, kubeconfig: Output[str] | None = inside) -> Workload:
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
                clients=["karmada-apiserver", "karmada-aggregated-apiserver"],
                protect=args.protect,
            ),
            child,
        )
        apiserver = start(programs.apiserver(args.images, host.namespace, pki, service_account), store, kubeconfig=None)
        aggregated = start(programs.aggregated_apiserver(args.images, host.namespace, pki), apiserver)
        webhook = start(programs.webhook(args.images, pki), apiserver)
        namespaces = start(programs.kube_controller_manager(args.images, pki, service_account), apiserver)

        self.federation = name
        self.endpoint, self.addresses = endpoint.url, endpoint.addresses
        self.kubeconfig = _kubeconfig(name, endpoint.url, pki, "admin")
        self.user_kubeconfigs = {user: _kubeconfig(name, url_inside, pki, f"user-{user}") for user in args.users}
        self.certificate_expiry = pki.expiry
        started = ResourceOptions(parent=self, depends_on=[apiserver])
        self.api, kinds = (
            clusters.provider(each, name, self.kubeconfig, started, silent=args.host.silent)
            for each in ("api", "api-kinds")
        )
        contents = ApiContents(
            "api-contents",
            ApiContentsArgs(
                api=self.api,
                kinds=kinds,
                host_namespace=host.namespace,
                webhook_url=webhook_url,
                ca_bundle=ca_bundle,
                cluster_namespace=own_namespace,
                crds=args.crds,
                aggregated_apiserver=aggregated,
                vanishes_with=namespace,
            ),
            child,
        )
        self.cluster_namespace = contents.cluster_namespace
        # The webhook converts between the versions of kinds: an upgrade renews it before those who write them.
        start(programs.controller_manager(args.images, own_namespace), contents, namespaces, webhook)
        start(programs.scheduler(args.images), contents, webhook)
        Admission(
            "admission",
            AdmissionArgs(self.api, webhook_url, ca_bundle, vanishes_with=namespace),
            ResourceOptions(parent=self, depends_on=[webhook, contents]),
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
