"""The tools this project needs, at the versions it is tested with: a table, and nothing else."""

from dataclasses import dataclass

from toolbox.versions import NOT_OLDER, SAME_MINOR, WITHIN_ONE_MINOR, Ask

PLATFORM = "linux/amd64"
"""What the release addresses below are for."""


@dataclass(frozen=True)
class Pin:
    """One release of one project, and the programs taken from it."""

    name: str
    version: str
    programs: tuple[str, ...]
    release: str = ""
    """Where the project publishes it; PROGRAM stands for the program's name. Empty: nowhere as a download."""
    released: tuple[str, ...] = ()
    """The programs that are in the release, when it has not all of them."""
    image: str = ""
    """The image that has the programs which are in no release: what to tell whoever looks for them."""
    suffix: str = ""
    """Marks a file that is used as it is, and keeps its type recognisable by name."""
    beside: tuple[str, ...] = ()
    """What is taken along with the programs when the release has it: they look for it beside themselves."""
    together: bool = False
    """The first program looks for the others beside itself, so they are only of use as a set."""


KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet")

KARMADA = (
    "karmadactl",
    "karmada-aggregated-apiserver",
    "karmada-controller-manager",
    "karmada-scheduler",
    "karmada-webhook",
    "karmada-agent",
    "karmada-descheduler",
    "karmada-scheduler-estimator",
    "karmada-search",
    "karmada-metrics-adapter",
)

PINS = (
    Pin(
        "pulumi",
        "3.274.1",
        ("pulumi",),
        release="https://get.pulumi.com/releases/sdk/pulumi-v3.274.1-linux-x64.tar.gz",
        beside=("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"),
    ),
    Pin(
        "kubernetes",
        "1.34.4",
        (*KUBERNETES, "kubectl"),
        release="https://dl.k8s.io/v1.34.4/bin/linux/amd64/PROGRAM",
    ),
    Pin(
        "karmada",
        "1.18.2",
        KARMADA,
        release="https://github.com/karmada-io/karmada/releases/download/v1.18.2/PROGRAM-linux-amd64.tgz",
        released=("karmadactl",),
        image="docker.io/karmada/PROGRAM:v1.18.2",
    ),
    Pin(
        "external-dns",
        "0.22.0",
        ("external-dns",),
        image="registry.k8s.io/external-dns/external-dns:v0.22.0",
    ),
    Pin(
        "coredns",
        "1.12.1",
        ("coredns",),
        release="https://github.com/coredns/coredns/releases/download/v1.12.1/coredns_1.12.1_linux_amd64.tgz",
    ),
    Pin("mock-cloud-dns", "2026-08-22", ("mock-cloud-dns",)),
    Pin(
        "etcd",
        "3.6.16",
        ("etcd",),
        release="https://github.com/etcd-io/etcd/releases/download/v3.6.16/etcd-v3.6.16-linux-amd64.tar.gz",
    ),
    Pin("pause", "3.10", ("pause",), image="registry.k8s.io/pause:3.10"),
)

# No release addresses: `pulumi plugin install` knows where its plugins are published.
PLUGINS = (
    Pin("pulumi-resource-gcp", "9.35.0", ("pulumi-resource-gcp",)),
    Pin("pulumi-resource-kubernetes", "4.32.0", ("pulumi-resource-kubernetes",)),
    Pin("pulumi-resource-tls", "5.5.1", ("pulumi-resource-tls",)),
)

ARCHIVES = (
    Pin(
        "karmada-crds",
        "1.18.2",
        ("karmada-crds",),
        release="https://github.com/karmada-io/karmada/releases/download/v1.18.2/crds.tar.gz",
        suffix=".tar.gz",
    ),
    Pin(
        "external-dns-crd",
        "0.22.0",
        ("external-dns-crd",),
        release="https://raw.githubusercontent.com/kubernetes-sigs/external-dns/v0.22.0/"
        "config/crd/standard/dnsendpoints.externaldns.k8s.io.yaml",
        suffix=".yaml",
    ),
)

# How to ask a user's own program for its version. One that is not here is never taken from PATH: nothing
# tells a stranger of the same name from ours.
ASK = {
    "pulumi": Ask(("version",), NOT_OLDER),
    "kubectl": Ask(("version", "--client"), WITHIN_ONE_MINOR),
    **{program: Ask(("--version",), SAME_MINOR) for program in KUBERNETES},
    **{program: Ask(("version",), SAME_MINOR) for program in KARMADA},
    "etcd": Ask(("--version",), SAME_MINOR),
    "coredns": Ask(("-version",), SAME_MINOR),
    "external-dns": Ask(("--version",), SAME_MINOR),
}
