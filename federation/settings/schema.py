"""The shape of the stack's configuration: sections, fields, defaults, and the rule of each value. Pure.

Keys are written in camelCase in Pulumi.<stack>.yaml; each field's docstring says its meaning, unit and default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from federation.settings import images, syntax

T = TypeVar("T")


def _checked(check: Callable[[T], bool], allowed: str) -> AfterValidator:
    def validate(value: T) -> T:
        if not check(value):
            raise PydanticCustomError("rule", "is not {allowed}", {"allowed": allowed})
        return value

    return AfterValidator(validate)


def _each_once(what: str) -> AfterValidator:
    def check(given: tuple[object, ...]) -> bool:
        return len(given) == len(set(given))

    return _checked(check, f"a list of {what}, each of them once")


Label = Annotated[str, _checked(syntax.is_label, syntax.LABEL_RULE)]
LabelKey = Annotated[str, _checked(syntax.is_label_key, syntax.LABEL_KEY_RULE)]
LabelValue = Annotated[str, _checked(syntax.is_label_value, syntax.LABEL_VALUE_RULE)]
Name = Annotated[str, _checked(syntax.is_name, syntax.NAME_RULE)]
UserName = Annotated[str, _checked(syntax.is_user, syntax.USER_RULE)]
DnsZone = Annotated[str, _checked(syntax.is_zone, syntax.ZONE_RULE), AfterValidator(syntax.zone_of)]
Address = Annotated[str, _checked(syntax.is_address, syntax.ADDRESS_RULE)]
Quantity = Annotated[str, Field(pattern=r"^[1-9][0-9]*(Mi|Gi|Ti)$")]
FederatedNamespace = Annotated[str, _checked(syntax.is_federated_namespace, syntax.FEDERATED_NAMESPACE_RULE)]
Registry = Annotated[str, _checked(images.is_registry, images.REGISTRY_RULE)]
Tag = Annotated[str, _checked(images.is_tag, images.TAG_RULE)]
Digest = Annotated[str, _checked(images.is_digest, images.DIGEST_RULE)]
Image = Annotated[str, _checked(images.is_image, images.IMAGE_RULE)]
ManagedZone = Annotated[str, _checked(syntax.is_managed_zone, syntax.MANAGED_ZONE_RULE)]
GoogleLabelKey = Annotated[str, Field(pattern=r"^[a-z][-_a-z0-9]{0,62}$")]
GoogleLabelValue = Annotated[str, Field(pattern=r"^[-_a-z0-9]{0,63}$")]


class Section(BaseModel):
    """A part of the configuration: camelCase keys, none unknown, none changed after loading."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class ApiServer(Section):
    service_type: Literal["LoadBalancer", "NodePort"] = "LoadBalancer"
    """How clients outside the host cluster reach the federation API; NodePort needs `advertiseAddress`."""
    advertise_address: Address = ""
    """IP address or DNS name that clients use. Default: the address that the load balancer gets."""
    node_port: Annotated[int, Field(ge=30000, le=32767)] = 32443
    """The port on the host's nodes; used with NodePort only."""
    replicas: Annotated[int, Field(ge=1, le=9)] = 1
    """Pods of federation-apiserver, and of each other stateless part of the control plane."""


class Etcd(Section):
    replicas: Literal[1, 3] = 1
    """Pods of the etcd cluster; an even number adds no safety and is refused. Fixed at the first `pulumi up`."""
    storage: Quantity = "5Gi"
    """Size of each pod's volume. Fixed at the first `pulumi up`."""
    storage_class: str = ""
    """StorageClass of the volumes. Default: the host cluster's default class. Fixed at the first `pulumi up`."""


Secondaries = Annotated[
    tuple[Annotated[str, _checked(syntax.is_host_ip, syntax.HOST_IP_RULE), AfterValidator(syntax.canonical_ip)], ...],
    _each_once("addresses"),
]


Generations = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    _checked(lambda given: 0 < len(given) == len(set(given)), "a list of one or more generations, each of them once"),
]


