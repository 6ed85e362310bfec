"""The federation API's own etcd: one or three members, each with a volume, open only to certificates of its own CA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import CustomTimeouts, ResourceOptions

from federation import settings
from federation.control_plane.programs import PKI_FOLDER, Probe
from federation.control_plane.workload import (
    CONTAINER_SECURITY,
    GRACE_SECONDS,
    NO_AWAIT,
    POD_SECURITY,
    READY_WITHIN,
    digest,
    disruption_budget,
    files_secret,
    probe,
    spread,
)
from federation.pki import Pki

LABELS = {"app": "etcd"}
CLIENT, PEER, METRICS = 2379, 2380, 2381


@dataclass
class EtcdArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along, volumes included."""
    namespace_name: str
    """Its name as plain text, for the names that etcd's members call each other by."""
    size: settings.Etcd
    image: str
    pki: Pki
    protect: bool


class Etcd(pulumi.ComponentResource):
    """etcd as a StatefulSet with a volume for each member. The volumes go with the Namespace."""

    def __init__(self, name: str, args: EtcdArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Etcd", name, None, opts)
        child = ResourceOptions(parent=self, provider=args.host, deleted_with=args.namespace)
        namespace = args.namespace.metadata.name

        files = {
            "ca.crt": args.pki.authorities["etcd"],
            "tls.crt": args.pki.leaves["etcd-server"].certificate,
            "tls.key": args.pki.leaves["etcd-server"].key,
        }
        secret = files_secret("etcd-cert", namespace, files, child)
        k8s.core.v1.Service(
            "etcd",
            metadata={"name": "etcd", "namespace": namespace, "labels": LABELS, "annotations": NO_AWAIT},
            spec={
                "cluster_ip": "None",
                "selector": LABELS,
                "ports": [{"name": "client", "port": CLIENT}, {"name": "peer", "port": PEER}],
                # Members find each other by name before any of them is ready.
                "publish_not_ready_addresses": True,
            },
            opts=child,
        )
        k8s.core.v1.Service(
            "etcd-client",
            metadata={
                "name": "etcd-client",
                "namespace": namespace,
                "labels": LABELS,
                "annotations": NO_AWAIT,
            },
            spec={"selector": LABELS, "ports": [{"name": "client", "port": CLIENT}]},
            opts=child,
        )
        k8s.apps.v1.StatefulSet(
            "etcd",
            metadata={"name": "etcd", "namespace": namespace, "labels": LABELS},
            spec={
                "replicas": args.size.replicas,
                "service_name": "etcd",
                "selector": {"match_labels": LABELS},
                # In turn, the first would wait for a quorum that starts only after it.
                "pod_management_policy": "Parallel",
                "template": {
                    "metadata": {"labels": LABELS, "annotations": {"federation/files": digest(files)}},
                    "spec": {
                        "automount_service_account_token": False,
                        "enable_service_links": False,
                        "termination_grace_period_seconds": GRACE_SECONDS,
                        "security_context": POD_SECURITY,
                        "topology_spread_constraints": spread(LABELS),
                        "containers": [
                            {
                                "name": "etcd",
                                "image": args.image,
                                "command": [
                                    "/usr/local/bin/etcd",
                                    *_flags(args.namespace_name, args.size.replicas),
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
                                    {"name": "pki", "mount_path": PKI_FOLDER, "read_only": True},
                                ],
                            }
                        ],
                        "volumes": [{"name": "pki", "secret": {"secret_name": secret}}],
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
                ),
            ),
        )
        if args.size.replicas > 1:
            disruption_budget("etcd", namespace, LABELS, child)
        self.register_outputs({})


def dns_names(namespace: str, replicas: int) -> Sequence[str]:
    """The names of etcd's certificate: that of the client Service, and one for each member.

    Spelled out, as etcd resolves a peer certificate's names to compare them with the peer's address.
    """
    return ["localhost", f"etcd-client.{namespace}.svc", *(_member(i, namespace) for i in range(replicas))]


def _member(index: int, namespace: str) -> str:
    return f"etcd-{index}.etcd.{namespace}.svc"


def _flags(namespace: str, replicas: int) -> list[str]:
    members = ",".join(f"etcd-{i}=https://{_member(i, namespace)}:{PEER}" for i in range(replicas))
    tls = {"cert-file": "tls.crt", "key-file": "tls.key", "trusted-ca-file": "ca.crt"}
    return [
        "--name=$(POD_NAME)",
        "--data-dir=/var/lib/etcd",
        f"--listen-client-urls=https://0.0.0.0:{CLIENT}",
        f"--listen-peer-urls=https://0.0.0.0:{PEER}",
        f"--listen-metrics-urls=http://0.0.0.0:{METRICS}",
        f"--advertise-client-urls=https://etcd-client.{namespace}.svc:{CLIENT}",
        f"--initial-advertise-peer-urls=https://$(POD_NAME).etcd.{namespace}.svc:{PEER}",
        f"--initial-cluster={members}",
        "--initial-cluster-state=new",
        "--client-cert-auth=true",
        "--peer-client-cert-auth=true",
        *(f"--{flag}={PKI_FOLDER}/{file}" for flag, file in tls.items()),
        *(f"--peer-{flag}={PKI_FOLDER}/{file}" for flag, file in tls.items()),
    ]
