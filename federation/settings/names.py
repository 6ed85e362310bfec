"""The names by which the program, its controllers and clients know each other's objects, and those in the zone. Pure.

Beside `syntax` and `keys`, this is all of `federation` that controllers share.
"""

from __future__ import annotations

from dataclasses import dataclass

from federation.settings.syntax import zone_of

MANAGED_BY = "app.kubernetes.io/managed-by"
"""Label of DNSEndpoint objects: who writes them."""
DNS_CONTROLLER = "federation-dns-controller"
"""Its value for those of controllers/names."""
DNS_ENDPOINT_API = "externaldns.k8s.io/v1alpha1"
"""The apiVersion of DNSEndpoint."""
PROGRAM = "pulumi"
"""Its value for OWN_RECORDS. Others' objects may have it: Pulumi itself sets it."""
OWN_RECORDS = "federation"
"""The DNSEndpoint with the names of the federation API and of the zone's name server, in that API."""
ZONE_SERIAL = "federation-zone"
"""Name of the ConfigMap in the federation API that says which content of the zone has which serial."""


def managed_zone_of(zone: str) -> str:
    """The name that a zone gets in Google Cloud DNS unless told otherwise; not every zone gives a valid one."""
    return zone_of(zone).replace(".", "-")


def api_name(federation: str, zone: str) -> str:
    """The name of the federation API: too short to meet a Service's, which has two labels more."""
    return f"api.{federation}.{zone_of(zone)}"


def own_namespace(federation: str) -> str:
    """The Namespace of its accounts in each member, and of their credentials in its API.

    One name for both, as Karmada binds the impersonator in a member by the namespace of the API's Secret; the
    federation's own, as a member may be in several.
    """
    return f"federation-{federation}"


def control_plane(host_uid: str, namespace: str) -> str:
    """Where a federation's control plane is (keys.CONTROL_PLANE), which no other federation can say of itself."""
    return f"{host_uid}/{namespace}"


def dns_secret(cluster: str) -> str:
    """The Secret in the federation API with what controllers/names needs to see a member: `caBundle` and `token`."""
    return f"{cluster}-dns"


@dataclass(frozen=True)
class ServiceNames:
    """The DNS names of one federated Service, as in federation v1: a global one, one per region, one per zone."""

    service: str
    namespace: str
    federation: str
    suffix: str
    """The DNS zone that holds them."""

    def at(self, *place: str) -> str:
        """The name at a place: `at()` is global, `at(region)` a region's, `at(zone, region)` a zone's.

        In the form of DNSEndpoint objects: lower case, no final dot. It is a domain (`is_domain`) only if the place's
        parts are labels and all together are short enough.
        """
        return ".".join((*self._own, *place, zone_of(self.suffix))).lower()

    def includes(self, domain: str) -> bool:
        """Whether the domain is the name at some place; one with labels in front of the Service's is not."""
        own, suffix = ".".join(self._own), zone_of(self.suffix)
        return domain == f"{own}.{suffix}" or (domain.startswith(f"{own}.") and domain.endswith(f".{suffix}"))

    @property
    def _own(self) -> tuple[str, ...]:
        return self.service, self.namespace, self.federation, "svc"


def works_namespace(member: str) -> str:
    """In the federation API: where Karmada keeps what it carries to a member."""
    return f"karmada-es-{member}"
