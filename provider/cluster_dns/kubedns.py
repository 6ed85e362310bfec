"""The federation's entries in ConfigMap kube-system/kube-dns, beside everyone else's. Pure.

kube-dns reads two keys that matter here, each of them optional (github.com/kubernetes/dns, pkg/dns/config):

    stubDomains    {"example.com": ["10.90.0.5"]}      JSON: domain to name servers
    federations    fellowship=example.com              comma list: federation to domain, for `web.default.fellowship`

It refuses all of its configuration if one part is wrong. The zone and region of the nearest name it takes from the
labels of the nodes. What stands in the keys besides comes back byte for byte when the federation leaves; only a key
with nothing in it but `{}` or blanks is then absent, which is the same to kube-dns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from federation.settings import syntax
from provider.cluster_dns.lookup import UNKNOWN_SERVERS, Lookup

STUB_DOMAINS = "stubDomains"
FEDERATIONS = "federations"


def with_part(data: Mapping[str, str], lookup: Lookup) -> dict[str, str]:
    """The ConfigMap's data with the federation's entries, put in front where they are not there in any place yet.

    `data` must be free of `problems`.
    """
    result = dict(data)
    if lookup.servers and lookup.zone not in _stub_domains(data):
        blank, brace, others = data.get(STUB_DOMAINS, "{}").partition("{")
        own = f"{json.dumps(lookup.zone)}: {json.dumps(lookup.servers)}"
        result[STUB_DOMAINS] = f"{blank}{brace}{own}{'' if others.strip() == '}' else ','}{others}"
    if lookup.federation not in _federations(data):
        others = data.get(FEDERATIONS, "")
        result[FEDERATIONS] = f"{lookup.federation}={lookup.zone}{',' if others.strip() else ''}{others}"
    return result


def without_part(data: Mapping[str, str], lookup: Lookup) -> dict[str, str]:
    """The ConfigMap's data without the federation's entries, and without a key that then holds nothing."""
    result = dict(data)
    if lookup.servers:
        own = rf"{re.escape(json.dumps(lookup.zone))}\s*:\s*\[[^\]]*\]"
        _take_out(result, STUB_DOMAINS, own, "{}")
    _take_out(result, FEDERATIONS, rf"(?<![^\s,]){re.escape(lookup.federation)}\s*=\s*[^\s,]*", "")
    return result


def _take_out(data: dict[str, str], key: str, own: str, nothing: str) -> None:
    """Remove what the expression `own` matches from the key, and the key if just `nothing` is left by that."""
    if key not in data:
        return
    # One comma goes with the entry: the one behind it, or where it is the last, the one before.
    left = re.sub(rf"{own}\s*,|,\s*{own}|{own}", "", data[key], count=1)
    if left != data[key] and "".join(left.split()) == nothing:
        del data[key]
    else:
        data[key] = left


def problems(data: Mapping[str, str], lookup: Lookup) -> list[str]:
    """Why the federation's entries cannot be added; empty if they can. Entries that say the same are taken over.

    While the lookup's servers are unknown, an entry for the zone may be one of those.
    """
    try:
        stub_domains, federations = _stub_domains(data), _federations(data)
    except ValueError as error:
        return [str(error)]
    result = []
    known = stub_domains.get(lookup.zone)
    if lookup.servers not in ((), UNKNOWN_SERVERS) and known not in (None, list(lookup.servers)):
        result.append(f"{STUB_DOMAINS} sends {lookup.zone} to {', '.join(known or ()) or 'nobody'} already")
    if federations.get(lookup.federation, lookup.zone) != lookup.zone:
        result.append(f"{FEDERATIONS} has {lookup.federation}={federations[lookup.federation]} already")
    return result


def _stub_domains(data: Mapping[str, str]) -> dict[str, list[str]]:
    try:
        found = json.loads(data.get(STUB_DOMAINS, "{}"))
    except ValueError as error:
        raise ValueError(f"{STUB_DOMAINS} is not JSON: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(each, list) for each in found.values()):
        raise ValueError(f"{STUB_DOMAINS} is not a JSON map of domains to lists of name servers")
    return found


def _federations(data: Mapping[str, str]) -> dict[str, str]:
    entries = data.get(FEDERATIONS, "").split(",") if data.get(FEDERATIONS, "").strip() else []
    result = {}
    for entry in entries:
        name, equals, domain = (part.strip() for part in entry.partition("="))
        if not equals or not syntax.is_label(name):
            raise ValueError(
                f"{FEDERATIONS}: {entry.strip()!r} is not a name and a domain, such as fellowship=example.com"
            )
        result[name] = domain
    return result
