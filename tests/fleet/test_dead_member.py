"""One dead member is one dead member: a third one, without a node, dies, comes back, and dies for good."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab.federation import UNATTENDED
from lab.fleet.waiting import wait_until
from lab.stack import CHECKOUT
from tests.documented import Shell, commands
from tests.figures import Figures
from tests.fleet.conftest import MEMBERS, Clusters, Federation
from tests.fleet.settings import MORDOR, Member, converge, set_members, start_mordor

EXAMPLE = str(CHECKOUT / "examples" / "web.yaml")


@pytest.fixture(scope="module")
def mordor(federation: Federation, clusters: Clusters, figures: Figures) -> Iterator[None]:
    """A third member, with works to do; in the end the configuration is as it was."""
    good = federation.stack.settings.read_text()
    start_mordor(clusters)
    set_members(federation, lambda members: [*members, MORDOR])
    figures.add("a third member joins, ttl 5", converge(federation)[1])
    federation.clusters.kubectl("fellowship", "apply", "-f", EXAMPLE)
    wait_until("the example in mordor", lambda: clusters.exists("mordor", "deployment", "web"), 60)
    yield
    federation.clusters.kubectl("fellowship", "delete", "-f", EXAMPLE)
    federation.stack.settings.write_text(good)
    figures.add("its lines deleted, ttl as before", converge(federation)[1])


def test_a_member_that_answers_is_not_given_up(federation: Federation, mordor: None) -> None:
    set_members(federation, lambda members: [*members, MORDOR | {"unreachable": True}])
    code, log, _ = federation.pulumi("preview")
    assert code != 0
    assert "federation:members[2].unreachable: mordor answers, with kube-system UID" in log


def test_a_preview_says_within_40_seconds_which_member_is_dead(
    federation: Federation, clusters: Clusters, mordor: None, figures: Figures
) -> None:
    set_members(federation, lambda members: [*members, MORDOR])
    _, _, usual = federation.pulumi("preview")
    clusters.fleet("stop", "mordor")
    with _without_a_word(str(urlsplit(clusters.server("mordor")).hostname)):
        code, log, seconds = federation.pulumi("preview")
    figures.add("preview with one of three members dead", seconds)
    assert code == 0, log
    assert "context mordor: the API at" in log
    # What it waits is ours to promise; all else is the machine's, which has another fleet on it.
    assert seconds - usual < 40


def test_an_up_converges_the_others_and_names_the_dead_one(
    federation: Federation, clusters: Clusters, mordor: None, figures: Figures
) -> None:
    before = _state_of_mordor(federation)
    not_ready = lambda: _ready(federation, "mordor") != "True"  # noqa: E731
    wait_until("the federation to miss mordor", not_ready, 120)
    set_members(federation, lambda members: _labelled(members, MORDOR | {"readyWithin": "20s"}))
    code, log, seconds = federation.pulumi("up", *UNATTENDED, "--continue-on-error")
    figures.add("up with one of three dead, a change for each (readyWithin 20 s)", seconds)
    assert code != 0
    assert "Cluster mordor is not Ready" in log
    for name in MEMBERS:
        assert _age(federation, name) == "third"
    assert _state_of_mordor(federation) == before


def test_when_it_is_back_one_up_completes_it(
    federation: Federation, clusters: Clusters, mordor: None, figures: Figures
) -> None:
    clusters.fleet("start", "mordor")
    set_members(federation, lambda members: _labelled(members, MORDOR))
    figures.add("up when it is back", converge(federation)[1])
    assert _ready(federation, "mordor") == "True"
    assert _age(federation, "mordor") == "third"
    code, log, _ = federation.pulumi("preview", "--expect-no-changes", "--diff")
    assert code == 0, log


def test_a_member_that_is_dead_for_good_leaves_in_one_up(
    federation: Federation, clusters: Clusters, mordor: None, figures: Figures
) -> None:
    clusters.fleet("stop", "mordor")
    set_members(federation, lambda members: [*members, MORDOR | {"unreachable": True}])
    log, seconds = converge(federation)
    figures.add("up, a dead member leaves with unreachable: true", seconds)
    assert "member mordor is unreachable and given up" in log
    assert not federation.clusters.exists("fellowship", "cluster", "mordor")
    secrets = federation.clusters.kubectl("fellowship", "get", "secrets", "-n", "federation-fellowship", "-o", "name")
    assert "mordor" not in secrets
    left = {"pulumi:providers:kubernetes::member-mordor", "pulumi:index:Stash::member-mordor"}
    assert _state_of_mordor(federation) == left
    assert json.loads(federation.stack.output("members"))[-1]["name"] != "mordor"
    # Nothing in any cluster is left to do: without its lines, Pulumi forgets how the member was reached, and its UID.
    set_members(federation, lambda members: members)
    code, log, _ = federation.pulumi("preview")
    assert code == 0, log
    assert "pulumi:providers:kubernetes member-mordor delete" in log
    assert "pulumi:index:Stash member-mordor delete" in log
    assert "pulumi:index:Stash members update" in log
    assert "pulumi:providers:federation federation update" in log
    assert "    4 changes." in log


def test_what_is_left_in_one_that_came_back_after_all_goes_by_hand(
    clusters: Clusters, mordor: None, shell: Shell
) -> None:
    clusters.fleet("start", "mordor")
    ours = ("namespace,clusterrole,clusterrolebinding", "-l", "federation/name=fellowship")
    assert clusters.exists("mordor", *ours)
    # As `access.profile: namespaced` leaves them in a namespace of the member's own.
    within = ("role,rolebinding", "--all-namespaces", "-l", "federation/name=fellowship")
    create, name = ("-n", "default", "create"), "federation:fellowship:engine"
    clusters.kubectl("mordor", *create, "role", name, "--verb=list", "--resource=services")
    clusters.kubectl("mordor", *create, "rolebinding", name, f"--role={name}", "--user=nobody")
    clusters.kubectl("mordor", "-n", "default", "label", "role,rolebinding", name, "federation/name=fellowship")
    assert clusters.exists("mordor", *within)
    script = commands("members.md", "A member is dead", __file__)
    shell.run(script.replace("MEMBER", "mordor").replace("NAME", "fellowship"))
    assert not clusters.exists("mordor", *ours)
    assert not clusters.exists("mordor", *within)


@contextmanager
def _without_a_word(address: str) -> Iterator[None]:
    """Have packets to the address vanish, as in many a cloud; a bridge soon answers for who is not there."""
    device = subprocess.run(["ip", "-o", "route", "get", address], check=True, text=True, capture_output=True).stdout
    neighbour = (address, "dev", device.partition(" dev ")[2].split()[0])
    nobody = ("lladdr", "02:00:00:00:00:00", "nud", "permanent")
    subprocess.run(["ip", "neighbour", "replace", *neighbour, *nobody], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "neighbour", "delete", *neighbour], check=True)


def _labelled(members: Sequence[Member], mordor: Member) -> Sequence[Member]:
    """A change that touches each of them."""
    return [each | {"labels": {"age": "third"}} for each in (*members, mordor)]


def _age(federation: Federation, name: str) -> str | None:
    found: dict[str, str] = federation.clusters.get("fellowship", "cluster", name)["metadata"].get("labels", {})
    return found.get("age")


def _ready(federation: Federation, name: str) -> str | None:
    conditions: list[dict[str, Any]] = federation.clusters.get("fellowship", "cluster", name)["status"]["conditions"]
    return next((str(each["status"]) for each in conditions if each["type"] == "Ready"), None)


def _state_of_mordor(federation: Federation) -> set[str]:
    """Type and name of each resource of the member that the state holds."""
    urns = [resource["urn"] for resource in json.loads(federation.stack.state())["deployment"]["resources"]]
    return {"::".join(urn.split("::")[-2:]) for urn in urns if "mordor" in urn}
