"""Names and stack configurations: valid ones drawn by hypothesis, and changes to them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from string import ascii_letters, ascii_lowercase, digits
from typing import Any, get_args

from hypothesis import strategies as st

from federation.settings.schema import Kind

MISSING = object()
"""As a change: the key is taken out."""
CONTEXTS = tuple(f"context_{i}" for i in range(8))
"""The contexts of the kubeconfig that drawn configurations name."""


def changed(stack: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The stack's configuration with some values set, each given by its path: `federation:members.0.region`."""
    result: dict[str, Any] = copy.deepcopy(dict(stack))
    for path, value in changes.items():
        *sections, last = path.split(".")
        target: Any = result
        for section in sections:
            target = target[int(section)] if isinstance(target, list) else target.setdefault(section, {})
        if value is MISSING:
            del target[last]
        else:
            target[last] = value
    return result


def encoded(stack: Mapping[str, Any]) -> dict[str, str]:
    """The configuration as the CLI hands it to a program: text as it is, all else as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in stack.items()}


def _between(ends: str, middle: str, most: int) -> st.SearchStrategy[str]:
    end = st.sampled_from(ends)
    longer = st.builds("{}{}{}".format, end, st.text(middle, max_size=most - 2), end)
    return st.one_of(end, longer)


def labels(most: int = 63) -> st.SearchStrategy[str]:
    return _between(ascii_lowercase + digits, ascii_lowercase + digits + "-", most)


def places() -> st.SearchStrategy[str]:
    """Regions and zones."""
    return labels(60).map("p-{}".format)


def label_values() -> st.SearchStrategy[str]:
    return _between(ascii_letters + digits, ascii_letters + digits + "-_.", 63)


def label_keys() -> st.SearchStrategy[str]:
    """With a domain in front, and without."""
    domain = st.lists(labels(), min_size=1, max_size=3).map(".".join)
    return st.one_of(label_values(), st.builds("{}/{}".format, domain, label_values()))


def zones() -> st.SearchStrategy[str]:
    """Domains (`dns.zone`, not a member's zones) in any spelling: either case, with and without the final dot."""
    domain = st.lists(labels(), min_size=2, max_size=3).map(".".join)
    spelled = st.one_of(domain, domain.map(str.upper))
    return st.builds("{}{}".format, spelled, st.sampled_from(["", "."]))


def almost(*rules: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts on both sides of a rule: valid ones, ones with a character too many anywhere, and any text."""
    valid = st.one_of(*rules)
    spoiled = st.builds(
        lambda text, at, extra: text[:at] + extra + text[at:], valid, st.integers(0, 64), st.sampled_from("aZ0-_. \n/é")
    )
    return st.one_of(valid, spoiled, st.text(max_size=70), st.text("ab-", min_size=45, max_size=66))


def json_values() -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_keys(), inner, max_size=4)),
        max_leaves=12,
    )


def garbage() -> st.SearchStrategy[dict[str, str]]:
    """Configurations of the right keys with anything at all in them."""
    texts = st.one_of(
        st.text(max_size=12), json_values().map(json.dumps), st.sampled_from(["{", "[1,", "~", "{}", "[{}]"])
    )
    return st.dictionaries(_keys().map("federation:{}".format), texts, max_size=6)


def _keys() -> st.SearchStrategy[str]:
    """Some of the keys: for what is to be wrong, it need not be all."""
    sections = ["name", "kubeconfig", "host", "dns", "members", "images", "crds", "protect"]
    fields = [
        "context",
        "zone",
        "zones",
        "region",
        "labels",
        "apiServer",
        "etcd",
        "replicas",
        "provider",
        "googleClouddns",
        "coredns",
        "transferTo",
        "dnssec",
        "access",
        "profile",
        "rules",
    ]
    return st.one_of(st.sampled_from(sections + fields), st.text(max_size=6))


def accesses() -> st.SearchStrategy[dict[str, Any]]:
    """Accesses of a member, where the default kinds are propagated."""
    url: dict[str, Any] = {"nonResourceURLs": ["/readyz"], "verbs": ["get"]}
    named = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["ring"], "verbs": ["get", "list"]}
    one = labels().map("n{}".format).filter(lambda name: len(name) < 64)
    namespaces = st.lists(one, min_size=1, max_size=3, unique=True)
    return st.one_of(
        st.sampled_from([{}, {"profile": "full"}]),
        namespaces.map(lambda names: {"profile": "namespaced", "namespaces": names}),
        namespaces.map(lambda names: {"profile": "namespaced", "namespaces": names, "kinds": list(get_args(Kind))}),
        st.lists(st.sampled_from([url, named]), min_size=1).map(lambda rules: {"profile": "custom", "rules": rules}),
    )


@st.composite
def configurations(draw: st.DrawFn, *, least_members: int = 0) -> dict[str, Any]:
    """A valid configuration of a stack whose kubeconfig has the CONTEXTS."""
    host, *contexts = draw(st.permutations(CONTEXTS))
    count = draw(st.integers(least_members, 3))
    names = draw(st.lists(labels(48), min_size=count, max_size=count, unique=True))
    provider = draw(st.sampled_from(["coredns", "google-clouddns"]))
    node_port = {
        "serviceType": "NodePort",
        "advertiseAddress": draw(labels(59).map("api-{}".format)),
        "nodePort": draw(st.integers(30000, 32767)),
    }
    balancer = {"serviceType": "LoadBalancer", "replicas": draw(st.integers(1, 9))}
    google = {
        "project": draw(labels()),
        # What is made from the zone is not always the name of a managed zone.
        "zoneName": "fellowship",
        **draw(
            st.sampled_from(
                [
                    {},
                    {"visibility": "private", "networks": ["projects/shire/global/networks/default"]},
                    {"dnssec": True, "parentZone": "com", "labels": {"team": "dns"}},
                    {"createZone": False, "parentZone": "com"},
                ]
            )
        ),
    }
    coredns = draw(
        st.sampled_from([{}, {"replicas": 3}, {"dnssec": True}, {"transferTo": ["192.0.2.53", "2001:db8::53"]}])
    )
    return {
        "federation:name": f"f-{draw(labels(60))}",
        "federation:host": {
            "context": host,
            "namespace": draw(labels()),
            "apiServer": draw(st.sampled_from([node_port, balancer, {}])),
            "etcd": {"replicas": draw(st.sampled_from([1, 3])), "storage": f"{draw(st.integers(1, 900))}Gi"},
        },
        "federation:dns": {
            "provider": provider,
            "zone": draw(zones()),
            "ttl": draw(st.integers(1, 86400)),
            **({"googleClouddns": google} if provider == "google-clouddns" else {"coredns": coredns}),
        },
        "federation:members": [
            {
                "name": name,
                "context": context,
                "region": draw(places()),
                "zones": draw(st.lists(places(), max_size=2)),
                "labels": draw(st.dictionaries(label_keys(), label_values(), max_size=2)),
                "access": draw(accesses()),
                "tokenGeneration": draw(st.integers(1, 9)),
            }
            for name, context in zip(names, contexts, strict=False)
        ],
        "federation:certificates": {
            "renewBeforeDays": draw(st.integers(1, 365)),
            "authorities": draw(st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True)),
        },
        "federation:protect": draw(st.booleans()),
    }
