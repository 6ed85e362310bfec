"""What the federation may do in a member, for each engine and profile of access, as rules of Kubernetes RBAC. Pure.

What Karmada asks of a member's API was read in its controllers at v1.18.2: cluster and work status (pkg/controllers/
status), execution, unifiedauth, and pkg/util/objectwatcher. docs/access.md says what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, cast

from federation.settings import schema
from federation.settings.schema import Access, Kind
from kube.kinds import API_VERSIONS, NAMESPACE, api_group, resource_name

URLS = "URLs"


class Rule(TypedDict, total=False):
    """A rule as the manifest has it."""

    api_groups: Sequence[str]
    resources: Sequence[str]
    resource_names: Sequence[str]
    non_resource_urls: Sequence[str]
    verbs: Sequence[str]


@dataclass(frozen=True)
class Rights:
    """All that the federation may do in one member."""

    everywhere: Sequence[Rule]
    """In the whole cluster."""
    within: Sequence[Rule] = ()
    """In each of `namespaces` alone."""
    namespaces: Sequence[str] = ()
    looks_within: bool = False
    """Whether also what it looks at is in `namespaces` alone."""
    proxy: bool = False
    """Whether users of the federation API reach the member through it, as themselves (clusters/NAME/proxy)."""


READ = ["get", "list", "watch"]
WRITE = ["create", "update", "delete"]
APPLY = ["create", "patch", "delete"]
"""Server-side apply is a patch, and a creation where nothing is there."""
RBAC = "rbac.authorization.k8s.io"
IMPERSONATOR = "karmada-impersonator"
"""ClusterRole and binding that Karmada makes in a member with a proxy, for the account of that name that proxies."""
RESOURCES: Mapping[Kind, tuple[str, str]] = {
    cast(Kind, kind): (api_group(kind), resource_name(kind)) for kind in API_VERSIONS if kind != NAMESPACE
}
"""API group and resource of each kind."""

EVERYTHING: Sequence[Rule] = [
    # Verb by verb: `*` would hold escalate and bind, by which an account gives itself what it does not have.
    {"api_groups": ["*"], "resources": ["*"], "verbs": [*READ, *WRITE, "patch", "deletecollection"]},
    {"non_resource_urls": ["*"], "verbs": ["get"]},
]
IMPERSONATE: Rule = {
    "api_groups": [""],
    "resources": ["users", "groups", "serviceaccounts"],
    "verbs": ["impersonate"],
}
STATUS: Sequence[Rule] = [
    {
        "non_resource_urls": ["/healthz", "/readyz", "/version", "/api", "/api/*", "/apis", "/apis/*"],
        "verbs": ["get"],
    },
    {"api_groups": [""], "resources": ["nodes", "pods"], "verbs": READ},
]
"""What a Cluster reports: health, version, kinds, nodes and what is free on them."""
AUTOSCALERS: Rule = {"api_groups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["list"]}
"""Whether one aims at a workload, before its replicas are set."""
ADDRESSED_TO_ALL: Sequence[Rule] = [
    # Each Namespace of the federation API is sent to each member: Karmada looks whether it is there.
    {"api_groups": [""], "resources": ["namespaces"], "verbs": READ},
    # What it made there while the access was full it goes on watching, and takes back when the member leaves.
    {"api_groups": [RBAC], "resources": ["clusterroles", "clusterrolebindings"], "verbs": READ},
    {
        "api_groups": [RBAC],
        "resources": ["clusterroles", "clusterrolebindings"],
        "resource_names": [IMPERSONATOR],
        "verbs": ["delete"],
    },
]


def on(kinds: Iterable[Kind], verbs: Sequence[str]) -> Sequence[Rule]:
    """These verbs on the resources of these kinds, a rule for each API group."""
    groups: dict[str, list[str]] = {}
    for group, resource in map(RESOURCES.__getitem__, kinds):
        groups.setdefault(group, []).append(resource)
    return [{"api_groups": [group], "resources": resources, "verbs": verbs} for group, resources in groups.items()]


def _some(kinds: Iterable[Kind], verbs: Sequence[str]) -> Sequence[Rule]:
    return on(kinds, verbs) if verbs else ()


@dataclass(frozen=True)
class Needs:
    """What an engine asks of every member."""

    full: Sequence[Rule]
    """With profile full: all of it."""
    namespaced: Sequence[Rule]
    """With profile namespaced: in the whole cluster."""
    within: Sequence[Rule]
    """With profile namespaced: in the namespaces alone."""
    read: Sequence[str]
    """With profile namespaced: verbs on the kinds that it carries, in the whole cluster."""
    write: Sequence[str]
    """With profile namespaced: verbs on these kinds, in the namespaces alone."""
    dropped: Sequence[str]
    """With profile namespaced, where it says no kinds: the same on all that it could carry."""
    proxies: bool
    """Whether it lets users of the federation API reach a member through it, where they have the right to."""


KARMADA = Needs(
    # It hands these out, for the users of clusters/NAME/proxy, and nobody hands out what he does not hold.
    full=[*EVERYTHING, IMPERSONATE],
    namespaced=[*STATUS, *ADDRESSED_TO_ALL],
    within=[],
    # A kind is followed in all namespaces at once: its informers know no other way.
    read=READ,
    write=WRITE,
    dropped=[],
    proxies=True,
)
HEALTH: Sequence[Rule] = [
    {"non_resource_urls": ["/readyz", "/version"], "verbs": ["get"]},
    {"api_groups": [""], "resources": ["nodes"], "verbs": ["list"]},
]
"""What a Cluster of the built-in engine reports: health, version, and how many nodes are Ready."""
BUILTIN = Needs(
    full=[
        *HEALTH,
        {"api_groups": [""], "resources": ["namespaces"], "verbs": [*READ, *APPLY]},
        # Whether a Namespace that is to go has something of others.
        {"api_groups": [""], "resources": ["pods", "resourcequotas", "limitranges"], "verbs": ["list"]},
        {"api_groups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["list"]},
        {"api_groups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["list"]},
        {"api_groups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": ["list"]},
        {"api_groups": ["apps"], "resources": ["replicasets"], "verbs": ["get"]},
        # All kinds that there are: those that were carried once are taken back.
        *on(RESOURCES, [*READ, *APPLY]),
        AUTOSCALERS,
    ],
    # It makes no Namespaces there, and follows each kind in each of its namespaces by itself.
    namespaced=HEALTH,
    within=[AUTOSCALERS],
    read=[],
    write=[*READ, *APPLY],
    # Those that were carried once are taken back; who names the kinds himself has given just these.
    dropped=[*READ, "delete", "patch"],
    proxies=False,
)


def rights(access: Access, propagated: Sequence[Kind], needs: Needs, *, proxy: bool = True) -> Rights:
    """What a member grants; `propagated` are the kinds that reach members without a policy.

    `proxy` is whether it is wanted; only an engine that has one, and a profile that allows it, give it.
    """
    wanted = proxy and needs.proxies
    match access.profile:
        case "full":
            return Rights(needs.full, proxy=wanted)
        case "namespaced":
            kinds = propagated if access.kinds is None else access.kinds
            dropped = [kind for kind in RESOURCES if access.kinds is None and kind not in kinds]
            everywhere = [*needs.namespaced, *_some(kinds, needs.read)]
            within = [*needs.within, *_some(kinds, needs.write), *_some(dropped, needs.dropped)]
            return Rights(everywhere, within, access.namespaces, looks_within=not needs.read)
        case "custom":
            given = [_rule(rule) for rule in access.rules]
            # Without this right Karmada could not make the impersonator's role, nor take it back.
            return Rights(given, proxy=wanted and any({"impersonate", "*"} & set(rule["verbs"]) for rule in given))


def lines(rights: Rights) -> list[str]:
    """The rules as a person reads them, such as `everywhere: get, list, watch on nodes, pods`; no verbs twice."""
    found: dict[str, list[str]] = {}
    places = {"everywhere": rights.everywhere, f"in {', '.join(rights.namespaces)}": rights.within}
    for place, rules in places.items():
        for rule in rules:
            found.setdefault(f"{place}: {', '.join(rule['verbs'])}", []).append(_what(rule))
    # URLs come last: what follows them would read as more of them.
    return [f"{verbs} on {', '.join(sorted(things, key=_is_urls))}" for verbs, things in found.items()]


def _is_urls(thing: str) -> bool:
    return thing.startswith(URLS)


def _rule(given: schema.RbacRule) -> Rule:
    if given.non_resource_urls:
        return {"non_resource_urls": given.non_resource_urls, "verbs": given.verbs}
    named: Rule = {"resource_names": given.resource_names} if given.resource_names else {}
    return {"api_groups": given.api_groups, "resources": given.resources, **named, "verbs": given.verbs}


def _what(rule: Rule) -> str:
    if "non_resource_urls" in rule:
        return f"{URLS} {', '.join(rule['non_resource_urls'])}"
    groups = (f".{group}" if group else "" for group in rule["api_groups"])
    things = ", ".join(f"{resource}{group}" for group in groups for resource in rule["resources"])
    return f"{things} called {', '.join(rule['resource_names'])}" if "resource_names" in rule else things
