"""Two federations share a host and a member: neither takes what is the other's, and one leaving leaves the other be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from lab.federation import UNATTENDED
from lab.fleet.private import write_private
from lab.fleet.waiting import wait_until
from lab.stack import Stack
from tests.figures import Figures
from tests.fleet.conftest import ENGINE, HOST, MEMBERS, SYSTEM, Clusters, Federation, everywhere, timed_pulumi
from tests.fleet.settings import converge, set_members

GONDOR = MEMBERS["gondor"]
SHARED: dict[str, object] = {"name": "gondor", "context": GONDOR, "region": "middle-earth"}
OF_THE_ELVES = "namespace,clusterrole,clusterrolebinding", "-l", "federation/name=elves"


@pytest.fixture(scope="module")
def elves(federation: Federation, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of a second federation, of which nothing is there yet, and nothing is left."""
    stack = Stack("elves", tmp_path_factory.mktemp("elves"), clusters.kubeconfig)
    configure(stack, SYSTEM, SHARED)
    yield stack
    timed_pulumi(stack, "destroy", "--yes", "--skip-preview")


def configure(
    stack: Stack, namespace: str, member: dict[str, object], *, name: str = "elves", host: str = HOST
) -> None:
    values = {
        "pulumi:disable-default-providers": ["*"],
        "federation:name": name,
        "federation:engine": ENGINE,
        "federation:kubeconfig": str(stack.kubeconfig),
        "federation:host": {"context": host, "namespace": namespace},
        "federation:dns": {"zone": "elves.test", "ttl": 1, "coredns": {"replicas": 1}},
        "federation:members": [member],
    }
    stack.prepare(yaml.safe_dump({"config": values}))


def test_what_is_somebody_elses_is_refused_in_the_preview(elves: Stack, clusters: Clusters) -> None:
    _refused(elves, f"context {HOST}: Namespace {SYSTEM} is there already, and is of federation 'fellowship'")
    clusters.kubectl(GONDOR, "create", "namespace", "federation-elves")
    configure(elves, "elven-system", SHARED)
    _refused(elves, f"context {GONDOR}: Namespace federation-elves is there already, and is somebody else's")


@pytest.mark.needs("karmada")
def test_a_second_proxy_is_refused_in_the_preview(elves: Stack, clusters: Clusters) -> None:
    configure(elves, "elven-system", {**SHARED, "adopt": True})
    _refused(elves, f"context {GONDOR}: ClusterRoleBinding karmada-impersonator is another federation's")


def test_another_federation_of_the_same_name_is_refused_in_the_preview(
    elves: Stack, federation: Federation, clusters: Clusters
) -> None:
    """Its control plane is in another cluster; in gondor it would write over what is the first one's."""
    configure(elves, "elven-system", SHARED, name="fellowship", host=MEMBERS["rohan"])
    uid = clusters.get(HOST, "namespace", "kube-system")["metadata"]["uid"]
    first = f"Namespace {SYSTEM} of the cluster with kube-system UID {uid}"
    _refused(elves, f"and is of federation 'fellowship', whose control plane is in {first}")


def _refused(elves: Stack, why: str) -> None:
    """Pulumi ends at the first refusal: nothing else may be in the way."""
    code, log, _ = timed_pulumi(elves, "preview")
    assert code != 0
    assert why in log


def test_both_work_in_one_member(elves: Stack, federation: Federation, clusters: Clusters, figures: Figures) -> None:
    configure(elves, "elven-system", {**SHARED, "adopt": True, "proxy": False})
    code, log, seconds = timed_pulumi(elves, "up", *UNATTENDED)
    figures.add("a second federation on the same host and member", seconds)
    assert code == 0, log[-4000:]
    labels = clusters.get(GONDOR, "namespace", "federation-elves")["metadata"]["labels"]
    assert labels["federation/name"] == "elves"
    _reaches_gondor(_api(elves), "elves")
    _reaches_gondor(federation.clusters, "fellowship")
    lookups = clusters.corefile(GONDOR)
    assert all(zone in lookups for zone in ("elves.test", "example.com"))


