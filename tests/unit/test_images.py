"""References of images: what a container runtime reads as one."""

from __future__ import annotations

import pytest

from federation.settings import images

pytestmark = pytest.mark.unit

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
PLACES = (
    "registry.k8s.io",
    "docker.io/karmada",
    "localhost:5000/a/b",
    "10.0.0.1:5000",
    "[fd00::1]:5000/a",
    "MIRROR.example",
)
NO_PLACES = (
    "",
    "https://registry.k8s.io",
    "registry.k8s.io/",
    "/a",
    "a//b",
    "a:b/c",
    "a.example/B",
    "a b",
    "a\n",
    "-a/b",
)
TAGS = ("v1.34.4", "3.6.5-0", "_", "A", "1" * 128, "latest")
NO_TAGS = ("", "v1+2", ".1", "-1", "1" * 129, "1\n", f"v1@{DIGEST}", DIGEST, "v1 ")
NO_DIGESTS = (
    "",
    DIGEST.upper(),
    DIGEST[:-1],
    f"{DIGEST}0",
    DIGEST.removeprefix("sha256:"),
    f"@{DIGEST}",
    f"{DIGEST}\n",
)
NAMES = ("coredns", "coredns/coredns", "a__b/c---d/e.f_g", "localhost:5000/x", "[::1]:5000/x", "Mirror.Example/x")
NO_NAMES = (
    "",
    "/x",
    "x/",
    "x//y",
    "X",
    "mirror.example/X",
    "x y",
    "https://mirror.example/x",
    "x..y",
    "x___y",
    "a" * 256,
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tag", ["", ":v1", ":1_x.Y-z"])
@pytest.mark.parametrize("digest", ["", f"@{DIGEST}"])
def test_an_image_has_a_name_a_tag_or_not_and_a_digest_or_not(name: str, tag: str, digest: str) -> None:
    assert images.is_image(name + tag + digest)


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_no_image(name: str) -> None:
    assert not any(images.is_image(text) for text in (name, f"{name}:v1", f"{name}@{DIGEST}", f"{name}:v1@{DIGEST}"))


@pytest.mark.parametrize("wrong", [*(f":{tag}" for tag in NO_TAGS[:-2]), *(f"@{each}" for each in NO_DIGESTS)])
def test_a_wrong_tag_or_digest_is_no_image(wrong: str) -> None:
    # A tag and a digest is both.
    assert wrong == f":v1@{DIGEST}" or not images.is_image(f"registry.example/x{wrong}")


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        (images.is_registry, PLACES, NO_PLACES),
        (images.is_tag, TAGS, NO_TAGS),
        (images.is_digest, (DIGEST,), NO_DIGESTS),
    ],
)
def test_each_part_has_its_rule(rule: object, right: tuple[str, ...], wrong: tuple[str, ...]) -> None:
    assert callable(rule)
    assert [text for text in right if not rule(text)] == []
    assert [text for text in wrong if rule(text)] == []


def test_an_image_of_a_registry_is_by_its_digest_where_that_is_known() -> None:
    assert images.reference("mirror.example", "etcd", "v3", None) == "mirror.example/etcd:v3"
    pinned = images.reference("mirror.example", "etcd", "v3", DIGEST)
    assert pinned == f"mirror.example/etcd:v3@{DIGEST}"
    assert images.is_image(pinned)
