"""What contradicts each other in the configuration, though each value is good by itself. Pure.

All of it works on whatever parts of the configuration have the right shape, as the rest is reported for itself.
Values that anything could be given for are told by their `repr`, by which `config` finds those that are secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from federation.settings import domains, names, syntax
from federation.settings.schema import HOST_NAMESPACES, CommonKind, Kind

PROJECT = "federation"
HOST = f"{PROJECT}:host"
"""Path of the host cluster."""
TAKEN_PLACES = ("dns", "svc")
"""Labels that mean something else in the DNS zone."""


def contradictions(given: Mapping[str, Any]) -> Iterator[str]:
    """All that contradicts each other; works on whatever parts have the right shape."""
    host, dns = as_map(given.get("host")), as_map(given.get("dns"))
    yield from _shared_namespaces(given, host)
    yield from _hiding_names(given, dns)
    if dns.get("provider") == "google-clouddns" and "coredns" in dns:
        yield f"{PROJECT}:dns.coredns: belongs to coredns, but the provider is google-clouddns; keep one"
    coredns = as_map(dns.get("coredns"))
    if coredns.get("transferTo") and coredns.get("dnssec"):
        why = "CoreDNS transfers a zone without its signatures, which secondaries could not make"
        yield f"{PROJECT}:dns.coredns: transferTo and dnssec exclude each other, as {why}; keep one"
    yield from _clashing_names(given)
    yield from _clashing_users(given)
    yield from _unknown_members(given)
    yield from _access(given)
    yield from _of_another_engine(given)
    if dns.get("provider") == "google-clouddns" and "googleClouddns" not in dns:
        yield f"{PROJECT}:dns.googleClouddns: is missing; provider google-clouddns requires it"
    if dns.get("provider", "coredns") == "coredns" and "googleClouddns" in dns:
        yield f"{PROJECT}:dns.googleClouddns: belongs to google-clouddns, but the provider is coredns; keep one"
    if "googleClouddns" in dns:
        yield from _google_clouddns(as_map(dns["googleClouddns"]), dns.get("zone"))
    api = as_map(host.get("apiServer"))
    if dns and api.get("advertiseAddress") == names.api_name(str(given.get("name")), str(dns.get("zone"))):
        path, allowed = f"{PROJECT}:host.apiServer.advertiseAddress", "allowed: another name, or an address"
        yield f"{path}: {api['advertiseAddress']!r} is the name that leads to this address in the zone; {allowed}"
    if api.get("serviceType") == "NodePort" and not api.get("advertiseAddress"):
        yield f"{PROJECT}:host.apiServer.advertiseAddress: is missing; serviceType NodePort requires a node's address"


def _of_another_engine(given: Mapping[str, Any]) -> Iterator[str]:
    engine = given.get("engine")
    if engine != "builtin":
        return
    if given.get("crds"):
        yield f"{PROJECT}:crds: belongs to karmada, but the engine is {engine}; keep one"
    for i, member in enumerate(map(as_map, as_list(given.get("members")))):
        if member.get("proxy"):
            yield f"{PROJECT}:members[{i}].proxy: belongs to karmada, but the engine is {engine}; allowed: false"


def _google_clouddns(google: Mapping[str, Any], zone: Any) -> Iterator[str]:
    path = f"{PROJECT}:dns.googleClouddns"
    private = google.get("visibility") == "private"
    if private and not google.get("networks"):
        yield f"{path}.networks: is missing; a private zone requires the networks that see it"
    if google.get("networks") and not private:
        yield f"{path}.networks: belongs to a private zone, but the zone is public; keep one"
    for key in ("dnssec", "parentZone"):
        if private and google.get(key):
            yield f"{path}.{key}: belongs to a public zone, but the zone is private; keep one"
    if google.get("createZone") is False:
        for key in ("visibility", "networks", "dnssec", "labels"):
            if key in google:
                yield f"{path}.{key}: belongs to a zone that is created, but createZone is false; keep one"
    if isinstance(zone, str) and syntax.is_zone(zone) and "zoneName" not in google:
        default = names.managed_zone_of(zone)
        if not syntax.is_managed_zone(default):
            yield f"{path}.zoneName: is missing; {default!r}, its default, is not {syntax.MANAGED_ZONE_RULE}"


def _shared_namespaces(given: Mapping[str, Any], host: Mapping[str, Any]) -> Iterator[str]:
    """The federation's own Namespace is deleted in a member that leaves, and nothing else may depend on it."""
    name = given.get("name")
    own = names.own_namespace(str(name))
    if given.get("engine") == "builtin" and own == HOST_NAMESPACES["builtin"]:
        why = "would have its accounts in the Namespace that the engine builtin works in"
        yield f"{PROJECT}:name: {name!r} {why}; allowed: any other name"
    elif host.get("namespace") == own:
        why = "is the Namespace of the federation's accounts in each member, and is deleted where one leaves"
        yield f"{PROJECT}:host.namespace: {own!r} {why}; allowed: any other name"


