"""The programs of the control plane as data: image, flags, probes and files of each Deployment.

Flags are those that Karmada's installers agree on (artifacts/deploy at v1.18.2), less what only Pull mode needs.
Probe periods are one second: the published ones spend most of an install waiting for the next look.
"""

from __future__ import annotations

from collections.abc import Mapping

from pulumi import Input, Output

from federation import etcd
from federation.pki import Pki, PrivateKey
from federation.settings import Images
from federation.workload import FILES_FOLDER, KUBECONFIG, Probe, Program

CLUSTER_IPS = "10.96.0.0/12"
"""Addresses of Services in the federation API; virtual, so they may equal the host's."""

API_PORT = 5443
CONTROLLER_MANAGER = "karmada-controller-manager"


def apiserver(images: Images, namespace: str, pki: Pki, service_account: PrivateKey) -> Program:
    flags = {
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "bind-address": "0.0.0.0",
        "client-ca-file": f"{FILES_FOLDER}/ca.crt",
        "disable-admission-plugins": "StorageObjectInUseProtection,ServiceAccount",
        **_etcd_flags(namespace),
        # Kubernetes 1.34 has this kind of policy, but off; propagation.py makes one.
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
        "karmada-apiserver",
        f"{images.kubernetes_registry}/kube-apiserver:{images.kubernetes_tag}",
        ["kube-apiserver", *_arguments(flags)],
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
            **_etcd_files(pki),
        },
        # The published binary carries this file capability, and a container without it may not execute it.
        capabilities=["NET_BIND_SERVICE"],
    )


def aggregated_apiserver(images: Images, namespace: str, pki: Pki) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "authentication-kubeconfig": KUBECONFIG,
        "authorization-kubeconfig": KUBECONFIG,
        "audit-log-maxage": "0",
        "audit-log-maxbackup": "0",
        "audit-log-path": "-",
        "bind-address": "$(POD_IP)",
        **_etcd_flags(namespace),
        "secure-port": "8443",
        "tls-cert-file": f"{FILES_FOLDER}/tls.crt",
        "tls-min-version": "VersionTLS13",
        "tls-private-key-file": f"{FILES_FOLDER}/tls.key",
    }
    return _karmada(
        "karmada-aggregated-apiserver",
        images,
        flags,
        ready=Probe("/readyz", 8443, "HTTPS"),
        live=Probe("/healthz", 8443, "HTTPS"),
        files={**_service_files(pki), **_etcd_files(pki)},
        service=(443, 8443),
    )


def kube_controller_manager(images: Images, pki: Pki, service_account: PrivateKey) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "authentication-kubeconfig": KUBECONFIG,
        "authorization-kubeconfig": KUBECONFIG,
        "bind-address": "0.0.0.0",
        "client-ca-file": f"{FILES_FOLDER}/ca.crt",
        "cluster-name": "karmada",
        # Controllers that make pods or nodes stay off: the federation API holds templates, never running things.
        "controllers": "namespace,garbagecollector,serviceaccount-token,ttl-after-finished,clusterrole-aggregation",
        "leader-elect": "true",
        "root-ca-file": f"{FILES_FOLDER}/ca.crt",
        "service-account-private-key-file": f"{FILES_FOLDER}/service-account.key",
        "service-cluster-ip-range": CLUSTER_IPS,
        "use-service-account-credentials": "true",
    }
    return Program(
        "kube-controller-manager",
        f"{images.kubernetes_registry}/kube-controller-manager:{images.kubernetes_tag}",
        ["kube-controller-manager", *_arguments(flags)],
        ready=Probe("/healthz", 10257, "HTTPS"),
        live=Probe("/healthz", 10257, "HTTPS"),
        files={"ca.crt": pki.authorities["root"], "service-account.key": service_account.private_key_pem},
    )


def controller_manager(images: Images, own_namespace: str) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        # With Karmada's own threshold of 30 s, a member that is gone is known to be after 30 to 42 s.
        "cluster-status-update-frequency": "2s",
        # A policy that asks for it takes an object over from the default propagation.
        "feature-gates": "PropagationPolicyPreemption=true",
        # The first is Karmada's default; the other holds the members' credentials, which no policy is to carry off.
        "skipped-propagating-namespaces": f"kube-.*,{own_namespace}",
        # What could not be written while a member was away is tried again this long after its return, not 1000 s.
        "rate-limiter-max-delay": "30s",
        "health-probe-bind-address": "$(POD_IP):10357",
        "metrics-bind-address": "$(POD_IP):8080",
    }
    return _karmada(
        CONTROLLER_MANAGER,
        images,
        flags,
        ready=_healthz(10357),
        live=_healthz(10357),
        # A machine that vanishes closes no connection: without these, a probe on an old one waits for 32 s.
        environment={"HTTP2_READ_IDLE_TIMEOUT_SECONDS": "3", "HTTP2_PING_TIMEOUT_SECONDS": "2"},
    )


def scheduler(images: Images) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        # Without it, what is scaled to 0 in the federation API is deleted in the members.
        "enable-empty-workload-propagation": "true",
        "health-probe-bind-address": "$(POD_IP):10351",
        "metrics-bind-address": "$(POD_IP):8080",
    }
    return _karmada("karmada-scheduler", images, flags, ready=_healthz(10351), live=_healthz(10351))


def webhook(images: Images, pki: Pki) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "bind-address": "$(POD_IP)",
        "cert-dir": FILES_FOLDER,
        "health-probe-bind-address": "$(POD_IP):8000",
        "metrics-bind-address": "$(POD_IP):8080",
        "secure-port": "8443",
    }
    probe = Probe("/readyz", 8443, "HTTPS")
    return _karmada(
        "karmada-webhook", images, flags, ready=probe, live=probe, files=_service_files(pki), service=(443, 8443)
    )


def _karmada(
    name: str,
    images: Images,
    flags: Mapping[str, str],
    *,
    ready: Probe,
    live: Probe,
    files: Mapping[str, Input[str]] | None = None,
    environment: Mapping[str, str] | None = None,
    service: tuple[int, int] | None = None,
) -> Program:
    image = f"{images.karmada_registry}/{name}:{images.karmada_tag}"
    command = [f"/bin/{name}", *_arguments(flags)]
    clients = ["karmada-apiserver"] if service else []
    return Program(name, image, command, ready, live, files or {}, environment or {}, service, clients)


def _healthz(port: int) -> Probe:
    return Probe("/healthz", port, "HTTP")


def _arguments(flags: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]


def _etcd_flags(namespace: str) -> Mapping[str, str]:
    return {
        "etcd-cafile": f"{FILES_FOLDER}/etcd-ca.crt",
        "etcd-certfile": f"{FILES_FOLDER}/etcd-client.crt",
        "etcd-keyfile": f"{FILES_FOLDER}/etcd-client.key",
        "etcd-servers": etcd.client_url("etcd", namespace),
    }


def _etcd_files(pki: Pki) -> Mapping[str, Output[str]]:
    return {
        "etcd-ca.crt": pki.authorities["etcd"],
        "etcd-client.crt": pki.leaves["etcd-client"].certificate,
        "etcd-client.key": pki.leaves["etcd-client"].key,
    }


def _service_files(pki: Pki) -> Mapping[str, Output[str]]:
    return {"tls.crt": pki.leaves["services"].certificate, "tls.key": pki.leaves["services"].key}
