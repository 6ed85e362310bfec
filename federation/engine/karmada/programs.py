"""The programs of Karmada as data: image, flags, probes and files of each Deployment.

Flags are those that Karmada's installers agree on (artifacts/deploy at v1.18.2), less what only Pull mode needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pulumi import Input, Output

from federation.control_plane.programs import APISERVER, arguments, etcd_files, etcd_flags
from federation.parts.pki import Pki
from federation.parts.workload import FILES_FOLDER, KUBECONFIG, Probe, Program
from federation.settings.schema import Images, PinnedImage

AGGREGATED: Final = "karmada-aggregated-apiserver"
WEBHOOK: Final = "karmada-webhook"
CONTROLLER_MANAGER: Final = "karmada-controller-manager"


def aggregated_apiserver(images: Images, namespace: str, pki: Pki) -> Program:
    flags = {
        "kubeconfig": KUBECONFIG,
        "authentication-kubeconfig": KUBECONFIG,
        "authorization-kubeconfig": KUBECONFIG,
        "audit-log-maxage": "0",
        "audit-log-maxbackup": "0",
        "audit-log-path": "-",
        "bind-address": "$(POD_IP)",
        **etcd_flags(namespace),
        "secure-port": "8443",
        "tls-cert-file": f"{FILES_FOLDER}/tls.crt",
        "tls-min-version": "VersionTLS13",
        "tls-private-key-file": f"{FILES_FOLDER}/tls.key",
    }
    return _karmada(
        AGGREGATED,
        images,
        flags,
        ready=Probe("/readyz", 8443, "HTTPS"),
        live=Probe("/healthz", 8443, "HTTPS"),
        files={**_service_files(pki), **etcd_files(pki)},
        service=(443, 8443),
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
    return _karmada(WEBHOOK, images, flags, ready=probe, live=probe, files=_service_files(pki), service=(443, 8443))


def _karmada(
    name: PinnedImage,
    images: Images,
    flags: Mapping[str, str],
    *,
    ready: Probe,
    live: Probe,
    files: Mapping[str, Input[str]] | None = None,
    environment: Mapping[str, str] | None = None,
    service: tuple[int, int] | None = None,
) -> Program:
    command = [f"/bin/{name}", *arguments(flags)]
    clients = [APISERVER] if service else []
    return Program(name, images.karmada(name), command, ready, live, files or {}, environment or {}, service, clients)


def _healthz(port: int) -> Probe:
    return Probe("/healthz", port, "HTTP")


def _service_files(pki: Pki) -> Mapping[str, Output[str]]:
    return {"tls.crt": pki.leaves["services"].certificate, "tls.key": pki.leaves["services"].key}