class Certificates(Section):
    renew_before_days: Annotated[int, Field(ge=1, le=365)] = 30
    """A certificate with fewer days left is renewed by `pulumi up`. It is good for 365, so 365 renews with every up."""
    authorities: Generations = (1,)
    """Generations of the certificate authorities: the first signs, all are trusted. How to change it: docs/day-2.md."""


EngineName = Literal["karmada", "builtin"]
HOST_NAMESPACES: Mapping[EngineName, str] = {"karmada": "karmada-system", "builtin": "federation-system"}
"""Namespace of the control plane in the host cluster, unless configured."""


class Host(Section):
    context: str
    """Context of the kubeconfig that leads to the cluster which runs the control plane."""
    namespace: Label
    """Namespace of the control plane in the host cluster. Default: by engine, HOST_NAMESPACES. Fixed at the first
    `pulumi up`."""
    adopt: bool = False
    """Take over what is there already under the names of the control plane, and is somebody else's."""
    api_server: ApiServer = ApiServer()
    etcd: Etcd = Etcd()
    address_within: Annotated[str, Field(pattern=r"^[1-9][0-9]*[sm]$")] = "3m"
    """How long a load balancer in the host cluster may take to get its address before the update fails."""


class HttpProxy(Section):
    url: Annotated[str, _checked(syntax.is_proxy, syntax.PROXY_RULE)]
    """URL of the proxy, without credentials."""
    ca_bundle: str = ""
    """Authorities (PEM) to trust behind it, instead of those that the image knows."""


class GoogleCloudDns(Section):
    project: str
    """Google Cloud project that holds the zone."""
    credentials: Annotated[str | None, Field(repr=False)] = None
    """Secret. A service account's key, as JSON or as the path of its file. Default: application-default credentials."""
    dns_custom_endpoint: Annotated[str, Field(pattern=r"^https?://\S+/$")] | None = None
    """Base URL of the Cloud DNS API for Pulumi; external-dns goes to Google, by `proxy`. Default: Google's own."""
    proxy: HttpProxy | None = None
    """The proxy by which pods in the host cluster reach Google. Default: none is needed."""
    create_zone: bool = True
    """Create the managed zone; false uses the one that is there. Set to false later, it deletes what was created."""
    zone_name: ManagedZone | None = None
    """Name of the managed zone. Default: the zone with '-' for each dot, such as example-com."""
    parent_zone: ManagedZone | None = None
    """Name of a managed zone of the same project whose domain is above the zone; it gets the NS records for it."""
    visibility: Literal["public", "private"] = "public"
    """Who can resolve the names: everybody, or only `networks`. Of a created zone."""
    networks: tuple[str, ...] = ()
    """The VPC networks that see a private zone: projects/PROJECT/global/networks/NAME. Of a created zone."""
    dnssec: bool = False
    """Sign the public zone; the DS record in the parent is still yours to make. Of a created zone."""
    labels: dict[GoogleLabelKey, GoogleLabelValue] = {}
    """Labels of the created zone, beside `federation`, which is the federation's name."""


class CoreDns(Section):
    replicas: Annotated[int, Field(ge=1, le=9)] = 2
    """Pods that answer for the zone."""
    transfer_to: Secondaries = ()
    """IP addresses of secondaries: they may take the whole zone with the key (TSIG), and are told when it changes."""
    dnssec: bool = False
    """Sign the answers; the DS record in the parent is yours to make. Not together with `transferTo`."""


class Dns(Section):
    provider: Literal["coredns", "google-clouddns"] = "coredns"
    """Who answers for the zone: CoreDNS in the host cluster, or Google Cloud DNS."""
    zone: DnsZone
    """The domain under which federated Services are found; a final dot is accepted and dropped."""
    ttl: Annotated[int, Field(ge=1, le=86400)] = 30
    """Seconds for which an answer may be cached."""
    withdraw_after: Annotated[int, Field(ge=0, le=86400)] = 0
    """Seconds that a member may be not Ready, beyond the engine's own 30, before its addresses leave the names."""
    coredns: CoreDns = CoreDns()
    """Settings of the provider coredns."""
    google_clouddns: Annotated[GoogleCloudDns | None, Field(alias="googleClouddns")] = None
    """Settings of the provider google-clouddns; required with it, refused with another."""


