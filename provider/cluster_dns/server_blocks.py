"""Read a Corefile: its server blocks, their keys and their plugins. Pure.

The grammar is that of CoreDNS (github.com/coredns/caddy, caddyfile/lexer.go and parse.go), and stricter where another
server block could not be added: each server block has its braces, each brace and quote is closed. Keys are split as
plugin/normalize.go of CoreDNS does it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from federation.settings import syntax

DEFAULT_PORT = "53"
"""Of a key without one, unless CoreDNS is started with another -dns.port."""

VARIABLE = re.compile(r"\{\$[^}]+\}|\{%.+?%\}")
"""What stands for an environment variable of CoreDNS; nobody else knows its value."""

_PORT = re.compile(r"[+-]?[0-9]+")
_CIDR = re.compile(r"[0-9A-Fa-f:.]+/[0-9]+")
_TOKEN = re.compile(r'"(?P<quoted>(?:\\.|[^"\\])*)(?P<closed>"?)|(?P<comment>#[^\n]*)|(?P<word>[^\s"#][^\s#]*)', re.S)


class CorefileError(ValueError):
    """A Corefile that CoreDNS would refuse; the message gives the line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True)
class Plugin:
    """One plugin of a server block, as written: `words` is its own line, `options` are the lines in its braces."""

    line: int
    words: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ServerBlock:
    line: int
    keys: tuple[str, ...]
    plugins: tuple[Plugin, ...]

    def endpoints(self) -> list[tuple[str, str]]:
        """Zones and port of each key that is served as plain DNS; the root zone is the empty text.

        Raises CorefileError where CoreDNS refuses the key, or where nobody can tell the port.
        """
        plain = (key.removeprefix("dns://") for key in self.keys)
        return [each for key in plain if "://" not in key for each in _endpoints(self.line, key)]


@dataclass(frozen=True)
class Corefile:
    blocks: tuple[ServerBlock, ...]
    imports: tuple[str, ...]
    """Paths from which further server blocks are read."""


@dataclass(frozen=True)
class _Token:
    line: int
    text: str
    first: bool
    """Whether it is the first of its line."""


def parse(text: str) -> Corefile:
    """The server blocks of a Corefile, with snippets put in where they are imported.

    Raises CorefileError at the first place that CoreDNS would refuse.
    """
    tokens = list(_tokens(text))
    blocks: list[ServerBlock] = []
    imports: list[str] = []
    snippets: dict[str, tuple[Plugin, ...]] = {}
    at = 0
    while at < len(tokens):
        start = tokens[at]
        keys: list[str] = []
        more = False
        if start.text == "import":
            if at + 1 == len(tokens) or tokens[at + 1].first:
                raise CorefileError(start.line, "import names no file")
            if at + 2 < len(tokens) and not tokens[at + 2].first:
                raise CorefileError(start.line, "import names more than one file")
            if tokens[at + 1].text in snippets:
                raise CorefileError(start.line, "a snippet with whole server blocks is not understood; write them out")
            imports.append(tokens[at + 1].text)
            at += 2
            continue
        while at < len(tokens) and tokens[at].text != "{":
            if tokens[at] is not start and tokens[at].first and not more:
                break
            more = tokens[at].text.endswith(",")
            # CoreDNS passes over an empty text.
            keys.extend([tokens[at].text.removesuffix(",")] if tokens[at].text else [])
            at += 1
        if at == len(tokens) or tokens[at].text != "{":
            raise CorefileError(start.line, f"the server block of {start.text} has no braces around its plugins")
        if more:
            raise CorefileError(start.line, f"after the comma of {keys[-1]}, another zone is missing")
        plugins, at = _plugins(tokens, at, snippets)
        if len(keys) == 1 and keys[0].startswith("(") and keys[0].endswith(")"):
            snippets[keys[0][1:-1]] = plugins
        elif not keys:
            raise CorefileError(start.line, "a server block has no zone before its braces")
        else:
            blocks.append(ServerBlock(start.line, tuple(keys), plugins))
    return Corefile(tuple(blocks), tuple(imports))


def _endpoints(line: int, key: str) -> list[tuple[str, str]]:
    zone, colon, last = key.rpartition(":")
    if colon and not last:
        raise CorefileError(line, f"{key} has no port behind its last colon")
    if colon and _PORT.fullmatch(last):
        port = str(int(last))
    elif colon and VARIABLE.fullmatch(last):
        port = last
    elif key.endswith(tuple(VARIABLE.findall(key))):
        raise CorefileError(line, f"{key} may get its port from the environment; write the port behind it, such as :53")
    else:
        zone, port = key, DEFAULT_PORT
    return [(syntax.zone_of(each), port) for each in _zones(line, zone)]


def _zones(line: int, text: str) -> list[str]:
    """The text, if it is no range of addresses; else its reverse zones, several if it ends within a label of them."""
    if not _CIDR.fullmatch(text):
        return [text]
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return [text]
    if network.version == 6 and text[0] in "0:":
        raise CorefileError(line, f"{text} begins with a zero, and CoreDNS takes no such range for a reverse zone")
    bits = 8 if network.version == 4 else 4
    length = -(-network.prefixlen // bits) * bits
    free = (network.max_prefixlen - length) // bits
    return [each.network_address.reverse_pointer.split(".", free)[-1] for each in network.subnets(new_prefix=length)]


def _plugins(tokens: list[_Token], at: int, snippets: dict[str, tuple[Plugin, ...]]) -> tuple[tuple[Plugin, ...], int]:
    """The plugins of the block whose brace opens at `at`, and the place behind the brace that closes it."""
    opening = tokens[at]
    plugins: list[Plugin] = []
    at += 1
    while at < len(tokens):
        if tokens[at].text == "}":
            return tuple(plugins), at + 1
        plugin, at = _plugin(tokens, at)
        if plugin.words[0] == "import" and len(plugin.words) == 2 and plugin.words[1] in snippets:
            plugins.extend(snippets[plugin.words[1]])
        else:
            plugins.append(plugin)
    raise CorefileError(opening.line, "the brace that opens here is not closed")


def _plugin(tokens: list[_Token], at: int) -> tuple[Plugin, int]:
    start, depth = tokens[at], 0
    lines: list[list[str]] = [[]]
    while at < len(tokens):
        token = tokens[at]
        if token.first and not depth and token is not start:
            break
        if token.text == "}" and not depth:
            raise CorefileError(token.line, "a brace closes that was not opened on a line before")
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if token.first and token is not start:
            lines.append([])
        if token.text not in ("{", "}"):
            lines[-1].append(token.text)
        at += 1
    if depth:
        raise CorefileError(start.line, f"the braces of {start.text} are not closed")
    words, *options = map(tuple, lines)
    return Plugin(start.line, words, tuple(filter(None, options))), at


def _tokens(text: str) -> Iterator[_Token]:
    seen, line, last = 0, 1, 0
    for match in _TOKEN.finditer(text.removeprefix("\ufeff")):
        line += match.string.count("\n", seen, match.start())
        seen = match.start()
        if match["comment"] is not None:
            continue
        if match["quoted"] is not None and not match["closed"]:
            raise CorefileError(line, "the quote that opens here is not closed")
        word = match["word"] if match["quoted"] is None else match["quoted"].replace('\\"', '"')
        yield _Token(line, word, line != last)
        last = line + match[0].count("\n")
