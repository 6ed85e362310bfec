"""How soon the built-in engine carries one object and many, and what comes of one that is killed meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from threading import Event, Thread

import pytest

from tests.figures import Figures
from tests.fleet.engine_lab import API, MEMBERS, NAMESPACE, Lab, configmap, running, seconds_until, value
from tests.fleet.engine_load import Load, Usage

OBJECTS = 1000
SEED = 20261126
KILLS = 25
EACH = 8
"""Objects that are created, and that are deleted, around each kill."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("load")) as found:
        yield found


@pytest.fixture(scope="module")
def joined(lab: Lab) -> float:
    """Seconds until both were Ready."""
    return lab.join_both()


@pytest.fixture(scope="module")
def load(lab: Lab, joined: float) -> Load:
    new = Load(lab)
    new.begin()
    return new


@pytest.mark.speed
def test_two_clusters_are_ready_within_5_seconds(joined: float, figures: Figures) -> None:
    figures.add("engine: two Clusters made to both Ready", joined)
    assert joined < 5


@pytest.mark.speed
def test_an_object_reaches_both_members_within_a_second(lab: Lab, joined: float, figures: Figures) -> None:
    lab.kubectl(API, "create", "namespace", NAMESPACE)
    lab.apply(API, configmap("a"))
    seconds = seconds_until("it in both", lambda: all(value(lab, each, "a") == "1" for each in MEMBERS))
    figures.add("engine: object to both members", seconds)
    assert seconds < 1


@pytest.mark.speed
def test_what_is_changed_or_deleted_in_a_member_is_as_it_was_within_two_seconds(lab: Lab, figures: Figures) -> None:
    lab.kubectl("gondor", "patch", "configmap", "a", "-n", NAMESPACE, "-p", '{"data": {"value": "stolen"}}')
    changed = seconds_until("it put back", lambda: value(lab, "gondor", "a") == "1")
    figures.add("engine: changed in a member to put back", changed)
    lab.kubectl("gondor", "delete", "configmap", "a", "-n", NAMESPACE)
    deleted = seconds_until("it made again", lambda: value(lab, "gondor", "a") == "1")
    figures.add("engine: deleted in a member to made again", deleted)
    assert max(changed, deleted) < 2


@pytest.mark.speed
def test_a_namespace_that_is_made_again_has_its_objects_back_within_5_seconds(lab: Lab, figures: Figures) -> None:
    def is_there() -> bool:
        services = [lab.get(each, "service", "pony", "-n", "bree") for each in MEMBERS]
        return all(services) and all(value(lab, each, "pony", "bree") for each in MEMBERS)

    def make() -> None:
        lab.kubectl(API, "create", "namespace", "bree")
        lab.kubectl(API, "create", "service", "clusterip", "pony", "--tcp=80:80", "-n", "bree")
        lab.apply(API, configmap("pony", namespace="bree"))

    make()
    seconds_until("all in both", is_there)
    lab.kubectl(API, "delete", "namespace", "bree", "--timeout=60s")
    make()
    seconds = seconds_until("all in both again", is_there)
    figures.add("engine: Namespace deleted and made again to its objects in both members", seconds)
    assert seconds < 5


@pytest.mark.speed
def test_a_namespace_deleted_in_a_member_is_made_again_with_all_that_is_in_it_within_5_seconds(
    lab: Lab, figures: Figures
) -> None:
    before = lab.get("gondor", "namespace", "bree")
    assert before is not None
    lab.kubectl("gondor", "delete", "namespace", "bree", "--timeout=60s")

    def is_back() -> bool:
        now = lab.get("gondor", "namespace", "bree")
        is_new = now is not None and now["metadata"]["uid"] != before["metadata"]["uid"]
        service = lab.get("gondor", "service", "pony", "-n", "bree")
        return is_new and service is not None and value(lab, "gondor", "pony", "bree") == "1"

    seconds = seconds_until("all of it back", is_back)
    figures.add("engine: Namespace deleted in a member, gone to all of it back", seconds)
    assert seconds < 5
    lab.kubectl(API, "delete", "namespace", "bree", "--timeout=60s")


@pytest.mark.speed
def test_a_thousand_objects_reach_two_members_within_a_minute(lab: Lab, load: Load, figures: Figures) -> None:
    before, applied = Usage.of(lab), lab.metric("federation_applied_total")
    wanted = frozenset(f"load-{number}" for number in range(OBJECTS))
    writer = Thread(target=load.create, args=(sorted(wanted),))
    writer.start()
    # By the engine's own count: to list them over and over would take the CPU that is measured.
    arrived = applied + OBJECTS * len(MEMBERS)
    seconds = seconds_until("all objects in both", lambda: lab.metric("federation_applied_total") >= arrived, 120)
    writer.join()
    seconds_until("all objects in both, as they see it", lambda: _are_as(load, wanted))
    after = Usage.of(lab)
    figures.add(f"engine: {OBJECTS} objects created, until in both members", seconds)
    figures.add("engine: CPU for them", after.cpu - before.cpu)
    figures.add("engine: memory with them", after.memory, "MiB")
    assert seconds < 60
    assert after.memory < 150


@pytest.mark.speed
def test_they_go_again(lab: Lab, load: Load, figures: Figures) -> None:
    before, taken = Usage.of(lab), lab.metric("federation_taken_back_total")
    load.delete(sorted(load.names(API)))
    gone = taken + OBJECTS * len(MEMBERS)
    seconds = seconds_until("all objects gone", lambda: lab.metric("federation_taken_back_total") >= gone, 120)
    seconds_until("all objects gone everywhere", lambda: _are_as(load, frozenset()))
    figures.add(f"engine: {OBJECTS} objects deleted, until gone everywhere", seconds)
    figures.add("engine: CPU for that", Usage.of(lab).cpu - before.cpu)
    assert seconds < 60


@pytest.mark.speed
def test_a_member_whose_api_is_killed_is_not_ready_within_40_seconds(lab: Lab, figures: Figures) -> None:
    lab.fleet("stop", "gondor", "--only", "kube-apiserver")
    seconds = seconds_until("not Ready", lambda: lab.ready("gondor").get("status") == "False", 60)
    figures.add("engine: member's API killed to not Ready", seconds)
    assert seconds < 40
    lab.fleet("start", "gondor")
    seconds_until("Ready", lambda: lab.is_ready("gondor"), 60)


def test_killed_at_any_point_the_end_is_right(lab: Lab, load: Load) -> None:
    chance = random.Random(SEED)
    standing: frozenset[str] = frozenset()
    for round_ in range(KILLS):
        new = [f"round-{round_}-{number}" for number in range(EACH)]
        point, reached = chance.randrange(EACH + len(standing)), Event()
        writer = Thread(target=_change, args=(load, new, sorted(standing), point, reached))
        writer.start()
        assert reached.wait(60), f"change {point} of round {round_} (seed {SEED})"
        lab.stop()
        writer.join()
        lab.start()
        standing = frozenset(new)
        seconds_until(f"the end of round {round_} (seed {SEED})", partial(_are_as, load, standing), 60)


def _change(load: Load, new: list[str], old: list[str], point: int, reached: Event) -> None:
    """`reached` is told before the change of this number, from 0."""
    changes = [*((load.create, name) for name in new), *((load.delete, name) for name in old)]
    for number, (change, name) in enumerate(changes):
        if number == point:
            reached.set()
        change([name])


def _are_as(load: Load, wanted: frozenset[str]) -> bool:
    return all(load.names(context) == wanted for context in (API, *MEMBERS))
