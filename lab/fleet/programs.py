"""The programs of a cluster and their flags.

Where a flag is not a program's default and no reason stands beside it, it is since several nodes share one kernel, or
since who starts them is in a hurry.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab.fleet import addresses
from lab.fleet.record import CHECKOUT, Member
from lab.fleet.sandbox import require
from lab.toolbox import tool


@dataclass(frozen=True)
class Program:
    """One program, ready to be started in the cluster's sandbox."""

    name: str
    command: list[str]
    after_api: bool = True
    """Whether it gives up, or is in the way, as long as the API server does not answer."""
    environment: Mapping[str, str] = field(default_factory=dict)


def programs(member: Member, slot: int, folder: Path) -> list[Program]:
    """All programs of this cluster, in the order in which they start."""
    address = addresses.node(slot, member.number)
    keys = folder / "keys"
    without_node = [
        etcd(folder),
        apiserver(address, keys),
        controller_manager(keys),
    ]
    if member.api_only:
        return without_node
    return [
        *without_node,
        containerd(folder),
        kubelet(member.name, address, folder),
        scheduler(keys),
        kube_proxy(member, addresses.nodes(slot), keys),
        load_balancer(address, addresses.load_balancers(slot, member.number), keys),
        volumes(member.name, address, folder),
    ]


def etcd(folder: Path) -> Program:
    flags = {
        "data-dir": folder / "etcd",
        # The loopback is the sandbox's own: nobody else is on it, so no certificates.
        "listen-client-urls": "http://127.0.0.1:2379",
        "advertise-client-urls": "http://127.0.0.1:2379",
        "listen-peer-urls": "http://127.0.0.1:2380",
        # It survives the death of the process, just not that of the machine; neither do the clusters.
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }
    return Program("etcd", _command("etcd", flags), after_api=False)


def apiserver(address: IPv4Address, keys: Path) -> Program:
    flags = {
        "etcd-servers": "http://127.0.0.1:2379",
        "bind-address": address,
        "advertise-address": address,
        "service-cluster-ip-range": addresses.SERVICES,
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "client-ca-file": keys / "ca.crt",
        "tls-cert-file": keys / "apiserver.crt",
        "tls-private-key-file": keys / "apiserver.key",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-signing-key-file": keys / "accounts.key",
        "service-account-key-file": keys / "accounts.pub",
        "kubelet-certificate-authority": keys / "ca.crt",
        "kubelet-client-certificate": keys / "apiserver-kubelet.crt",
        "kubelet-client-key": keys / "apiserver-kubelet.key",
        # Nobody resolves the node's name.
        "kubelet-preferred-address-types": "InternalIP",
        "requestheader-client-ca-file": keys / "front-proxy-ca.crt",
        "requestheader-allowed-names": "front-proxy",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": keys / "front-proxy.crt",
        "proxy-client-key-file": keys / "front-proxy.key",
        "profiling": "false",
    }
    return Program("kube-apiserver", _command("kube-apiserver", flags), after_api=False)


def controller_manager(keys: Path) -> Program:
    flags = {
        **_controller(keys, "kube-controller-manager"),
        "root-ca-file": keys / "ca.crt",
        "service-account-private-key-file": keys / "accounts.key",
        "cluster-signing-cert-file": keys / "ca.crt",
        "cluster-signing-key-file": keys / "ca.key",
        "use-service-account-credentials": "true",
    }
    return Program("kube-controller-manager", _command("kube-controller-manager", flags))


def scheduler(keys: Path) -> Program:
    return Program("kube-scheduler", _command("kube-scheduler", _controller(keys, "kube-scheduler")))


def containerd(folder: Path) -> Program:
    command = [require("containerd", "containerd"), "--config", str(folder / "containerd.toml")]
    return Program("containerd", command, after_api=False)


def kubelet(name: str, address: IPv4Address, folder: Path) -> Program:
    flags = {
        "config": folder / "kubelet.yaml",
        "kubeconfig": folder / "keys" / "kubelet.kubeconfig",
        "root-dir": folder / "kubelet",
        "cert-dir": folder / "kubelet" / "pki",
        "hostname-override": name,
        "node-ip": address,
    }
    return Program("kubelet", _command("kubelet", flags))


def kube_proxy(member: Member, nodes: IPv4Network, keys: Path) -> Program:
    flags = {
        "kubeconfig": keys / "kube-proxy.kubeconfig",
        "hostname-override": member.name,
        "proxy-mode": "nftables",
        "cluster-cidr": addresses.pods(member.number),
        "nodeport-addresses": nodes,
        # These sysctls are read-only in a network namespace: 0 leaves them alone.
        "conntrack-max-per-core": 0,
        "conntrack-tcp-timeout-established": "0s",
        "conntrack-tcp-timeout-close-wait": "0s",
        "healthz-bind-address": "127.0.0.1:10256",
        "metrics-bind-address": "127.0.0.1:10249",
    }
    return Program("kube-proxy", _command("kube-proxy", flags))


def load_balancer(address: IPv4Address, own: IPv4Network, keys: Path) -> Program:
    return _own("load-balancer", "lab.fleet.loadbalancer", _server(address), keys, own)


def volumes(name: str, address: IPv4Address, folder: Path) -> Program:
    return _own("volumes", "lab.fleet.volumes", _server(address), folder / "keys", folder / "volumes", name)


def _own(name: str, module: str, *arguments: object) -> Program:
    """A program of this package, run by the Python that runs this one."""
    command = [sys.executable, "-m", module, *(str(argument) for argument in arguments)]
    return Program(name, command, environment={"PYTHONPATH": str(CHECKOUT)})


def _server(address: IPv4Address) -> str:
    return f"https://{address}:6443"


def _controller(keys: Path, name: str) -> dict[str, object]:
    """The flags of a program that works by the API alone, with nobody to be elected against."""
    kubeconfig = keys / f"{name}.kubeconfig"
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "leader-elect": "false",
        "kube-api-qps": 200,
        "kube-api-burst": 400,
        "profiling": "false",
    }


def _command(program: str, flags: Mapping[str, object]) -> list[str]:
    return [str(tool(program)), *(f"--{flag}={value}" for flag, value in flags.items())]
