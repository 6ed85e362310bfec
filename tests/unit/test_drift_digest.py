"""What is read from a preview's digest, and how it is told. The recorded one is Pulumi 3.260's, shortened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from federation.clusters.identity import Unreachable
from operate.drift import digest, summary
from operate.drift.digest import Difference, Failure

pytestmark = pytest.mark.unit

RECORDED = Path(__file__).parent / "recorded"
URN = "urn:pulumi:dev::federation::federation:index:Member$"
PROVIDER = "urn:pulumi:dev::federation::pulumi:providers:kubernetes::member-rohan::802b7720"


def recorded(name: str) -> dict[str, Any]:
    """Of three objects one was deleted and one changed by hand."""
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return found


def step(op: str, type_: str = "kubernetes:core/v1:Secret", name: str = "rohan-dns", **parts: Any) -> dict[str, Any]:
    return {"op": op, "urn": f"{URN}{type_}::{name}", "provider": PROVIDER, **parts}


def changed(type_: str, old: dict[str, Any], new: dict[str, Any], path: str) -> tuple[str, ...]:
    """The fields told of one object that has changed at the path."""
    states: dict[str, Any] = {"oldState": {"id": "x", "outputs": old}, "newState": {"inputs": new}}
    (found,) = digest.differences({"steps": [step("update", type_, detailedDiff={path: {"kind": "update"}}, **states)]})
    return found.fields


def test_recorded_drift_is_told_by_object() -> None:
    found = digest.differences(recorded("drift"))
    assert sorted((each.happened, each.kind, each.object) for each in found) == [
        ("changed", "Thing", "b"),
        ("deleted", "Thing", "a"),
    ]
    assert digest.failures(recorded("drift")) == []


@pytest.mark.parametrize(
    ("steps", "happened"),
    [
        ([step("refresh"), step("create")], "deleted"),
        ([step("delete"), step("create")], "deleted"),
        ([step("create")], "to be created"),
        ([step("refresh"), step("delete")], "to be deleted"),
        ([step("refresh"), step("create-replacement"), step("replace")], "to be replaced"),
        ([step("refresh"), step("update")], "changed"),
    ],
)
def test_what_happened_follows_from_the_steps(steps: list[dict[str, Any]], happened: str) -> None:
    (found,) = digest.differences({"steps": steps})
    assert (found.resource, found.where, found.happened) == ("rohan-dns", "member-rohan", happened)


@pytest.mark.parametrize("op", ["same", "read", "refresh"])
def test_what_is_as_it_was_is_not_told(op: str) -> None:
    assert digest.differences({"steps": [step("refresh"), step(op)]}) == []


def test_a_provider_that_only_waits_longer_is_no_difference() -> None:
    def of_provider(*reasons: str) -> dict[str, Any]:
        # As recorded from Pulumi 3.260: it gives no details of a provider's settings.
        return {"steps": [step("update", "pulumi:providers:kubernetes", diffReasons=list(reasons), detailedDiff=None)]}

    waits = of_provider("kubeClientSettings")
    assert digest.differences(waits) == []
    assert digest.has_changes(waits)
    (other_address,) = digest.differences(of_provider("kubeClientSettings", "kubeconfig"))
    assert other_address.kind == "provider"
    assert not digest.has_changes({"steps": [step("same")]})


def test_no_secret_is_shown() -> None:
    token = {"data": {"token": "canary"}}
    assert changed("kubernetes:core/v1:Secret", token, {"data": {"token": "wanted"}}, "data.token") == ("data.token",)
    hidden = {"spec": {"token": "[secret]"}}
    assert changed("a:b/v1:Thing", {"spec": {"token": "canary"}}, hidden, "spec.token") == ("spec.token",)


def test_values_are_found_by_their_path_and_cut() -> None:
    def fields(path: str, old: Any, new: Any) -> tuple[str, ...]:
        return changed("kubernetes:apps/v1:Deployment", old, new, path)

    labels = {"metadata": {"labels": {"a.b/c": "x"}}}
    assert fields('metadata.labels["a.b/c"]', {"metadata": {}}, labels) == (
        'metadata.labels["a.b/c"]: nothing, should be "x"',
    )
    images = {"containers": [{"image": "i"}, {"image": "j"}]}
    assert fields("containers[1].image", {"containers": [{"image": "i"}]}, images) == (
        'containers[1].image: nothing, should be "j"',
    )
    assert fields("containers", {"containers": []}, images) == ("containers",)
    (told,) = fields("text", {"text": "a" * 100}, {"text": "b"})
    assert told == f'text: "{"a" * 56}..., should be "b"'


def test_resources_of_our_own_say_in_words_what_they_found() -> None:
    drift = "ConfigMap kube-system/coredns is not as it was left"
    states: dict[str, Any] = {"oldState": {"id": "rohan", "outputs": {"drift": drift}}, "newState": {"inputs": {}}}
    (found,) = digest.differences({"steps": [step("update", "federation:index:ClusterDns", **states)]})
    assert (found.kind, found.fields) == ("ClusterDns", (drift,))


def test_what_the_program_warns_of_a_silent_cluster_is_a_failure_and_other_warnings_are_not() -> None:
    silent = str(Unreachable("rohan", "https://rohan:6443", "connection refused"))
    said = [{"message": silent, "severity": "warning"}, {"message": "v1 is old", "severity": "warning"}]
    assert digest.failures({"diagnostics": said}) == [Failure("the program", silent, 1)]


def test_the_same_failure_of_many_resources_is_said_once_for_each_cluster() -> None:
    steps = [step("refresh", name=name) for name in "ab"]
    said = [
        {"urn": each["urn"], "message": "configured Kubernetes\ncluster is unreachable", "severity": "warning"}
        for each in steps
    ]
    found = digest.failures({"steps": steps, "diagnostics": said})
    assert found == [Failure("member-rohan", "configured Kubernetes cluster is unreachable", 2)]
    assert list(summary.lines([], found)) == [
        "COULD NOT LOOK at everything, so there may be more than is said here:",
        "    member-rohan (2 resources): configured Kubernetes cluster is unreachable",
    ]


def test_the_summary_is_for_reading() -> None:
    found = [
        Difference("gondor-cluster", "Cluster", "gondor", "api", "changed", ('spec.region: "mordor", should be "x"',)),
        Difference("dns-controller", "Deployment", "karmada-system/dns-controller", "host", "deleted"),
    ]
    assert list(summary.lines(found, [])) == [
        "DRIFT: 2 objects not as configured:",
        "    changed  Cluster gondor in api (Pulumi's gondor-cluster)",
        '        spec.region: "mordor", should be "x"',
        "    deleted  Deployment karmada-system/dns-controller in host (Pulumi's dns-controller)",
        "`pulumi up --refresh --run-program` puts all of it back as configured.",
    ]
    assert list(summary.lines([], [])) == ["No drift: everything is as configured."]
