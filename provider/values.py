"""Properties as Pulumi's protocol has them, and as plain values. Pure.

A Struct has neither secrets, nor values that are unknown in a preview, nor whole numbers: Pulumi writes the first as
maps with a signature, the second as texts that stand for them, the third as what they are, numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_TEXTS = {
    UNKNOWN_TEXT,
    # Of another type than a text: truth value, number, list, map.
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}


class Unknown:
    """A value that only the update will know."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
Values = dict[str, Any]
"""Properties of one resource; secrets are in the clear."""


def plain(struct: Struct) -> Values:
    """The properties of a request; those without a value are left out."""
    return {key: value for key in struct if (value := _plain(struct[key])) is not None}


def secret_keys(struct: Struct) -> set[str]:
    """The properties that are secret, or have a secret in them."""
    return {key for key in struct if _is_secret(struct[key])}


def struct(values: Mapping[str, Any], secrets: set[str] | frozenset[str] = frozenset()) -> Struct:
    """The properties for an answer; `secrets` names those that are to be encrypted in the state."""
    result = Struct()
    result.update({key: _sealed(value) if key in secrets else _written(value) for key, value in values.items()})
    return result


def has_unknown(value: Any) -> bool:
    """Whether the value is unknown, or a part of it."""
    match value:
        case Unknown():
            return True
        case dict():
            return any(has_unknown(part) for part in value.values())
        case list():
            return any(has_unknown(part) for part in value)
    return False


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        if SIGNATURE in value:
            return _plain(value["value"]) if value[SIGNATURE] == SECRET else UNKNOWN
        return plain(value)
    match value:
        case str() if value in _UNKNOWN_TEXTS:
            return UNKNOWN
        case float() if value.is_integer():
            return int(value)
        case str() | float() | bool() | None:
            return value
    return [_plain(part) for part in value]


def _is_secret(value: Any) -> bool:
    if isinstance(value, Struct):
        return value[SIGNATURE] == SECRET if SIGNATURE in value else bool(secret_keys(value))
    if isinstance(value, str | float | bool | None):
        return False
    return any(_is_secret(part) for part in value)


def _sealed(value: Any) -> Any:
    return {SIGNATURE: SECRET, "value": _written(value)}


def _written(value: Any) -> Any:
    match value:
        case Unknown():
            return UNKNOWN_TEXT
        case dict():
            return {key: _written(part) for key, part in value.items()}
        case list() | tuple():
            return [_written(part) for part in value]
    return value
