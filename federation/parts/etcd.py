"""etcd in the host cluster: one or three members, each with a volume, open to its clients alone, by a CA of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import CustomTimeouts, Output, ResourceHookBinding, ResourceOptions

from federation.parts import network_policies
from federation.parts.pki import Pair
from federation.parts.workload import (
    CONTAINER_SECURITY,
    FILES_FOLDER,
    GRACE_SECONDS,
    NO_AWAIT,
    POD_SECURITY,
    READY_WITHIN,
    Probe,
    digest,
    disruption_budget,
    files_secret,
    probe,
    spread,
)
from federation.settings import schema
from federation.settings.keys import FILES

CLIENT, PEER, METRICS = 2379, 2380, 2381


@dataclass
class EtcdArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along, volumes included."""
    namespace_name: str
    """Its name as plain text, for the names that etcd's members call each other by."""
    size: schema.Etcd
    volumes: pulumi.ResourceHook
    """Looks whether there will be a volume, before it is created (`storage.served`)."""
    image: str
    authority: Output[str]
    """Certificates (PEM) of the authority whose clients it serves."""
    server: Pair
    """Its own certificate, for the names in `dns_names`."""
    clients: Sequence[str]
    """Programs in the Namespace that use it; a NetworkPolicy keeps out all others, where the network enforces it."""
    protect: bool


class Etcd(pulumi.ComponentResource):
    """etcd as a StatefulSet with a volume for each member. The volumes go with the Namespace.

    It is called `name`, and clients reach it by the Service `<name>-client`.
    """

    def __init__(self, name: str, args: EtcdArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Etcd", name, None, opts)
        child = ResourceOptions(parent=self, provider=args.host, deleted_with=args.namespace)
        namespace, labels = args.namespace.metadata.name, {"app": name}

        # Its own certificate etcd reads anew for each connection; whom it trusts, only when it starts.
        trusted = {"ca.crt": args.authority}
        files = {**trusted, "tls.crt": args.server.certificate, "tls.key": args.server.key}
        secret = files_secret(f"{name}-files", namespace, files, child)
        k8s.core.v1.Service(
            name,
            metadata={"name": name, "namespace": namespace, "labels": labels, "annotations": NO_AWAIT},
            spec={
                "cluster_ip": "None",
                "selector": labels,
                "ports": [{"name": "client", "port": CLIENT}, {"name": "peer", "port": PEER}],
                # Members find each other by name before any of them is ready.
                "publish_not_ready_addresses": True,
            },
            opts=child,
        )
        k8s.core.v1.Service(
            f"{name}-client",
            metadata={
                "name": f"{name}-client",
                "namespace": namespace,
                "labels": labels,
                "annotations": NO_AWAIT,
            },
            spec={
                "selector": labels,
                "ports": [{"name": "client", "port": CLIENT}],
                # kube-proxy may take a second to hear of an endpoint, and who is refused till then waits another before
                # the next try: one pod there is no choice of can as well be known before it is ready.
                "publish_not_ready_addresses": args.size.replicas == 1,
            },
            opts=child,
        )
        rules = [network_policies.from_programs(args.clients, CLIENT), network_policies.from_programs([name], PEER)]
        network_policies.network_policy(name, namespace, rules, child)
        k8s.apps.v1.StatefulSet(
            name,
            metadata={"name": name, "namespace": namespace, "labels": labels},
            spec={
                "replicas": args.size.replicas,
                "service_name": name,
                "selector": {"match_labels": labels},
                # In turn, the first would wait for a quorum that starts only after it.
                "pod_management_policy": "Parallel",
                "template": {
                    "metadata": {"labels": labels, "annotations": {FILES: digest(trusted)}},
                    "spec": {
                        "automount_service_account_token": False,
                        "enable_service_links": False,
                        "termination_grace_period_seconds": GRACE_SECONDS,
                        "security_context": POD_SECURITY,
                        "topology_spread_constraints": spread(labels),
                        "containers": [
                            {
                                "name": "etcd",
                                "image": args.image,
                                "command": [
                                    "/usr/local/bin/etcd",
                                    *_flags(name, args.namespace_name, args.size.replicas),
                                ],
                                "env": [
                                    {
                                        "name": "POD_NAME",
                                        "value_from": {"field_ref": {"field_path": "metadata.name"}},
                                    }
                                ],
                                "readiness_probe": probe(Probe("/readyz", METRICS, "HTTP"), failures=3, period=1),
                                "liveness_probe": probe(
                                    Probe("/livez", METRICS, "HTTP"), failures=8, period=10, delay=15
                                ),
                                "security_context": CONTAINER_SECURITY,
                                "volume_mounts": [
                                    {"name": "data", "mount_path": "/var/lib/etcd"},
                                    {"name": "files", "mount_path": FILES_FOLDER, "read_only": True},
                                ],
                            }
                        ],
                        "volumes": [{"name": "files", "secret": {"secret_name": secret}}],
                    },
                },
                "volume_claim_templates": [
                    {
                        "metadata": {"name": "data"},
                        "spec": {
                            "access_modes": ["ReadWriteOnce"],
                            "storage_class_name": args.size.storage_class or None,
                            "resources": {"requests": {"storage": args.size.storage}},
                        },
                    }
                ],
            },
            opts=ResourceOptions.merge(
                child,
                ResourceOptions(
                    protect=args.protect,
                    custom_timeouts=CustomTimeouts(create=READY_WITHIN, update=READY_WITHIN),
                    hooks=ResourceHookBinding(before_create=[args.volumes]),
                ),
            ),
        )
        if args.size.replicas > 1:
            disruption_budget(name, namespace, labels, child)
        self.register_outputs({})


def dns_names(name: str, namespace: str, replicas: int) -> Sequence[str]:
    """The names of the server's certificate: that of the client Service, and one for each member.

    Spelled out, as etcd resolves a peer certificate's names to compare them with the peer's address.
    """
    members = (_member(name, index, namespace) for index in range(replicas))
    return ["localhost", _client(name, namespace), *members]


def client_url(name: str, namespace: str) -> str:
    """Where clients in the host cluster reach it."""
    return f"https://{_client(name, namespace)}:{CLIENT}"


def _client(name: str, namespace: str) -> str:
    return f"{name}-client.{namespace}.svc"


def _member(name: str, index: int, namespace: str) -> str:
    return f"{name}-{index}.{name}.{namespace}.svc"


def _flags(name: str, namespace: str, replicas: int) -> list[str]:
    members = ",".join(f"{name}-{i}=https://{_member(name, i, namespace)}:{PEER}" for i in range(replicas))
    tls = {"cert-file": "tls.crt", "key-file": "tls.key", "trusted-ca-file": "ca.crt"}
    return [
        "--name=$(POD_NAME)",
        "--data-dir=/var/lib/etcd",
        f"--listen-client-urls=https://0.0.0.0:{CLIENT}",
        f"--listen-peer-urls=https://0.0.0.0:{PEER}",
        f"--listen-metrics-urls=http://0.0.0.0:{METRICS}",
        f"--advertise-client-urls={client_url(name, namespace)}",
        f"--initial-advertise-peer-urls=https://$(POD_NAME).{name}.{namespace}.svc:{PEER}",
        f"--initial-cluster={members}",
        "--initial-cluster-state=new",
        "--client-cert-auth=true",
        "--peer-client-cert-auth=true",
        *(f"--{flag}={FILES_FOLDER}/{file}" for flag, file in tls.items()),
        *(f"--peer-{flag}={FILES_FOLDER}/{file}" for flag, file in tls.items()),
    ]
