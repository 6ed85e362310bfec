"""What a user gets who writes something wrong, or whose cluster does not answer, from the real command."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import yaml

from federation.engine import choice
from federation.settings import kubeconfig
from federation.settings.schema import HOST_NAMESPACES
from lab.federation import UNATTENDED
from lab.stack import Stack
from tests.figures import Figures
from tests.fleet.conftest import ENGINE, HOST, MEMBERS, Clusters, Federation, timed_pulumi


def _change(stack: Stack, before: str, after: str) -> None:
    text = stack.settings.read_text()
    assert before in text
    stack.settings.write_text(text.replace(before, after))


def test_all_problems_come_at_once_and_nothing_is_registered(other_stack: Stack) -> None:
    _change(other_stack, "federation:name: fellowship", "federation:nmae: fellowship")
    _change(other_stack, "zone: example.com.", "zone: nonsense")
    _change(other_stack, "region: middle-earth, zones: [edoras]", "zones: edoras")
    code, log, _ = timed_pulumi(other_stack, "preview")
    assert code != 0
    assert "5 problems in the configuration; nothing was changed" in log
    assert 'federation:name: "" is not a DNS label' in log
    assert "federation:nmae: unknown key; did you mean 'name'?" in log
    assert 'federation:dns.zone: "nonsense" is not a DNS domain' in log
    assert "federation:members[1].region: is missing" in log
    assert 'federation:members[1].zones: "edoras" is not a list' in log
    assert "Traceback" not in log
    assert "to create" not in log.replace("+ 1 to create", "")


def test_one_cluster_under_two_names_is_refused(other_stack: Stack, clusters: Clusters) -> None:
    twins = yaml.safe_load(clusters.kubeconfig.read_text())
    rohan = next(context for context in twins["contexts"] if context["name"] == "rohan")
    twins["contexts"].append({**rohan, "name": "another-way-to-rohan"})
    file = other_stack.home / "twins"
    file.write_text(yaml.safe_dump(twins))
    _change(other_stack, str(clusters.kubeconfig), str(file))
    _change(other_stack, "context: gondor_needs-no_king", "context: another-way-to-rohan")
    code, log, _ = timed_pulumi(other_stack, "preview")
    assert code != 0
    assert "gondor and rohan are one cluster (kube-system UID" in log


@pytest.mark.parametrize(
    ("cluster", "rest"),
    [
        ("rohan", ("gondor-cluster create", "Deployment kube-controller-manager create")),
        (HOST, ("gondor-namespace create", "Deployment kube-controller-manager create")),
    ],
    ids=["member", "host"],
)
def test_a_silent_cluster_is_named_and_the_rest_of_the_preview_shows(
    other_stack: Stack, clusters: Clusters, figures: Figures, cluster: str, rest: Sequence[str]
) -> None:
    silent = yaml.safe_load(clusters.kubeconfig.read_text())
    nowhere = clusters.of_nobody
    next(each for each in silent["clusters"] if each["name"] == cluster)["cluster"]["server"] = nowhere
    file = other_stack.home / "silent"
    file.write_text(yaml.safe_dump(silent))
    _, _, usual = timed_pulumi(other_stack, "preview")
    _change(other_stack, str(clusters.kubeconfig), str(file))
    _, log, seconds = timed_pulumi(other_stack, "preview")
    figures.add(f"preview with {cluster} silent", seconds)
    assert f"context {cluster}: the API at {nowhere} cannot be used" in log
    # What it waits is ours to promise; all else is the machine's, which has another fleet on it.
    assert seconds - usual < 25
    for line in rest:
        assert line in log


def test_another_engine_is_refused_in_the_preview(federation: Federation) -> None:
    good = federation.stack.settings.read_text()
    another = next(name for name in HOST_NAMESPACES if name != ENGINE)
    try:
        federation.stack.settings.write_text(good.replace(f"engine: {ENGINE}", f"engine: {another}"))
        code, log, _ = federation.pulumi("preview")
    finally:
        federation.stack.settings.write_text(good)
    assert code != 0
    assert f"federation:engine: {another} is refused, as this federation works with {ENGINE}" in log


def test_the_same_federation_in_another_stack_is_refused_in_the_preview(
    other_stack: Stack, federation: Federation
) -> None:
    _change(other_stack, "    adopt: true\n", "")
    code, log, _ = timed_pulumi(other_stack, "preview")
    assert code != 0
    manager = f"which stack federation/{federation.stack.name} manages (this one is federation/other)"
    assert f"is there already, and is of federation 'fellowship', {manager}" in log


@pytest.mark.parametrize(
    ("before", "after", "refusal"),
    [
        ("federation:name: fellowship", "federation:name: elves", 'federation:name: "elves" is refused'),
        ("context: rivendell", "context: rivendell\n    namespace: council", 'host.namespace: "council" is refused'),
        ("name: gondor,", "name: minas-tirith,", "members: minas-tirith was called gondor (kube-system UID"),
    ],
)
def test_another_name_or_namespace_is_refused_in_the_preview(
    federation: Federation, before: str, after: str, refusal: str
) -> None:
    good = federation.stack.settings.read_text()
    try:
        _change(federation.stack, before, after)
        code, log, _ = federation.pulumi("preview")
    finally:
        federation.stack.settings.write_text(good)
    assert code != 0
    assert refusal in log
    assert "Traceback" not in log


def test_the_federation_api_tells_which_engine_works_in_it(federation: Federation) -> None:
    own = kubeconfig.pick(kubeconfig.load([federation.clusters.kubeconfig]), "fellowship")
    assert choice.working_in(own) == ENGINE


CONTEXTS = {"host": HOST, "member-gondor": MEMBERS["gondor"]}


@pytest.mark.parametrize(("cluster", "another"), [("host", MEMBERS["gondor"]), ("member-gondor", HOST)])
@pytest.mark.parametrize("command", [("preview",), ("up", *UNATTENDED)], ids=lambda command: str(command[0]))
def test_a_context_that_leads_to_another_cluster_is_refused(
    federation: Federation, clusters: Clusters, command: tuple[str, ...], cluster: str, another: str
) -> None:
    context = CONTEXTS[cluster]
    good, corefile = federation.stack.settings.read_text(), clusters.corefile(another)
    known, found = (clusters.get(each, "namespace", "kube-system")["metadata"]["uid"] for each in (context, another))
    namespaces = clusters.kubectl(another, "get", "namespaces", "-o", "name")
    try:
        federation.stack.settings.write_text(good.replace(f"context: {context}", f"context: {another}"))
        code, log, _ = federation.pulumi(*command)
    finally:
        federation.stack.settings.write_text(good)
    assert code != 0
    assert (
        f"{cluster}: context {another} leads to another cluster: its kube-system has UID {found}, so far it had {known}"
        in log
    )
    assert "Traceback" not in log
    assert clusters.corefile(another) == corefile
    assert clusters.kubectl(another, "get", "namespaces", "-o", "name") == namespaces
