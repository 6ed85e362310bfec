"""One program in the host cluster as Kubernetes objects: its Secrets, Deployment, Service, policy and budget."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s
from pulumi import CustomTimeouts, Input, Output, Resource, ResourceOptions

from federation.parts import network_policies
from federation.settings.keys import FILES

FILES_FOLDER = "/etc/federation/files"
KUBECONFIG_FOLDER = "/etc/federation/api"
KUBECONFIG = f"{KUBECONFIG_FOLDER}/kubeconfig"
SCRATCH_FOLDER = "/tmp"
SHARED_FOLDER = "/var/lib/federation"
"""What a pod's containers share, on the node's disk: it is there until the pod goes."""
READY_WITHIN = "3m"
"""How long a Deployment or StatefulSet may take; Pulumi then says which pods were not ready, and why."""
NO_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For Services: awaiting one means awaiting pods that are started only after it."""
GRACE_SECONDS = 10
"""API servers and etcd otherwise use up the usual 30 s waiting for watches that nobody ends."""
UNPRIVILEGED_USER = 65532

POD_SECURITY: k8s.core.v1.PodSecurityContextArgsDict = {
    "run_as_non_root": True,
    "run_as_user": UNPRIVILEGED_USER,
    "run_as_group": UNPRIVILEGED_USER,
    "fs_group": UNPRIVILEGED_USER,
    "seccomp_profile": {"type": "RuntimeDefault"},
}
POD_SECURITY_LABELS = {"pod-security.kubernetes.io/enforce": "restricted"}
"""Of their Namespace: the host's API server refuses a pod there that asks for more than these do."""
CONTAINER_SECURITY: k8s.core.v1.SecurityContextArgsDict = {
    "allow_privilege_escalation": False,
    "read_only_root_filesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True)
class Probe:
    """A question over HTTP that a pod answers with 200 when it is well."""

    path: str
    port: int
    scheme: str


@dataclass(frozen=True)
class Companion:
    """A container in a program's pod that writes SHARED_FOLDER for it, with a /tmp. The program itself reads there."""

    name: str
    image: str
    command: Sequence[Input[str]]


@dataclass(frozen=True)
class Program:
    """What one Deployment runs."""

    name: str
    image: str
    command: Sequence[Input[str]]
    ready: Probe
    live: Probe
    files: Mapping[str, Input[str]] = field(default_factory=dict)
    """Files under FILES_FOLDER; kept in a Secret of this program alone, so that a pod holds what it needs."""
    environment: Mapping[str, str] = field(default_factory=dict)
    service: tuple[int, int] | None = None
    """Port of its Service in the host cluster, and port of the pod."""
    clients: Sequence[str] = ()
    """Programs that call that Service; a NetworkPolicy keeps out all others. Needed with `service`."""
    capabilities: Sequence[str] = ()
    """Capabilities that its container keeps."""
    scratch: bool = False
    """Whether it gets a writable /tmp, in memory; the root file system is read-only."""
    first: Companion | None = None
    """What must have ended well before it starts."""
    beside: Companion | None = None
    """What runs as long as it does. Of a pod with companions, these alone hold the kubeconfig."""


@dataclass
class WorkloadArgs:
    host: k8s.Provider
    """Provider of the host cluster."""
    namespace: k8s.core.v1.Namespace
    """The control plane's Namespace; its deletion takes this along."""
    program: Program
    replicas: int
    kubeconfig: Input[str] | None = None
    """Kubeconfig (secret) for the federation API; found by the program at KUBECONFIG."""
    needs: Sequence[Resource] = ()
    """What must be ready before the program starts; its Secrets do not wait for it."""


class Workload(pulumi.ComponentResource):
    """A Deployment that is done when its pods are ready, with what it needs around it."""

    def __init__(self, name: str, args: WorkloadArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Workload", name, None, opts)
        child = ResourceOptions(parent=self, provider=args.host, deleted_with=args.namespace)
        program, namespace = args.program, args.namespace.metadata.name
        labels = {"app": program.name}
        metadata: k8s.meta.v1.ObjectMetaArgsDict = {
            "name": program.name,
            "namespace": namespace,
            "labels": labels,
        }

        volumes: dict[str, Input[str]] = {}
        kubeconfig = {"kubeconfig": args.kubeconfig} if args.kubeconfig else {}
        if program.files:
            volumes[FILES_FOLDER] = files_secret(f"{program.name}-files", namespace, program.files, child)
        if kubeconfig:
            volumes[KUBECONFIG_FOLDER] = files_secret(f"{program.name}-api", namespace, kubeconfig, child)
        if program.service:
            port, target = program.service
            k8s.core.v1.Service(
                program.name,
                metadata={**metadata, "annotations": NO_AWAIT},
                spec={"selector": labels, "ports": [{"port": port, "target_port": target}]},
                opts=child,
            )
            network_policies.network_policy(
                program.name, namespace, [network_policies.from_programs(program.clients, target)], child
            )
        k8s.apps.v1.Deployment(
            program.name,
            metadata=metadata,
            spec={
                "replicas": args.replicas,
                "revision_history_limit": 2,
                "selector": {"match_labels": labels},
                "strategy": {"rolling_update": {"max_unavailable": 0, "max_surge": 1}},
                "template": {
                    "metadata": {
                        "labels": labels,
                        "annotations": {FILES: digest({**program.files, **kubeconfig})},
                    },
                    "spec": _pod(program, volumes, labels),
                },
            },
            opts=ResourceOptions.merge(
                child,
                ResourceOptions(
                    depends_on=list(args.needs),
                    custom_timeouts=CustomTimeouts(create=READY_WITHIN, update=READY_WITHIN),
                ),
            ),
        )
        if args.replicas > 1:
            disruption_budget(program.name, namespace, labels, child)
        self.register_outputs({})


def files_secret(
    name: str, namespace: Input[str], files: Mapping[str, Input[str]], opts: ResourceOptions
) -> Output[str]:
    """A Secret of text files; returns its name, so that what mounts it comes after it."""
    secret = k8s.core.v1.Secret(
        name, metadata={"name": name, "namespace": namespace}, string_data=dict(files), opts=opts
    )
    return secret.metadata.name


def digest(files: Mapping[str, Input[str]]) -> Output[str]:
    """A checksum of the files for a pod's annotation: no program re-reads them, so new ones must roll the pods."""

    def checksum(texts: Mapping[str, str]) -> str:
        return hashlib.sha256("\0".join(f"{name}\0{texts[name]}" for name in sorted(texts)).encode()).hexdigest()

    return Output.unsecret(Output.all(**files).apply(checksum))


def disruption_budget(name: str, namespace: Input[str], labels: Mapping[str, str], opts: ResourceOptions) -> None:
    """Let the host drain its nodes one pod of this program at a time."""
    k8s.policy.v1.PodDisruptionBudget(
        name,
        metadata={"name": name, "namespace": namespace},
        spec={"max_unavailable": 1, "selector": {"match_labels": labels}},
        opts=opts,
    )


def probe(probe: Probe, failures: int, period: int, delay: int = 0) -> k8s.core.v1.ProbeArgsDict:
    """The probe as a manifest; `period` and `delay` in seconds."""
    return {
        "http_get": {"path": probe.path, "port": probe.port, "scheme": probe.scheme},
        "initial_delay_seconds": delay,
        "period_seconds": period,
        "timeout_seconds": 5,
        "failure_threshold": failures,
    }


def spread(labels: Mapping[str, str]) -> list[k8s.core.v1.TopologySpreadConstraintArgsDict]:
    """Replicas on different nodes where there are any."""
    return [
        {
            "max_skew": 1,
            "topology_key": "kubernetes.io/hostname",
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": labels},
        }
    ]


def _pod(program: Program, secrets: Mapping[str, Input[str]], labels: Mapping[str, str]) -> k8s.core.v1.PodSpecArgsDict:
    volumes: dict[str, k8s.core.v1.VolumeArgsDict] = {
        folder: {"name": folder.rsplit("/", 1)[1], "secret": {"secret_name": secret}}
        for folder, secret in secrets.items()
    }
    companions = [companion for companion in (program.first, program.beside) if companion]
    if program.scratch or companions:
        volumes[SCRATCH_FOLDER] = {"name": "scratch", "empty_dir": {"medium": "Memory"}}
    if companions:
        volumes[SHARED_FOLDER] = {"name": "shared", "empty_dir": {}}
    environment: list[k8s.core.v1.EnvVarArgsDict] = [
        {"name": name, "value": value} for name, value in program.environment.items()
    ]
    environment.append({"name": "POD_IP", "value_from": {"field_ref": {"field_path": "status.podIP"}}})

    def mounts(folders: Collection[str], writable: Collection[str]) -> list[k8s.core.v1.VolumeMountArgsDict]:
        return [
            {"name": volume["name"], "mount_path": folder, "read_only": folder not in writable}
            for folder, volume in volumes.items()
            if folder in folders
        ]

    def container(companion: Companion) -> k8s.core.v1.ContainerArgsDict:
        folders, writable = (KUBECONFIG_FOLDER, SCRATCH_FOLDER, SHARED_FOLDER), (SCRATCH_FOLDER, SHARED_FOLDER)
        return {
            "name": companion.name,
            "image": companion.image,
            "command": list(companion.command),
            "security_context": CONTAINER_SECURITY,
            "volume_mounts": mounts(folders, writable),
        }

    others = (KUBECONFIG_FOLDER, SCRATCH_FOLDER) if companions else ()
    own: k8s.core.v1.ContainerArgsDict = {
        "name": program.name,
        "image": program.image,
        "command": list(program.command),
        "env": environment,
        "readiness_probe": probe(program.ready, failures=3, period=1),
        "liveness_probe": probe(program.live, failures=8, period=10, delay=15),
        "security_context": {
            **CONTAINER_SECURITY,
            "capabilities": {"drop": ["ALL"], "add": list(program.capabilities)},
        },
        "volume_mounts": mounts([folder for folder in volumes if folder not in others], [SCRATCH_FOLDER]),
    }
    pod: k8s.core.v1.PodSpecArgsDict = {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "termination_grace_period_seconds": GRACE_SECONDS,
        "security_context": POD_SECURITY,
        "topology_spread_constraints": spread(labels),
        "containers": [own, container(program.beside)] if program.beside else [own],
        "volumes": list(volumes.values()),
    }
    if program.first:
        pod["init_containers"] = [container(program.first)]
    return pod
