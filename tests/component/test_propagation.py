"""The default policy: what reaches the members without a policy of the user's, and what never does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.component.program import run
from tests.component.recording import Record

pytestmark = pytest.mark.component

USERS_PRIORITY = 0
"""Of a policy that says nothing of it (Karmada's kubebuilder default)."""
HIGHEST_PRIORITY = 2**31 - 1


def default_policy(record: Record) -> Mapping[str, Any]:
    policy: Mapping[str, Any] = record.one("ClusterPropagationPolicy", "federation-default").inputs["spec"]
    return policy


def selects(policy: Mapping[str, Any], kind: str, labels: Mapping[str, str]) -> bool:
    """Whether the policy takes an object of this kind with these labels; a `NotIn` holds where the label is absent."""
    return any(
        selector["kind"] == kind and matches(selector["labelSelector"], labels)
        for selector in policy["resourceSelectors"]
    )


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    expects = {"In": True, "NotIn": False}
    (expressions,) = selector.values()
    return all((labels.get(each["key"]) in each["values"]) == expects[each["operator"]] for each in expressions)


def test_the_kinds_of_a_users_own_objects_reach_all_members(karmada: Record) -> None:
    policy = default_policy(karmada)
    assert [(selector["apiVersion"], selector["kind"]) for selector in policy["resourceSelectors"]] == [
        ("v1", "Service"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("networking.k8s.io/v1", "Ingress"),
    ]
    assert policy["placement"] == {}


@pytest.mark.parametrize(
    ("kind", "labels", "selected"),
    [
        ("Service", {}, True),
        ("Service", {"federation/propagate": "true"}, True),
        ("Service", {"federation/propagate": "false"}, False),
        ("Service", {"component": "apiserver"}, False),
        ("Service", {"component": "frontend"}, True),
        ("Service", {"owner": "helm"}, True),
        ("Secret", {}, True),
        ("Secret", {"owner": "helm"}, False),
        ("Secret", {"federation/propagate": "false"}, False),
        ("Secret", {"component": "apiserver"}, True),
        ("ConfigMap", {"owner": "helm"}, True),
        ("ServiceAccount", {}, False),
    ],
)
def test_it_takes_what_is_a_users_and_not_opted_out(
    karmada: Record, kind: str, labels: Mapping[str, str], selected: bool
) -> None:
    assert selects(default_policy(karmada), kind, labels) == selected


def test_every_kind_can_be_opted_out(karmada: Record) -> None:
    policy = default_policy(karmada)
    kinds = [selector["kind"] for selector in policy["resourceSelectors"]]
    assert [kind for kind in kinds if selects(policy, kind, {"federation/propagate": "false"})] == []


def test_a_policy_of_a_user_comes_before_it_and_what_is_in_a_member_already_stays_as_it_is(karmada: Record) -> None:
    policy = default_policy(karmada)
    assert policy["priority"] < USERS_PRIORITY
    assert (policy["preemption"], policy["conflictResolution"]) == ("Never", "Abort")


def test_the_apis_own_service_is_taken_by_name_before_all_others_and_leads_nowhere(karmada: Record) -> None:
    policy = karmada.one("PropagationPolicy", "own-service").inputs
    assert policy["metadata"]["namespace"] == "default"
    spec = policy["spec"]
    assert spec["resourceSelectors"] == [
        {"apiVersion": "v1", "kind": "Service", "namespace": "default", "name": "kubernetes"}
    ]
    assert spec["priority"] == HIGHEST_PRIORITY
    assert spec["suspension"] == {"dispatching": True}
    affinity = spec["placement"]["clusterAffinity"]["labelSelector"]
    key = affinity["matchExpressions"][0]["key"]
    assert not any(matches(affinity, labels) for labels in ({}, {key: "never"}, {key: "ever"}))


def test_the_configuration_narrows_kinds_and_members(tmp_path: Path) -> None:
    record = run(
        tmp_path, {"federation:propagation": {"kinds": ["ConfigMap", "ServiceAccount"], "clusters": ["rohan"]}}
    )
    policy = default_policy(record)
    assert [selector["kind"] for selector in policy["resourceSelectors"]] == ["ConfigMap", "ServiceAccount"]
    assert policy["placement"] == {"clusterAffinity": {"clusterNames": ["rohan"]}}


def test_without_kinds_there_is_no_default_policy_as_karmada_refuses_one_that_selects_nothing(tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:propagation.kinds": []})
    assert record.of("ClusterPropagationPolicy") == []
    assert [each.name for each in record.of("PropagationPolicy")] == ["own-service"]


def test_a_policy_of_a_users_own_asks_to_take_its_objects_over(karmada: Record) -> None:
    spec = karmada.one("MutatingAdmissionPolicy", "own-policies-win").inputs["spec"]
    (rule,) = spec["matchConstraints"]["resourceRules"]
    assert (rule["apiGroups"], rule["resources"]) == (["policy.karmada.io"], ["propagationpolicies"])
    assert karmada.one("MutatingAdmissionPolicyBinding", "own-policies-win").inputs["spec"] == {
        "policyName": "own-policies-win"
    }


def test_what_is_for_the_federation_api_alone_is_kept_from_every_policy_even_without_a_default_one(
    karmada: Record, tmp_path: Path
) -> None:
    """What the API makes of it: tests/programs/test_karmada_admission.py."""
    for record in (karmada, run(tmp_path, {"federation:propagation.kinds": []})):
        spec = record.one("MutatingAdmissionPolicy", "tied-secrets-stay").inputs["spec"]
        (rule,) = spec["matchConstraints"]["resourceRules"]
        assert (rule["apiGroups"], rule["resources"], rule["operations"]) == ([""], ["secrets"], ["CREATE", "UPDATE"])
        assert spec["failurePolicy"] == "Fail"
        assert record.one("MutatingAdmissionPolicyBinding", "tied-secrets-stay").inputs["spec"] == {
            "policyName": "tied-secrets-stay"
        }