def _hiding_names(given: Mapping[str, Any], dns: Mapping[str, Any]) -> Iterator[str]:
    """Names that would stand before others: in the tree of the zone, or in what pods look up."""
    name = given.get("name")
    top = syntax.zone_of(str(dns.get("zone"))).rpartition(".")[2]
    if dns and isinstance(name, str) and (name == top or domains.is_end_of_others(name)):
        why = "is the end of other names, which pods would not find any more"
        yield f"{PROJECT}:name: {name!r} {why}; allowed with a zone: {domains.RULE}"
    for i, member in enumerate(map(as_map, as_list(given.get("members")))):
        labels = {
            "region": member.get("region"),
            **{f"zones[{j}]": z for j, z in enumerate(as_list(member.get("zones")))},
        }
        for key, label in labels.items():
            if dns and label in (name, *TAKEN_PLACES):
                allowed = f"any other name than {', '.join((str(name), *TAKEN_PLACES))}"
                yield f"{PROJECT}:members[{i}].{key}: {label!r} has another meaning in the zone; allowed: {allowed}"


def _unknown_members(given: Mapping[str, Any]) -> Iterator[str]:
    members = [as_map(member).get("name") for member in as_list(given.get("members"))]
    for i, cluster in enumerate(as_list(as_map(given.get("propagation")).get("clusters"))):
        if cluster not in members:
            known = ", ".join(map(repr, members)) or "none"
            yield f"{PROJECT}:propagation.clusters[{i}]: {cluster!r} is not a member; the members are: {known}"


def _access(given: Mapping[str, Any]) -> Iterator[str]:
    """Parts of a member's access that belong to another profile, are missing, or leave out what is sent there."""
    of_profile = {"namespaced": ("namespaces", "kinds"), "custom": ("rules",)}
    for i, member in enumerate(map(as_map, as_list(given.get("members")))):
        path, access = f"{PROJECT}:members[{i}].access", as_map(member.get("access"))
        profile = access.get("profile", "full")
        for owner, keys in of_profile.items():
            for key in keys:
                if key in access and profile in ("full", *of_profile) and profile != owner:
                    yield f"{path}.{key}: belongs to profile {owner}, but the profile is {profile}; keep one"
        if profile == "namespaced" and not access.get("namespaces"):
            yield f"{path}.namespaces: is missing; profile namespaced requires those that the federation may write to"
        if profile == "custom" and not access.get("rules"):
            yield f"{path}.rules: is missing; profile custom requires all that the federation may do in the member"
        for j, rule in enumerate(map(as_map, as_list(access.get("rules")))):
            if bool(rule.get("apiGroups") and rule.get("resources")) == bool(rule.get("nonResourceURLs")):
                yield f"{path}.rules[{j}]: is for nothing; allowed: apiGroups and resources, or nonResourceURLs"
        if profile == "namespaced" and "kinds" in access:
            yield from _unwritable(given, f"{path}.kinds", member.get("name"), as_list(access["kinds"]))


def _unwritable(given: Mapping[str, Any], path: str, member: Any, kinds: list[Any]) -> Iterator[str]:
    propagation = as_map(given.get("propagation"))
    if member in (as_list(propagation.get("clusters")) or [member]):
        sent = as_list(propagation["kinds"]) if "kinds" in propagation else get_args(CommonKind)
        if lacking := [kind for kind in get_args(Kind) if kind in sent and kind not in kinds]:
            cure = "add them, or take them out of propagation.kinds, or the member out of propagation.clusters"
            yield f"{path}: lacks {', '.join(lacking)}, which reach the member without a policy; {cure}"


def _clashing_names(given: Mapping[str, Any]) -> Iterator[str]:
    host = as_map(given.get("host"))
    members = [(f"{PROJECT}:members[{i}]", as_map(member)) for i, member in enumerate(as_list(given.get("members")))]
    for key in ("name", "context"):
        counts = Counter(str(member[key]) for _, member in members if key in member)
        for path, member in members:
            if counts[str(member.get(key))] > 1:
                yield f"{path}.{key}: {member[key]!r} stands more than once; each member has a {key} of its own"
    for path, member in members:
        if "name" in member and member["name"] == host.get("context"):
            yield f"{path}.name: {member['name']!r} is the host cluster's name; a member needs another name"
    taken = {str(member.get("name")) for _, member in members}
    for path, member in members:
        if member.get("name") == "impersonator":
            yield f"{path}.name: 'impersonator' is the name of an account that Karmada keeps; take another name"
        for twin in (f"{member.get('name')}-impersonator", names.dns_secret(str(member.get("name")))):
            if twin in taken:
                yield f"{path}.name: a Secret {twin!r} is kept for it, which member {twin!r} has too; rename one"
    for path, context in context_paths(given):
        if context == given.get("name"):
            yield f"{path}: {context!r} is also the federation's name, which its own context takes; rename one"


def _clashing_users(given: Mapping[str, Any]) -> Iterator[str]:
    counts = Counter(str(as_map(user).get("name")) for user in as_list(given.get("users")))
    for name, count in counts.items():
        if count > 1:
            yield f"{PROJECT}:users: {name!r} is there several times; allowed: once, with all of its groups"


def sections(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and section of the host and of each member."""
    yield HOST, as_map(given.get("host"))
    for i, member in enumerate(as_list(given.get("members"))):
        yield f"{PROJECT}:members[{i}]", as_map(member)


def context_paths(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, section in sections(given):
        if isinstance(context := section.get("context"), str):
            yield f"{path}.context", context


def as_map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
