"""The federation's part of a member's Corefile: put in, taken out, and checked beforehand. Pure.

Two server blocks make a member look up federated names. With `web.default.fellowship` asked in gondor:

    fellowship          asks the cluster as web.default.svc._local.fellowship, and answers if the Service has ready
                        endpoints here (`ignore empty_service`); all else goes on to this same server as
    _local.fellowship   which asks for web.default.fellowship.svc.minas-tirith.middle-earth.example.com instead, the
                        nearest name of the tree. The block also serves example.com, by way of the federation's own
                        name servers; without those the nearest name goes the way of any other public name.

A name below `_local` is no Service's, as the names of namespaces have no underscore. The detour by the server's own
address is needed because CoreDNS orders plugins by kind: none can change the name after `kubernetes` has passed.
All of it is in CoreDNS since 1.8.6 (Kubernetes 1.24).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from types import MappingProxyType

from federation.settings import syntax
from provider.cluster_dns.lookup import Lookup
from provider.cluster_dns.server_blocks import VARIABLE, Corefile, CorefileError, Plugin, ServerBlock, parse

CONNECTION = ("endpoint", "tls", "kubeconfig", "namespaces", "labels", "namespace_labels")
"""Options of the user's `kubernetes` plugin that say which API is read and what of it, and so hold for ours too."""

_MARKER = re.compile(r"^# (BEGIN|END) federation (\S+)[^\S\n]*$", re.M)
_PART = re.compile(r"^# BEGIN federation (\S+)[^\S\n]*$.*?^# END federation \1[^\S\n]*$", re.M | re.S)
_CUSTOM = re.compile(r"(^|/)custom/\*\.server$")
_QUOTED = re.compile(r'[\s"#]|^[{}]?$')


def with_part(corefile: str, federation: str, blocks: str) -> str:
    """The Corefile with these server blocks between the federation's markers: in their place, or at the end."""
    begin, end = (f"# {word} federation {federation}" for word in ("BEGIN", "END"))
    marked = f"{begin}\n{blocks}{end}"
    if markers := _markers(corefile, federation):
        return corefile[: markers[0].start()] + marked + corefile[markers[1].end() :]
    if corefile and not corefile.endswith("\n"):
        return f"{corefile}\n{marked}"
    return f"{corefile}{marked}\n"


def without_part(corefile: str, federation: str) -> str:
    """The Corefile as it was before `with_part`, byte for byte.

    A text that did not end its last line has no newline behind our last marker either; that tells the two apart.
    """
    markers = _markers(corefile, federation)
    if not markers:
        return corefile
    before, after = corefile[: markers[0].start()], corefile[markers[1].end() :]
    return before + after.removeprefix("\n") if after else before.removesuffix("\n")


def parts(corefile: str) -> str:
    """What is between the markers of all federations, with the markers; empty if there are none."""
    return "".join(part[0] for part in _PART.finditer(corefile))


def damage(corefile: str) -> list[str]:
    """The markers, with their lines, that are not a BEGIN followed by the END of the same federation, once."""
    stray, seen, begun = [], set(), None
    for marker in _MARKER.finditer(corefile):
        word, federation = marker.groups()
        if word == "BEGIN" and begun is None and federation not in seen:
            begun = marker
            seen.add(federation)
        elif word == "END" and begun is not None and begun[2] == federation:
            begun = None
        else:
            stray.append(marker)
    stray.extend([begun] if begun else [])
    return [f"line {_line(corefile, each)}: {each[0].rstrip()!r} lacks its counterpart" for each in stray]


def blocks(corefile: str, lookup: Lookup) -> str:
    """The two server blocks, on the port of the Corefile and with its API; it must be free of `problems`."""
    block, plugin = _cluster_dns(parse(without_part(corefile, lookup.federation)))
    port = _port(block)
    federation, local = _regex(lookup.federation), _regex(_local(lookup))
    back = rf"^(.*?)(svc\.)?{local}$ {{1}}{lookup.federation}."
    kubernetes = [" ".join(map(_word, option)) for option in plugin.options if option[0] in CONNECTION]
    kubernetes += ["ignore empty_service", "fallthrough"]
    nearest = lookup.nearest("{1}", "{2}")
    zones = [lookup.zone, _local(lookup)] if lookup.servers else [_local(lookup)]
    return rf"""# Written by Pulumi, which puts it back if it is changed here.
{lookup.federation}:{port} {{
    errors
    loadbalance
    rewrite stop {{
        name regex ^(.*){federation}$ {{1}}svc.{_local(lookup)}.
        answer name {back}
        answer value {back}
    }}
    kubernetes {_local(lookup)} {{
        {f"{chr(10)}        ".join(kubernetes)}
    }}
    forward {_local(lookup)} 127.0.0.1:{port}
}}
{" ".join(f"{zone}:{port}" for zone in zones)} {{
    errors
    cache {{
        success 9984 30
        denial 9984 5
    }}
    loadbalance
    rewrite stop {{
        name regex ^([^.]+)\.([^.]+)\.svc\.{local}$ {syntax.absolute(nearest)}
        answer name ^([^.]+)\.([^.]+)\.{_regex(nearest.removeprefix("{1}.{2}."))}$ {{1}}.{{2}}.svc.{_local(lookup)}.
    }}
    template ANY ANY {_local(lookup)} {{
        rcode NXDOMAIN
    }}
    forward . {" ".join(map(_server, lookup.servers)) or f"127.0.0.1:{port}"}
}}
"""


