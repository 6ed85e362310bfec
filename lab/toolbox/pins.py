"""The tools this project needs, at the versions it is tested with: a table, and nothing else."""

from dataclasses import dataclass

from lab.toolbox.versions import NOT_OLDER, SAME_MINOR, WITHIN_ONE_MINOR, Ask

PLATFORM = "linux/amd64"
"""What the release addresses below are for."""


@dataclass(frozen=True)
class Build:
    """How a tool is built from the Go module proxy. Its go.mod, and a main if need be, are in builds/NAME."""

    package: str = "."
    """What `go build` is told to build."""
    variables: tuple[str, ...] = ()
    """Go variables that the linker sets, each as NAME=value."""
    embedded: tuple[tuple[str, str], ...] = ()
    """JSON files of modules that the main embeds: (module, path in it)."""
    version: str = ""
    """The version of what is built, where the proxy has not the pinned one. Empty: the pinned one."""


@dataclass(frozen=True)
class Pin:
    """One release of one project, and the programs taken from it."""

    name: str
    version: str
    programs: tuple[str, ...]
    release: str = ""
    """Where the project publishes it; PROGRAM stands for the program's name. Empty: nowhere as a download."""
    checksums: str = ""
    """Where it publishes the release's sha256, alone or in lines with names of files. Empty: nowhere."""
    build: Build | None = None
    """Empty: it cannot be built from the Go module proxy."""
    without: str = ""
    """What is missed where it cannot be had. Empty: nothing works."""
    suffix: str = ""
    """Marks a file that is used as it is, and keeps its type recognisable by name."""
    beside: tuple[str, ...] = ()
    """What is taken along with the programs when the release has it: they look for it beside themselves."""


KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet")

PINS = (
    Pin(
        "pulumi",
        "3.274.1",
        ("pulumi",),
        release="https://get.pulumi.com/releases/sdk/pulumi-v3.274.1-linux-x64.tar.gz",
        checksums="https://github.com/pulumi/pulumi/releases/download/v3.274.1/pulumi-3.274.1-checksums.txt",
        build=Build(
            "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            variables=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1",),
        ),
        beside=("pulumi-language-python", "pulumi-language-python-exec"),
    ),
    Pin(
        "kubernetes",
        "1.34.4",
        (*KUBERNETES, "kubectl"),
        release="https://dl.k8s.io/v1.34.4/bin/linux/amd64/PROGRAM",
        checksums="https://dl.k8s.io/v1.34.4/bin/linux/amd64/PROGRAM.sha256",
        build=Build(
            variables=(
                "k8s.io/component-base/version.gitVersion=v1.34.4",
                "k8s.io/component-base/version.gitMajor=1",
                "k8s.io/component-base/version.gitMinor=34",
                "k8s.io/client-go/pkg/version.gitVersion=v1.34.4",
            )
        ),
    ),
    Pin(
        "etcd",
        "3.6.16",
        ("etcd",),
        release="https://github.com/etcd-io/etcd/releases/download/v3.6.16/etcd-v3.6.16-linux-amd64.tar.gz",
        checksums="https://github.com/etcd-io/etcd/releases/download/v3.6.16/SHA256SUMS",
        build=Build("go.etcd.io/etcd/server/v3"),
    ),
    Pin(
        "coredns",
        "1.12.1",
        ("coredns",),
        release="https://github.com/coredns/coredns/releases/download/v1.12.1/coredns_1.12.1_linux_amd64.tgz",
        checksums="https://github.com/coredns/coredns/releases/download/v1.12.1/coredns_1.12.1_linux_amd64.tgz.sha256",
        build=Build(),
    ),
    Pin(
        "karmadactl",
        "1.18.2",
        ("karmadactl",),
        release="https://github.com/karmada-io/karmada/releases/download/v1.18.2/karmadactl-linux-amd64.tgz",
        checksums="https://github.com/karmada-io/karmada/releases/download/v1.18.2/karmadactl-linux-amd64.tgz.sha256",
        without="the comparison with `karmadactl init` is not run",
    ),
    Pin("mock-cloud-dns", "2026-08-22", ("mock-cloud-dns",), without="the tests of google-clouddns are not run"),
)

OF_A_TEST = tuple(
    Pin(
        name,
        "3.6.16",
        (name,),
        release="https://github.com/etcd-io/etcd/releases/download/v3.6.16/etcd-v3.6.16-linux-amd64.tar.gz",
        checksums="https://github.com/etcd-io/etcd/releases/download/v3.6.16/SHA256SUMS",
        build=Build(f"go.etcd.io/etcd/{name}/v3"),
    )
    for name in ("etcdctl", "etcdutl")
)
"""What docs/recovery.md works with. No verb needs them, so only the test of that page gets them, when it is run."""

# No release addresses: `pulumi plugin install` knows where its plugins are published.
PLUGINS = (
    Pin(
        "pulumi-resource-kubernetes",
        "4.32.0",
        ("pulumi-resource-kubernetes",),
        build=Build(
            # It calls itself what the Python package asks for.
            variables=("github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version=4.32.0",),
            embedded=tuple(
                ("github.com/pulumi/pulumi-kubernetes/provider/v4", f"cmd/pulumi-resource-kubernetes/{name}.json")
                for name in ("schema", "terraform-mapping")
            ),
            version="4.0.0-20260115033456-f47bc2d6f199",
        ),
    ),
    Pin(
        "pulumi-resource-gcp",
        "9.35.0",
        ("pulumi-resource-gcp",),
        without="provider google-clouddns is refused",
    ),
)

ARCHIVES = (
    Pin(
        "karmada-crds",
        "1.18.2",
        ("karmada-crds",),
        release="https://github.com/karmada-io/karmada/releases/download/v1.18.2/crds.tar.gz",
        without="the engine karmada has no kinds (federation:crds.source names another archive)",
        suffix=".tar.gz",
    ),
    Pin(
        "external-dns-crd",
        "0.22.0",
        ("external-dns-crd",),
        release="https://raw.githubusercontent.com/kubernetes-sigs/external-dns/v0.22.0/"
        "config/crd/standard/dnsendpoints.externaldns.k8s.io.yaml",
        without="our DNSEndpoint is not held against external-dns' own",
        suffix=".yaml",
    ),
)

IMAGES = {
    "karmada": tuple(
        f"docker.io/karmada/karmada-{name}:v1.18.2"
        for name in ("aggregated-apiserver", "controller-manager", "scheduler", "webhook")
    ),
    "external-dns": ("registry.k8s.io/external-dns/external-dns:v0.22.0",),
}
"""What is published as images only, by what needs it."""

# How to ask a user's own program for its version. One that is not here is never taken from PATH: nothing
# tells a stranger of the same name from ours.
ASK = {
    "pulumi": Ask(("version",), NOT_OLDER),
    "kubectl": Ask(("version", "--client"), WITHIN_ONE_MINOR),
    **{program: Ask(("--version",), SAME_MINOR) for program in KUBERNETES},
    "karmadactl": Ask(("version",), SAME_MINOR),
    "etcd": Ask(("--version",), SAME_MINOR),
    "coredns": Ask(("-version",), SAME_MINOR),
}