CommonKind = Literal[
    "Service",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "ConfigMap",
    "Secret",
    "Ingress",
]
Kind = Literal[CommonKind, "ServiceAccount", "PersistentVolumeClaim"]


class RbacRule(Section):
    """A rule of Kubernetes RBAC: for resources, or for URLs that are none."""

    api_groups: tuple[str, ...] = ()
    """API groups of the resources; "" is the core's."""
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    """Names of the only objects that it is for. Default: all."""
    non_resource_urls: Annotated[tuple[str, ...], Field(alias="nonResourceURLs")] = ()
    """Paths such as /readyz, instead of groups and resources."""
    verbs: Annotated[tuple[str, ...], Field(min_length=1)]


class Access(Section):
    profile: Literal["full", "namespaced", "custom"] = "full"
    """What the federation may do in the member: all that the engine can carry, only what is listed, or `rules`."""
    namespaces: Annotated[tuple[FederatedNamespace, ...], _each_once("namespaces")] = ()
    """Namespaces of the member that the federation may write to; they must be there. With `namespaced` only."""
    kinds: tuple[Kind, ...] | None = None
    """Kinds that it may write there, and read everywhere. With `namespaced` only. Default: `propagation.kinds`."""
    rules: tuple[RbacRule, ...] = ()
    """All that it may do, in the whole cluster; nothing is added. With `custom` only."""


class ClusterDns(Section):
    config_map: str
    """Name of the ConfigMap in kube-system whose Corefile the member's CoreDNS reads."""


def _cluster_dns(given: object) -> object:
    """The map as its section; all that is wrong with the setting is one problem, not one for each of its forms."""
    match given:
        case "auto" | "none":
            return given
        case {"configMap": str(name), **more} if syntax.is_domain(name) and not more:
            return ClusterDns(configMap=name)
    raise PydanticCustomError("rule", "is not {allowed}", {"allowed": syntax.CLUSTER_DNS_RULE})


class Member(Section):
    name: Name
    """Name of the Cluster in the federation API; never derived from the context."""
    context: str
    """Context of the kubeconfig that leads to the member."""
    region: Label
    """Region of the member: the middle level of the names of federated Services."""
    zones: tuple[Label, ...] = ()
    """Availability zones that the member spans; each has names of its own."""
    labels: dict[LabelKey, LabelValue] = {}
    """Labels of the Cluster, which placements can select by."""
    api_endpoint: Annotated[str, Field(pattern=r"^https://[^\s]+$")] | None = None
    """URL by which the control plane's pods reach the member's API. Default: the context's own server.

    They go there directly and check its certificate, whatever the kubeconfig says of its own server.
    """
    cluster_dns: Annotated[Literal["auto", "none"] | ClusterDns, BeforeValidator(_cluster_dns)] = "auto"
    """Whether the member's cluster DNS is led to the federation's names; none keeps hands off.

    `configMap` names the one that has the Corefile, where it has none of the names that are known."""
    proxy: bool = True
    """Whether users of the federation API reach the member's API through it, as themselves (`clusters/NAME/proxy`).

    Engine karmada only; with another, a true that is written out is refused. Karmada keeps the rights for that in the
    member under one fixed name: only one of its federations can have them.
    """
    adopt: bool = False
    """Take over what is there already under the names of the membership, and is somebody else's."""
    ready_within: Annotated[str, Field(pattern=r"^[1-9][0-9]*[sm]$")] = "2m"
    """How long the Cluster may take to report Ready before the update fails with what it says of itself."""
    token_generation: Annotated[int, Field(ge=1)] = 1
    """A higher number gives the member's accounts new tokens, and has the old ones refused."""
    keep_workloads: bool = False
    """Whether the workloads run on in the member when it leaves. Must be in the stack before the member leaves."""
    unreachable: bool = False
    """The member is gone for good: it leaves without being asked. Refused while it still answers."""
    access: Access = Access()
    """What the federation may do in the member."""


class User(Section):
    """Somebody who may call the federation API. What he may do there is a matter of RoleBindings."""

    name: UserName
    """Name of the user, as bindings have it."""
    groups: tuple[UserName, ...] = ()
    """Groups that he is in, as bindings have them."""


