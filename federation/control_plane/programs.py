"""The programs of the control plane as data: image, flags, probes and files of each Deployment.

Flags are those that Karmada's installers agree on (artifacts/deploy at v1.18.2), less what only Pull mode needs. Probe
periods are one second (federation/parts/workload.py): the published ones spend most of an install waiting for the next
look.
"""

from __future__ import annotations

from collections.abc import Mapping

from pulumi import Output

from federation.parts import etcd
from federation.parts.pki import Pki, PrivateKey
from federation.parts.workload import FILES_FOLDER, KUBECONFIG, Probe, Program
from federation.settings.schema import Images

CLUSTER_IPS = "10.96.0.0/12"
"""Addresses of Services in the federation API; virtual, so they may equal the host's."""

API_PORT = 5443
APISERVER = "federation-apiserver"
CONTROLLERS = "kube-controller-manager"


def apiserver(images: Images, namespace: str, pki: Pki, service_account: PrivateKey) -> Program:
    flags = {
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "bind-address": "0.0.0.0",
        "client-ca-file": f"{FILES_FOLDER}/ca.crt",
        "disable-admission-plugins": "StorageObjectInUseProtection,ServiceAccount",
        **etcd_flags(namespace),
        # Kubernetes 1.34 has this kind of policy, but off; federation/engine/karmada/propagation.py makes one.
        "feature-gates": "MutatingAdmissionPolicy=true",
        "proxy-client-cert-file": f"{FILES_FOLDER}/front-proxy-client.crt",
        "proxy-client-key-file": f"{FILES_FOLDER}/front-proxy-client.key",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": f"{FILES_FOLDER}/front-proxy-ca.crt",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "runtime-config": "admissionregistration.k8s.io/v1beta1=true",
        "secure-port": str(API_PORT),
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": f"{FILES_FOLDER}/service-account.pub",
        "service-account-signing-key-file": f"{FILES_FOLDER}/service-account.key",
        "service-cluster-ip-range": CLUSTER_IPS,
        # When replaced, it serves on until everybody has heard that it goes.
        "shutdown-delay-duration": "5s",
        "tls-cert-file": f"{FILES_FOLDER}/apiserver.crt",
        "tls-min-version": "VersionTLS13",
        "tls-private-key-file": f"{FILES_FOLDER}/apiserver.key",
    }
    return Program(
        APISERVER,
        images.kubernetes("kube-apiserver"),
        ["kube-apiserver", *arguments(flags)],
        ready=Probe("/readyz", API_PORT, "HTTPS"),
        live=Probe("/livez", API_PORT, "HTTPS"),
        files={
            "ca.crt": pki.authorities["root"],
            "apiserver.crt": pki.leaves["apiserver"].certificate,
            "apiserver.key": pki.leaves["apiserver"].key,
            "front-proxy-ca.crt": pki.authorities["front-proxy"],
            "front-proxy-client.crt": pki.leaves["front-proxy-client"].certificate,
            "front-proxy-client.key": pki.leaves["front-proxy-client"].key,
            "service-account.key": service_account.private_key_pem,
            "service-account.pub": service_account.public_key_pem,
            **etcd_files(pki),
        },
        # The published binary carries this file capability, and a container without it may not execute it.
        capabilities=["NET_BIND_SERVICE"],
    )


def kube_controller_manager(images: Images, pki: Pki, service_account: PrivateKey) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "authentication-kubeconfig": KUBECONFIG,
        "authorization-kubeconfig": KUBECONFIG,
        "bind-address": "0.0.0.0",
        "client-ca-file": f"{FILES_FOLDER}/ca.crt",
        "cluster-name": "federation",
        # Controllers that make pods or nodes stay off: the federation API holds templates, never running things.
        "controllers": "namespace,garbagecollector,serviceaccount-token,ttl-after-finished,clusterrole-aggregation",
        "leader-elect": "true",
        "root-ca-file": f"{FILES_FOLDER}/ca.crt",
        "service-account-private-key-file": f"{FILES_FOLDER}/service-account.key",
        "service-cluster-ip-range": CLUSTER_IPS,
        "use-service-account-credentials": "true",
    }
    return Program(
        CONTROLLERS,
        images.kubernetes("kube-controller-manager"),
        ["kube-controller-manager", *arguments(flags)],
        ready=Probe("/healthz", 10257, "HTTPS"),
        live=Probe("/healthz", 10257, "HTTPS"),
        files={"ca.crt": pki.authorities["root"], "service-account.key": service_account.private_key_pem},
    )


def arguments(flags: Mapping[str, str]) -> list[str]:
    """The flags as a command line has them."""
    return [f"--{name}={value}" for name, value in flags.items()]


def etcd_flags(namespace: str) -> Mapping[str, str]:
    """How an API server reaches its etcd, with `etcd_files`."""
    return {
        "etcd-cafile": f"{FILES_FOLDER}/etcd-ca.crt",
        "etcd-certfile": f"{FILES_FOLDER}/etcd-client.crt",
        "etcd-keyfile": f"{FILES_FOLDER}/etcd-client.key",
        "etcd-servers": etcd.client_url("etcd", namespace),
    }


def etcd_files(pki: Pki) -> Mapping[str, Output[str]]:
    """The client certificate for etcd, by file name."""
    return {
        "etcd-ca.crt": pki.authorities["etcd"],
        "etcd-client.crt": pki.leaves["etcd-client"].certificate,
        "etcd-client.key": pki.leaves["etcd-client"].key,
    }
