"""`kubefed init`: the control plane of a federation in its host cluster."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_tls as tls
from pulumi import Output, Resource, ResourceOptions

from federation import kubeconfig
from federation.control_plane import crds, etcd, programs
from federation.control_plane.contents import (
    AGGREGATED,
    SYSTEM_NAMESPACE,
    Admission,
    AdmissionArgs,
    ApiContents,
    ApiContentsArgs,
)
from federation.control_plane.endpoint import Endpoint, EndpointArgs
from federation.control_plane.etcd import Etcd, EtcdArgs
from federation.control_plane.programs import API_PORT, Program
from federation.control_plane.workload import Workload, WorkloadArgs
from federation.pki import Pki, PkiArgs
from federation.settings import Host, Images


@dataclass
class ControlPlaneArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    tls: tls.Provider
    """Provider of pulumi_tls, which makes the certificates."""
    settings: Host
    images: Images
    crds: Sequence[crds.Manifest]
    """Karmada's CustomResourceDefinitions (`crds.load`)."""
    protect: bool = False
    """Whether Pulumi refuses to delete etcd and the certificate authorities."""


class ControlPlane(pulumi.ComponentResource):
    """A federation API and its controllers.

    `name` is the federation's name; the context of the kubeconfig is called after it. What is started waits for
    what it needs, in strict order: side by side, the programs crash until their peers are there, which is slower.
    """

    endpoint: Output[str]
    """https URL of the federation API, for clients outside the host cluster."""
    kubeconfig: Output[str]
    """Secret. A kubeconfig with one context, called after the federation, for its admin."""
    certificate_expiry: Output[str]
    """When the first certificate expires (RFC 3339)."""
    api: k8s.Provider
    """Provider of the federation API."""
    cluster_namespace: Output[str]
    """Namespace inside the API for the members' credentials."""

    def __init__(self, name: str, args: ControlPlaneArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:ControlPlane", name, None, opts)
        child = ResourceOptions(parent=self)
        host, size = args.settings, args.settings.api_server
        webhook_url = f"https://karmada-webhook.{host.namespace}.svc:443"

        namespace = k8s.core.v1.Namespace(
            host.namespace,
            metadata={"name": host.namespace},
            opts=ResourceOptions(parent=self, provider=args.host),
        )

        endpoint = Endpoint("endpoint", EndpointArgs(args.host, namespace, size), child)
        pki = Pki(
            "pki",
            PkiArgs(
                provider=args.tls,
                api_names=endpoint.addresses.apply(lambda addresses: [*_api_names(host.namespace), *addresses]),
                service_names=_service_names(host.namespace),
                etcd_names=etcd.dns_names(host.namespace, host.etcd.replicas),
                protect=args.protect,
            ),
            child,
        )
        ca_bundle = pki.authorities["root"].apply(lambda pem: base64.b64encode(pem.encode()).decode())
        inside = _admin_kubeconfig(name, Output.from_input(f"https://{_api_service(host.namespace)}:{API_PORT}"), pki)

        def start(program: Program, *needs: Resource) -> Workload:
            return Workload(
                program.name, WorkloadArgs(args.host, namespace, program, size.replicas, inside, needs), child
            )

        store = Etcd(
            "etcd",
            EtcdArgs(
                host=args.host,
                namespace=namespace,
                namespace_name=host.namespace,
                size=host.etcd,
                image=f"{args.images.kubernetes_registry}/etcd:{args.images.etcd_tag}",
                pki=pki,
                protect=args.protect,
            ),
            child,
        )
        apiserver = start(programs.apiserver(args.images, host.namespace, pki), store)
        aggregated = start(programs.aggregated_apiserver(args.images, host.namespace, pki), apiserver)
        webhook = start(programs.webhook(args.images, pki), apiserver)
        namespaces = start(programs.kube_controller_manager(args.images, pki), apiserver)

        self.endpoint = endpoint.url
        self.kubeconfig = _admin_kubeconfig(name, endpoint.url, pki)
        self.certificate_expiry = pki.expiry
        self.api = k8s.Provider(
            "api",
            kubeconfig=self.kubeconfig,
            cluster_identifier=name,
            enable_secret_mutable=True,
            enable_config_map_mutable=True,
            opts=ResourceOptions(parent=self, depends_on=[apiserver]),
        )
        contents = ApiContents(
            "api-contents",
            ApiContentsArgs(
                api=self.api,
                host_namespace=host.namespace,
                webhook_url=webhook_url,
                ca_bundle=ca_bundle,
                crds=args.crds,
                aggregated_apiserver=aggregated,
                vanishes_with=namespace,
            ),
            child,
        )
        self.cluster_namespace = contents.cluster_namespace
        start(programs.controller_manager(args.images), contents, namespaces)
        start(programs.scheduler(args.images), contents)
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


def _admin_kubeconfig(name: str, server: Output[str], pki: Pki) -> Output[str]:
    admin = pki.leaves["admin"]
    parts = Output.all(server, pki.authorities["root"], admin.certificate, admin.key)
    return Output.secret(parts.apply(lambda texts: kubeconfig.dump(kubeconfig.with_client_certificate(name, *texts))))


def _api_service(namespace: str) -> str:
    return f"karmada-apiserver.{namespace}.svc"


def _api_names(namespace: str) -> list[str]:
    clients_inside = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", _api_service(namespace)]
    return ["localhost", "127.0.0.1", *clients_inside]


def _service_names(namespace: str) -> list[str]:
    # The API server calls the aggregated one by its Service in the API, whose namespace may differ from the host's.
    namespaces = dict.fromkeys([namespace, SYSTEM_NAMESPACE])
    return [f"karmada-webhook.{namespace}.svc", *(f"{AGGREGATED}.{each}.svc" for each in namespaces)]
