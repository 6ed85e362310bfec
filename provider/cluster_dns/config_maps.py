"""Which ConfigMaps of a member's kube-system have to change for a federation, and to what. Pure.

Known are CoreDNS with its Corefile in ConfigMap coredns; CoreDNS that imports further server blocks from ConfigMap
coredns-custom, where AKS, k3s and Gardener want additions (their Corefile is put back); and kube-dns.
"""

from __future__ import annotations

from collections.abc import Mapping

from provider.cluster_dns import corefile, kubedns
from provider.cluster_dns.lookup import Lookup
from provider.resource import ProviderError

COREDNS, CUSTOM, KUBE_DNS = NAMES = ("coredns", "coredns-custom", "kube-dns")
COREFILE = "Corefile"

ConfigMaps = Mapping[str, Mapping[str, str]]
"""The data of each of the ConfigMaps that is there, by name. An empty kube-dns says that kube-dns runs without."""


class ClusterDnsError(ProviderError):
    """A member's cluster DNS cannot be adjusted; the message says where, what is wrong and what is allowed."""


def joined(found: ConfigMaps, lookup: Lookup, before: Lookup | None) -> dict[str, Mapping[str, str]]:
    """The ConfigMaps with what the lookup needs, in place of what `before` needed; as found if that is there already.

    Raises ClusterDnsError where CoreDNS or kube-dns would refuse the result, or it would hide something of the user's.
    """
    if before and before.federation != lookup.federation:
        found = left(found, before)
    if text := found.get(COREDNS, {}).get(COREFILE):
        return _in_coredns(found, text, lookup)
    if KUBE_DNS in found:
        return _in_kube_dns(found, lookup, before)
    raise ClusterDnsError(
        f"namespace kube-system has neither ConfigMap {COREDNS} with a {COREFILE} nor {KUBE_DNS}; only these are known"
    )


def left(found: ConfigMaps, lookup: Lookup) -> dict[str, Mapping[str, str]]:
    """The ConfigMaps as they were without the federation."""
    result = dict(found)
    if text := found.get(COREDNS, {}).get(COREFILE):
        _refuse(COREDNS, corefile.damage(text))
        result[COREDNS] = {**found[COREDNS], COREFILE: corefile.without_part(text, lookup.federation)}
        if CUSTOM in found:
            result[CUSTOM] = {key: value for key, value in found[CUSTOM].items() if key != _key(lookup)}
    elif KUBE_DNS in found:
        result[KUBE_DNS] = kubedns.without_part(found[KUBE_DNS], lookup)
    return result


def changed(found: ConfigMaps, wanted: ConfigMaps) -> list[str]:
    """The ConfigMaps that differ; one without data is as good as none."""
    return [name for name in wanted if wanted[name] != found.get(name, {})]


def _in_coredns(found: ConfigMaps, text: str, lookup: Lookup) -> dict[str, Mapping[str, str]]:
    result = left(found, lookup)
    imported = {key: value for key, value in result.get(CUSTOM, {}).items() if key.endswith(".server")}
    _refuse(COREDNS, corefile.problems(text, lookup, imported))
    blocks = corefile.blocks(text, lookup)
    if corefile.imports_custom(text):
        result[CUSTOM] = {**result.get(CUSTOM, {}), _key(lookup): blocks}
    else:
        result[COREDNS] = {**found[COREDNS], COREFILE: corefile.with_part(text, lookup.federation, blocks)}
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
