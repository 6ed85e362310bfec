"""Private keys and tokens in texts, in whatever dress: as they are, escaped for JSON, or in base64 of any alignment."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

WINDOW = 16
"""Characters of a secret that are looked for; with fewer, chance would find them in a few megabytes of base64."""
SHORTEST = 20
"""Characters of a secret from which each of its dresses has a window of its own."""
DEPTH = 3
"""A key in a kubeconfig in a Secret is in base64 twice, and a third time where the Secret itself is carried."""
PEM_LINE = 64
KEYS = re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)-----END ([A-Z]+ )?PRIVATE KEY-----")
TOKENS = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.([\w-]{20,})")
BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
ESCAPED = re.compile(r"\\+n")
"""The ends of a key's lines in JSON, or in JSON in JSON."""
HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""What Go's JSON escapes beyond what JSON must."""


def private_parts(text: str) -> Iterator[str]:
    """What nobody may read of the private keys and tokens in the text, at any depth of base64.

    Of a key, the part of its longest line that holds the private number; of a token, its signature.
    """
    text = ESCAPED.sub("\n", text)
    yield from _here(text)
    for run in BASE64.findall(text):
        if inner := _decoded(run):
            yield from private_parts(inner)


def blunted(text: str, keep: Collection[str] = ()) -> str:
    """The same text, of the same length, with As for all private parts but those to keep."""
    for part in _here(ESCAPED.sub("\n", text)):
        text = text if part in keep else text.replace(part, "A" * len(part))

    def inside(run: re.Match[str]) -> str:
        inner = _decoded(run[0])
        return base64.b64encode(blunted(inner, keep).encode()).decode() if inner else run[0]

    return BASE64.sub(inside, text)


def needles(secrets: Mapping[str, str]) -> Mapping[str, str]:
    """What to look for, and of what it is a sign. `secrets` maps name to a text of at least SHORTEST characters."""
    found: dict[str, str] = {}
    for name, secret in secrets.items():
        assert len(secret) >= SHORTEST, f"{name} is too short to be found for certain"
        for dress, text in _dresses(secret):
            middle = (len(text) - WINDOW) // 2
            found.setdefault(text[middle : middle + WINDOW], f"{name}, {dress}")
    return found


def leaks(text: str, signs: Mapping[str, str]) -> list[str]:
    """Which secrets stand in the text, and how; `signs` are `needles`."""
    windows = (text[start : start + WINDOW] for start in range(len(text) - WINDOW + 1))
    return sorted({signs[window] for window in windows if window in signs})


@cache
def key_headers() -> Mapping[str, str]:
    """What to look for where no private key may be, whosever it is; one that is cut short is found too."""
    kinds = ("", "EC ", "RSA ", "OPENSSH ", "ENCRYPTED ")
    return needles({f"the header {kind}PRIVATE KEY": f"-----BEGIN {kind}PRIVATE KEY-----" for kind in kinds})


def _here(text: str) -> Iterator[str]:
    for found in KEYS.finditer(text):
        with suppress(ValueError):  # a key that was blunted is none any more
            yield _private_number(found[0], found[2])
    for token in TOKENS.finditer(text):
        yield token[1]


def _decoded(run: str) -> str | None:
    try:
        return base64.b64decode(run, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _dresses(secret: str) -> Iterator[tuple[str, str]]:
    once = json.dumps(secret)[1:-1]
    for how, text in (
        ("as it is", secret),
        ("in JSON", once),
        ("in JSON", json.dumps(secret, ensure_ascii=False)[1:-1].translate(HTML)),
        ("in JSON in JSON", json.dumps(once)[1:-1]),
    ):
        yield how, text
        yield from _in_base64(how, text, DEPTH)


def _in_base64(how: str, text: str, depth: int) -> Iterator[tuple[str, str]]:
    """In base64, for each remainder by three of the bytes before it: the characters that depend on the text alone."""
    if not depth:
        return
    data = text.encode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        inner = encoded[math.ceil(before * 8 / 6) : (before + len(data)) * 8 // 6]
        yield f"{how}, in base64", inner
        yield from _in_base64(f"{how}, in base64", inner, depth - 1)


def _private_number(pem: str, body: str) -> str:
    load = load_ssh_private_key if "OPENSSH" in pem else load_pem_private_key
    key = load(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    number = numbers.d if isinstance(numbers, rsa.RSAPrivateNumbers) else numbers.private_value
    data = number.to_bytes((number.bit_length() + 7) // 8)
    text = body.replace("\n", "")
    start = base64.b64decode(text).index(data)
    first, end = math.ceil(start * 8 / 6), (start + len(data)) * 8 // 6
    breaks = [first, *(at for at in range(0, len(text), PEM_LINE) if first < at < end), end]
    return max((text[a:b] for a, b in pairwise(breaks)), key=len)
