"""Which ConfigMaps of a member's kube-system have to change for a federation, and to what. Pure.

Known are CoreDNS with its Corefile in ConfigMap coredns, in that of RKE2, or in one that the user names; CoreDNS that
imports further server blocks from ConfigMap coredns-custom, where AKS, k3s and Gardener want additions (their Corefile
is put back); and kube-dns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

from provider.cluster_dns import corefile, kubedns
from provider.cluster_dns.lookup import Lookup
from provider.cluster_dns.server_blocks import CorefileError
from provider.resource import ProviderError

COREDNS, RKE2 = KNOWN = ("coredns", "rke2-coredns-rke2-coredns")
"""ConfigMaps with a Corefile; the first that is there counts."""
CUSTOM, KUBE_DNS = "coredns-custom", "kube-dns"
COREFILE = "Corefile"

ConfigMaps = Mapping[str, Mapping[str, str]]
"""The data of each of the ConfigMaps that is there, by name. An empty kube-dns says that kube-dns runs without."""

_IS_OURS = re.compile(r"federation-.*\.server")


class ClusterDnsError(ProviderError):
    """A member's cluster DNS cannot be adjusted; the message says where, what is wrong and what is allowed."""


def joined(found: ConfigMaps, lookup: Lookup, before: Lookup | None) -> dict[str, Mapping[str, str]]:
    """The ConfigMaps with what the lookup needs, in place of what `before` needed; as found if that is there already.

    Raises ClusterDnsError where CoreDNS or kube-dns would refuse the result, or it would hide something of the user's.
    """
    if before and (before.federation, before.config_map) != (lookup.federation, lookup.config_map):
        found = left(found, before)
    if name := with_corefile(found, lookup):
        return _in_coredns(found, name, lookup)
    if lookup.config_map:
        raise ClusterDnsError(f"namespace kube-system has no ConfigMap {lookup.config_map} with a {COREFILE}")
    if KUBE_DNS in found:
        return _in_kube_dns(found, lookup, before)
    raise ClusterDnsError(
        f"namespace kube-system has neither ConfigMap {' nor '.join(KNOWN)} with a {COREFILE}, nor {KUBE_DNS}; "
        "another is to be named (clusterDns: {configMap: NAME})"
    )


def left(found: ConfigMaps, lookup: Lookup) -> dict[str, Mapping[str, str]]:
    """The ConfigMaps as they were without the federation."""
    result = dict(found)
    if name := with_corefile(found, lookup):
        text = found[name][COREFILE]
        _refuse(name, corefile.damage(text))
        result[name] = {**found[name], COREFILE: corefile.without_part(text, lookup.federation)}
        if CUSTOM in found:
            result[CUSTOM] = {key: value for key, value in found[CUSTOM].items() if key != _key(lookup)}
    elif KUBE_DNS in found and not lookup.config_map:
        result[KUBE_DNS] = kubedns.without_part(found[KUBE_DNS], lookup)
    return result


def to_read(lookups: Iterable[Lookup]) -> list[str]:
    """Names of all ConfigMaps that these lookups may be in."""
    return [*KNOWN, CUSTOM, KUBE_DNS, *sorted({each.config_map for each in lookups} - {"", *KNOWN, CUSTOM, KUBE_DNS})]


def with_corefile(found: ConfigMaps, lookup: Lookup) -> str | None:
    """Name of the ConfigMap with the Corefile that the lookup goes by."""
    names = [lookup.config_map] if lookup.config_map else KNOWN
    return next((name for name in names if found.get(name, {}).get(COREFILE)), None)


def changed(found: ConfigMaps, wanted: ConfigMaps) -> list[str]:
    """The ConfigMaps that differ; one without data is as good as none."""
    return [name for name in wanted if wanted[name] != found.get(name, {})]


def reloads(data: ConfigMaps, name: str) -> bool:
    """Whether CoreDNS sees a change of this ConfigMap by itself. Raises ClusterDnsError for one that is no good."""
    try:
        return corefile.reloads(data[name][COREFILE])
    except CorefileError as error:
        raise ClusterDnsError(f"ConfigMap kube-system/{name}: {error}") from None


def digest(data: ConfigMaps, name: str) -> str | None:
    """Of what all federations have in the Corefile of this ConfigMap, and in what it imports; None for nothing.

    The Corefile must be one that `reloads` can read.
    """
    text = data[name][COREFILE]
    ours = [corefile.parts(text)]
    if corefile.imports_custom(text):
        ours += [text for key, text in sorted(data.get(CUSTOM, {}).items()) if _IS_OURS.fullmatch(key)]
    return sha256("\n".join(ours).encode()).hexdigest()[:16] if any(ours) else None


def _in_coredns(found: ConfigMaps, name: str, lookup: Lookup) -> dict[str, Mapping[str, str]]:
    text = found[name][COREFILE]
    result = left(found, lookup)
    imported = {key: value for key, value in result.get(CUSTOM, {}).items() if key.endswith(".server")}
    _refuse(name, corefile.problems(text, lookup, imported))
    blocks = corefile.blocks(text, lookup)
    if corefile.imports_custom(text):
        result[CUSTOM] = {**result.get(CUSTOM, {}), _key(lookup): blocks}
    else:
        result[name] = {**found[name], COREFILE: corefile.with_part(text, lookup.federation, blocks)}
    return result


def _in_kube_dns(found: ConfigMaps, lookup: Lookup, before: Lookup | None) -> dict[str, Mapping[str, str]]:
    data = found[KUBE_DNS]
    if before and (before != lookup or kubedns.problems(data, lookup)):
        data = kubedns.without_part(data, before)
    _refuse(KUBE_DNS, kubedns.problems(data, lookup))
    return {**found, KUBE_DNS: kubedns.with_part(data, lookup)}


def _refuse(config_map: str, problems: list[str]) -> None:
    if problems:
        raise ClusterDnsError(f"ConfigMap kube-system/{config_map}: {'; '.join(problems)}")


def _key(lookup: Lookup) -> str:
    return f"federation-{lookup.federation}.server"