def layout() -> str:
    """A digest of how the server blocks are written: it changes with them, whatever they are written for."""
    sample = Lookup("federation", "example.com", ("192.0.2.1",), "region", ("zone",))
    return sha256(blocks(". {\nkubernetes\n}\n", sample).encode()).hexdigest()[:8]


def problems(corefile: str, lookup: Lookup, imported: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Why the federation's server blocks cannot be added, each with its line; empty if they can.

    That is: CoreDNS refuses the Corefile as it is, would refuse it then, or would no longer ask what the user, or
    another federation, has put there for the same names. `imported` gives other files that the Corefile imports, by
    name.
    """
    if stray := damage(corefile):
        return stray
    try:
        found = parse(_blanked(corefile, lookup.federation))
        block, _ = _cluster_dns(found)
        result = list(_collisions(found, lookup, _port(block), _federations(corefile)))
    except CorefileError as error:
        return [str(error)]
    result.extend(
        f"line {plugin.line}: bind keeps the server from 127.0.0.1, where ours asks it"
        for plugin in block.plugins
        if plugin.words[0] == "bind"
    )
    for name, text in imported.items():
        try:
            result.extend(f"{name} {problem}" for problem in _collisions(parse(text), lookup, _port(block)))
        except CorefileError as error:
            result.append(f"{name} {error}")
    return result


def imports_custom(corefile: str) -> bool:
    """Whether server blocks are read from ConfigMap coredns-custom too, as on AKS, k3s and Gardener.

    Raises CorefileError for what CoreDNS would refuse outside of the parts of federations.
    """
    return any(_CUSTOM.search(path) for path in parse(_blanked(corefile)).imports)


def reloads(corefile: str) -> bool:
    """Whether CoreDNS sees a change of its Corefile by itself; raises as `imports_custom` does."""
    return any(plugin.words[0] == "reload" for block in parse(_blanked(corefile)).blocks for plugin in block.plugins)


def _collisions(
    corefile: Corefile, lookup: Lookup, port: str, federations: Mapping[int, str] = MappingProxyType({})
) -> Iterator[str]:
    """What other server blocks do for names that would be the federation's; `federations` are those of their lines."""
    ours = [lookup.federation, *([lookup.zone] if lookup.servers else [])]
    for block in corefile.blocks:
        beside = [endpoint for endpoint in block.endpoints() if _may_be(endpoint[1], port)]
        if not beside:
            continue
        for zone, served_at in beside:
            own = next((own for own in [*ours, _local(lookup)] if _may_be(zone, own)), None)
            if (zone, served_at) == (own, port):
                whose = f", of federation {federations[block.line]}" if block.line in federations else ""
                yield f"line {block.line}: {zone}:{port} has a server block already{whose}"
            elif own:
                yield f"line {block.line}: {zone}:{served_at} may be {own}:{port}, by an environment variable"
        for plugin in block.plugins:
            listed = (word for option in plugin.options for word in option) if plugin.words[0] == "hosts" else ()
            for word in (*plugin.words[1:], *listed):
                for zone in ours:
                    if f".{syntax.zone_of(word)}".endswith(f".{zone}"):
                        yield f"line {plugin.line}: {plugin.words[0]} {word} would be hidden by the zone {zone}"


def _may_be(one: str, other: str) -> bool:
    """Whether CoreDNS may take the two for the same, whatever is in its environment."""
    return one == other or any(_pattern(a).fullmatch(b) for a, b in ((one, other), (other, one)))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, VARIABLE.split(text))))


def _cluster_dns(corefile: Corefile) -> tuple[ServerBlock, Plugin]:
    """The server block that answers for the cluster's Services, and its plugin that does."""
    for block in corefile.blocks:
        for plugin in block.plugins:
            if plugin.words[0] == "kubernetes" and block.endpoints():
                return block, plugin
    raise CorefileError(1, "no server block has the plugin kubernetes, from which ours take their port and API")


def _blanked(corefile: str, federation: str | None = None) -> str:
    """The Corefile with empty lines for the federation's part, or for those of all: other lines keep their numbers."""
    return _PART.sub(
        lambda part: "\n" * part[0].count("\n") if federation in (None, part[1]) else part[0],
        corefile,
    )


def _federations(corefile: str) -> dict[int, str]:
    """The federations by the lines of their parts."""
    parts = ((_line(corefile, part), part) for part in _PART.finditer(corefile))
    return {line + more: part[1] for line, part in parts for more in range(part[0].count("\n"))}


def _markers(corefile: str, federation: str) -> tuple[re.Match[str], re.Match[str]] | None:
    """The lines BEGIN and END of the federation."""
    own = {marker[1]: marker for marker in _MARKER.finditer(corefile) if marker[2] == federation}
    return (own["BEGIN"], own["END"]) if len(own) == 2 else None


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1


def _port(block: ServerBlock) -> str:
    return block.endpoints()[0][1]


def _local(lookup: Lookup) -> str:
    return f"_local.{lookup.federation}"


def _server(address: str) -> str:
    return f"{syntax.in_url(address)}:53"


def _regex(domain: str) -> str:
    """The domain, absolute, as a regular expression of Go."""
    return syntax.absolute(domain).replace(".", r"\.")


def _word(text: str) -> str:
    quoted = text.replace('"', '\\"')
    return f'"{quoted}"' if _QUOTED.search(text) else text
