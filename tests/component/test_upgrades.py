"""Newer images and kinds go in place: what changes, what does not, and what comes before what.

On the mocks; tests/upgrade asks the real providers whether such changes replace anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archives import ADDED, CHANGED, newer
from tests.component.program import run
from tests.component.recording import Record, Registered, opened

pytestmark = pytest.mark.component

IMAGE = "/spec/template/spec/containers/0/image"
KARMADA = {
    "Deployment karmada-aggregated-apiserver",
    "Deployment karmada-controller-manager",
    "Deployment karmada-scheduler",
    "Deployment karmada-webhook",
}


@pytest.mark.parametrize(
    ("tag", "before", "programs"),
    [
        ("karmadaTag", "v1.18.1", KARMADA),
        ("kubernetesTag", "v1.34.3", {"Deployment federation-apiserver", "Deployment kube-controller-manager"}),
        ("etcdTag", "3.6.5-0", {"StatefulSet etcd"}),
    ],
)
def test_another_version_changes_the_images_of_its_programs_and_nothing_else(
    karmada: Record, tmp_path: Path, tag: str, before: str, programs: set[str]
) -> None:
    old = run(tmp_path, {f"federation:images.{tag}": before})
    assert changes(old, karmada) == {program: {IMAGE} for program in programs}
    for each in karmada.resources:
        if str(each) in programs:
            (was, is_) = (image(record.one(each.kind, each.name)) for record in (old, karmada))
            assert was.rpartition(":") == (is_.rpartition(":")[0], ":", before)


def test_kinds_and_what_serves_them_are_new_before_the_controllers_that_need_them(karmada: Record) -> None:
    kinds = {each.urn for each in karmada.of("CustomResourceDefinition") if "karmada" in each.name}
    served = {karmada.one("Deployment", name).urn for name in ("karmada-webhook", "karmada-aggregated-apiserver")}
    assert len(kinds) > 15
    for name in ("karmada-controller-manager", "karmada-scheduler"):
        needed = karmada.needs(karmada.one("Deployment", name))
        assert kinds | served <= needed, name
        assert karmada.one("Deployment", "federation-apiserver").urn in needed
        assert karmada.one("StatefulSet", "etcd").urn in needed


def test_another_archive_changes_the_kinds_that_differ_and_adds_what_is_new(karmada: Record, tmp_path: Path) -> None:
    new = run(tmp_path, {"federation:crds": newer(tmp_path / "newer.tar.gz")})
    added = new.one("CustomResourceDefinition", ADDED)
    assert {each.urn for each in new.resources} - {each.urn for each in karmada.resources} == {added.urn}
    changed = changes(karmada, new)
    assert set(changed) == {f"CustomResourceDefinition {CHANGED}"}
    assert all(path.endswith("/seenFrom") for path in changed[f"CustomResourceDefinition {CHANGED}"])
    for name in ("karmada-controller-manager", "karmada-scheduler"):
        assert added.urn in new.needs(new.one("Deployment", name))


def changes(old: Record, new: Record) -> dict[str, set[str]]:
    """Where the inputs of a resource that both have differ; all that the old one has must be in the new one."""
    after = {each.urn: each for each in new.resources}
    assert {each.urn for each in old.resources} <= set(after)
    pairs = [(each, after[each.urn]) for each in old.resources]
    return {str(a): found for a, b in pairs if (found := set(different(opened(a.inputs), opened(b.inputs))))}


def different(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """The paths at which two values differ."""
    match one, other:
        case dict(), dict():
            for key in sorted({*one, *other}):
                yield from different(one.get(key), other.get(key), f"{path}/{key}")
        case list(), list() if len(one) == len(other):
            for index, pair in enumerate(zip(one, other, strict=True)):
                yield from different(*pair, f"{path}/{index}")
        case _ if one != other:
            yield path


def image(resource: Registered) -> str:
    return str(resource.inputs["spec"]["template"]["spec"]["containers"][0]["image"])