class Propagation(Section):
    kinds: tuple[Kind, ...] = get_args(CommonKind)
    """Kinds that reach the members without a policy of their own; none: nothing does. Default: CommonKind."""
    clusters: tuple[Name, ...] = ()
    """Members that they reach. Default: all."""


PinnedImage = Literal[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "karmada-aggregated-apiserver",
    "karmada-controller-manager",
    "karmada-scheduler",
    "karmada-webhook",
]
"""The images that share registries and tags, by the name that they have there."""


class Images(Section):
    kubernetes_registry: Registry = "registry.k8s.io"
    """Registry of kube-apiserver, kube-controller-manager and etcd."""
    kubernetes_tag: Tag = "v1.34.4"
    etcd_tag: Tag = "v3.6.16"
    karmada_registry: Registry = "docker.io/karmada"
    """Registry and folder of Karmada's images."""
    karmada_tag: Tag = "v1.18.2"
    digests: dict[PinnedImage, Digest] = {}
    """Digests of these images. What is pulled is what its digest says: it changes with the tag, or the tag is idle."""
    coredns: Image = "registry.k8s.io/coredns/coredns:v1.12.1"
    """Image of the zone's name servers (provider coredns)."""
    external_dns: Image = "registry.k8s.io/external-dns/external-dns:v0.22.0"
    controllers: Image = "ghcr.io/kube-federation/controllers:0.1.0"
    """Image of what runs in the host cluster, made from controllers/Dockerfile."""

    @property
    def etcd(self) -> str:
        return images.reference(self.kubernetes_registry, "etcd", self.etcd_tag, self.digests.get("etcd"))

    def kubernetes(self, name: Literal["kube-apiserver", "kube-controller-manager"]) -> str:
        """The image of a program of Kubernetes."""
        return images.reference(self.kubernetes_registry, name, self.kubernetes_tag, self.digests.get(name))

    def karmada(self, name: PinnedImage) -> str:
        """The image of a program of Karmada."""
        return images.reference(self.karmada_registry, name, self.karmada_tag, self.digests.get(name))


class Crds(Section):
    source: str = ""
    """Path or https URL of Karmada's crds.tar.gz. Default: the bundle in FEDERATION_TOOLS, else the release page."""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """Checksum of that archive. Default: its content is held against the checksum pinned in engine/karmada/crds.py."""


class Settings(Section):
    """The whole configuration of one federation."""

    kubeconfig: str = ""
    """Path of the kubeconfig, relative to the project. Default: $KUBECONFIG, then ~/.kube/config."""

    name: Name
    """Name of the federation: the context in the kubeconfig it gives out, and the first label of its names. Fixed at
    the first `pulumi up`."""
    engine: EngineName = "karmada"
    """Who carries objects to the members. Fixed at the first `pulumi up`."""
    host: Host
    dns: Annotated[Dns | None, BeforeValidator(lambda given: given or None)] = None
    """The zone of the federated Services. Default: no names are published."""
    members: tuple[Member, ...] = ()
    users: tuple[User, ...] = ()
    """Users of the federation API, each to get a kubeconfig whose certificate is good for 30 days."""
    certificates: Certificates = Certificates()
    propagation: Propagation = Propagation()
    images: Images = Images()
    crds: Crds = Crds()
    protect: bool = False
    """Whether Pulumi refuses to delete or replace what cannot be made again: etcd, authorities, token key, zone
    and the key that signs it.

    Holds from the `pulumi up` that sets it to the one that takes it off."""

    @model_validator(mode="before")
    @classmethod
    def _namespace_by_engine(cls, given: Any) -> Any:
        host, engine = given.get("host"), given.get("engine")
        # What is no engine is told for itself; its host has no problem of its own.
        default = HOST_NAMESPACES["builtin" if engine == "builtin" else "karmada"]
        return {**given, "host": {"namespace": default, **host}} if isinstance(host, dict) else given

    @property
    def gone(self) -> tuple[str, ...]:
        """Names of the members that are gone for good."""
        return tuple(member.name for member in self.members if member.unreachable)
