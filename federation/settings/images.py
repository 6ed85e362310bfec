"""References of container images, by the grammar of container runtimes (distribution's package `reference`). Pure.

A whole reference is `registry/path:tag@digest`. With a digest, what it names is pulled, whatever the tag says.
"""

from __future__ import annotations

import re

REGISTRY_RULE = (
    "a registry, with a folder or without, such as registry.example:5000/mirror: no scheme, no '/' at its end"
)
TAG_RULE = "the tag of an image, such as v1.34.4; its digest belongs in images.digests"
DIGEST_RULE = "the digest of an image: sha256: and 64 of 0-9 and a-f"
IMAGE_RULE = (
    "the reference of an image: registry.example/path:tag, registry.example/path@sha256:… or both, "
    "registry.example/path:tag@sha256:…, whose digest is 64 of 0-9 and a-f"
)

_NAME_MAX = 255
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?"
_FOLDER = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = "sha256:[0-9a-f]{64}"
_REGISTRY = re.compile(f"{_HOST}(?:/{_FOLDER})*")
_IMAGE = re.compile(f"(?P<name>(?:{_HOST}/)?{_FOLDER}(?:/{_FOLDER})*)(?::{_TAG})?(?:@{_DIGEST})?")


def is_registry(text: str) -> bool:
    """Whether `text`, before a '/' and the name of an image, is where that can be pulled from."""
    return _REGISTRY.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Whether `text` is the tag of an image alone, without a digest."""
    return re.fullmatch(_TAG, text) is not None


def is_digest(text: str) -> bool:
    """Whether `text` is the digest of an image."""
    return re.fullmatch(_DIGEST, text) is not None


def is_image(text: str) -> bool:
    """Whether `text` is the whole reference of an image; without tag and digest it is the one called `latest`."""
    found = _IMAGE.fullmatch(text)
    return found is not None and len(found["name"]) <= _NAME_MAX


def reference(registry: str, name: str, tag: str, digest: str | None) -> str:
    """The whole reference of an image of a registry; by its digest where that is known."""
    return f"{registry}/{name}:{tag}" + (f"@{digest}" if digest else "")