def test_the_first_one_leaves_the_other_be(
    elves: Stack, federation: Federation, clusters: Clusters, figures: Figures
) -> None:
    good = federation.stack.settings.read_text()
    try:
        set_members(federation, lambda members: [each for each in members if each["name"] != "gondor"])
        figures.add("the first federation leaves the shared member, ttl 5", converge(federation)[1])
        assert not clusters.exists(GONDOR, "clusterrole,clusterrolebinding", "-l", "federation/name=fellowship")
        assert "example.com" not in clusters.corefile(GONDOR)
        _reaches_gondor(_api(elves), "elves")
        code, log, _ = timed_pulumi(elves, "preview", "--refresh", "--expect-no-changes")
        assert code == 0, log
    finally:
        federation.stack.settings.write_text(good)
    figures.add("the first federation joins it again", converge(federation)[1])
    _reaches_gondor(_api(elves), "elves")
    _reaches_gondor(federation.clusters, "fellowship")


@pytest.mark.skipif(ENGINE != "builtin", reason="the annotation that takes over is the built-in engine's")
def test_an_object_moves_from_the_first_to_the_second_while_it_is_there(
    elves: Stack, federation: Federation, clusters: Clusters
) -> None:
    good = federation.stack.settings.read_text()
    moved = ("configmap", "ring", "-n", "shire")
    for api, name in ((federation.clusters, "fellowship"), (_api(elves), "elves")):
        api.kubectl(name, "create", "namespace", "shire")
    federation.clusters.kubectl("fellowship", "create", *moved)
    wait_until("the object in gondor", lambda: clusters.exists(GONDOR, *moved), 30)
    uid = clusters.get(GONDOR, *moved)["metadata"]["uid"]
    try:
        set_members(
            federation, lambda members: [each | {"keepWorkloads": each["name"] == "gondor"} for each in members]
        )
        converge(federation)
        set_members(federation, lambda members: [each for each in members if each["name"] != "gondor"])
        converge(federation)
        _api(elves).kubectl("elves", "create", *moved)
        _api(elves).kubectl("elves", "annotate", *moved, "federation/adopt=true")
        wait_until("it to be the elves'", lambda: _carried_by(clusters, *moved) == "elves", 30)
        assert clusters.get(GONDOR, *moved)["metadata"]["uid"] == uid
    finally:
        federation.clusters.kubectl("fellowship", "delete", "namespace", "shire")
        federation.stack.settings.write_text(good)
    converge(federation)
    assert _carried_by(clusters, *moved) == "elves"


def test_one_leaving_leaves_the_other_be(
    elves: Stack, federation: Federation, clusters: Clusters, figures: Figures
) -> None:
    code, log, seconds = timed_pulumi(elves, "destroy", "--yes", "--skip-preview")
    figures.add("the second federation destroyed", seconds)
    assert code == 0, log[-4000:]
    for context in (HOST, GONDOR):
        assert not clusters.exists(context, *OF_THE_ELVES)
    assert "elves" not in clusters.corefile(GONDOR)
    _reaches_gondor(federation.clusters, "fellowship")
    code, log, _ = federation.pulumi("preview", "--refresh", "--expect-no-changes")
    assert code == 0, log


def _api(stack: Stack) -> Clusters:
    kubeconfig = stack.home / "federation"
    write_private(kubeconfig, everywhere(stack).encode())
    return Clusters(kubeconfig)


def _carried_by(clusters: Clusters, *what: str) -> str | None:
    """The name of the federation whose object it is in gondor."""
    labels: dict[str, str] = clusters.get(GONDOR, *what)["metadata"].get("labels") or {}
    return labels.get("federation/carried-by")


def _reaches_gondor(clusters: Clusters, federation: str) -> None:
    """An object of this federation's comes to the member, and goes again."""
    there = ("configmap", f"from-{federation}")
    clusters.kubectl(federation, "create", *there)
    wait_until(f"{there[1]} in gondor", lambda: clusters.exists(GONDOR, *there), 30)
    clusters.kubectl(federation, "delete", *there)
    wait_until(f"{there[1]} to go from gondor", lambda: not clusters.exists(GONDOR, *there), 30)
