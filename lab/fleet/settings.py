"""The files that a node's programs read: kubelet's, containerd's and CNI's configuration."""

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import yaml

from lab.fleet.addresses import DNS_SERVICE

CNI_PLUGINS = Path("/usr/lib/cni")
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"


def write(folder: Path, address: IPv4Address, pods: IPv4Network) -> None:
    (folder / "cni").mkdir(exist_ok=True)
    (folder / "cni" / "fleet.conflist").write_text(json.dumps(cni(pods), indent=2))
    (folder / "containerd.toml").write_text(containerd(folder))
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(kubelet(folder, address)))


def cni(pods: IPv4Network) -> dict[str, object]:
    """Pods hang on the node by a cable each. Addresses are given out from a file that ends with the sandbox."""
    ipam = {"type": "host-local", "ranges": [[{"subnet": str(pods)}]], "routes": [{"dst": "0.0.0.0/0"}]}
    return {"cniVersion": "0.4.0", "name": "fleet", "plugins": [{"type": "ptp", "ipam": ipam}]}


def containerd(folder: Path) -> str:
    return f"""\
version = 2
root = "{folder}/containerd"
state = "/run/containerd"
disabled_plugins = [
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.internal.v1.opt",
    "io.containerd.internal.v1.tracing",
]
[grpc]
address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
# Containers on this kernel run as the machine's root, which may not have the profiles.
disable_apparmor = true
# Virtual machines may lack the privilege to protect a process from running out of memory.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "{folder}/cni"
"""


def kubelet(folder: Path, address: IPv4Address) -> dict[str, object]:
    keys = folder / "keys"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(address),
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(keys / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(keys / "node.crt"),
        "tlsPrivateKeyFile": str(keys / "node.key"),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "clusterDNS": [str(DNS_SERVICE)],
        "clusterDomain": "cluster.local",
        # The machine's name servers cannot be reached from inside.
        "resolvConf": "",
        "podLogsDir": str(folder / "logs" / "pods"),
        "volumePluginDir": str(folder / "kubelet" / "volume-plugins"),
        # Several nodes share the machine: none may take all of its memory or disk for its own, or evict for it.
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "evictionHard": {
            "memory.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        # syncFrequency keeps its default, a minute: figures from the fleet should hold on a cluster of one's own.
        # A node that was not ready for a moment at start says so no longer than this; the default is 10 s.
        "nodeStatusUpdateFrequency": "2s",
        "maxPods": 200,
    }
