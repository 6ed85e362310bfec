"""What `keepWorkloads` and `unreachable` change for the member that has them, and for nobody else."""

import re
from pathlib import Path

import pytest

from federation.clusters.identity import Unreachable
from federation.settings.config import ConfigError
from tests.component.program import DEV, ROHAN, UIDS, run
from tests.component.recording import Record, Secret, name_of

pytestmark = pytest.mark.component

SILENT = {**UIDS, ROHAN: Unreachable(ROHAN, "https://rohan.example:6443", "no route to host", silent=True)}
GONE = {"federation:members.1.unreachable": True}


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Gondor keeps its workloads when it leaves."""
    return run(tmp_path_factory.mktemp("keeping"), {"federation:members.0.keepWorkloads": True})


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Rohan does not answer, and is given up."""
    return run(tmp_path_factory.mktemp("gone"), GONE, SILENT)


def test_a_member_that_keeps_its_workloads_has_three_resources_more_and_an_annotation(
    karmada: Record, keeping: Record
) -> None:
    more = {str(each) for each in keeping.resources} - {str(each) for each in karmada.resources}
    assert more == {
        "MutatingAdmissionPolicy gondor-workloads-stay",
        "MutatingAdmissionPolicyBinding gondor-workloads-stay",
        "KeptWorkloads gondor-kept-workloads",
    }
    annotations = {
        name: keeping.one("Cluster", f"{name}-cluster").inputs["metadata"]["annotations"]
        for name in ("gondor", "rohan")
    }
    assert annotations["gondor"] == {**annotations["rohan"], "federation/keep-workloads": "true"}


def test_the_workloads_are_let_go_before_the_cluster_goes_and_the_policy_outlives_both(keeping: Record) -> None:
    cluster = keeping.one("Cluster", "gondor-cluster")
    binding = keeping.one("MutatingAdmissionPolicyBinding", "gondor-workloads-stay")
    assert cluster.urn in keeping.needs(keeping.one("KeptWorkloads", "gondor-kept-workloads"))
    assert binding.urn in keeping.needs(cluster)
    assert keeping.one("MutatingAdmissionPolicy", "gondor-workloads-stay").urn in keeping.needs(binding)


def test_the_names_are_withdrawn_before_the_workloads_are_let_go(keeping: Record) -> None:
    needed = keeping.needs(keeping.one("Withdrawal", "gondor-withdrawal"))
    assert keeping.one("KeptWorkloads", "gondor-kept-workloads").urn in needed


def test_the_policy_is_about_the_works_of_this_member_and_only_while_it_leaves(keeping: Record) -> None:
    spec = keeping.one("MutatingAdmissionPolicy", "gondor-workloads-stay").inputs["spec"]
    assert spec["matchConstraints"]["namespaceSelector"] == {
        "matchLabels": {"kubernetes.io/metadata.name": "karmada-es-gondor", "federation/workloads": "stay"}
    }
    assert spec["failurePolicy"] == "Fail"


def test_without_a_zone_workloads_are_kept_too(tmp_path: Path) -> None:
    record = run(tmp_path, {"federation:dns": {}, "federation:members.0.keepWorkloads": True})
    kept = record.one("KeptWorkloads", "gondor-kept-workloads")
    assert name_of(kept.provider) == "federation"
    assert isinstance(kept.inputs["kubeconfig"], Secret)


def test_of_a_member_that_is_given_up_only_its_provider_and_uid_are_left(
    karmada: Record, gone: Record, tmp_path: Path
) -> None:
    left = run(tmp_path, {"federation:members": DEV["federation:members"][:1]})
    more = {each.urn for each in gone.resources} - {each.urn for each in left.resources}
    assert more == {karmada.one(kind, "member-rohan").urn for kind in ("kubernetes", "Stash")}
    assert gone.exports == left.exports


def test_what_is_in_a_member_that_is_given_up_is_forgotten_and_nowhere_else(gone: Record) -> None:
    forgetting = {each.name: each.inputs.get("deleteUnreachable") for each in gone.of("kubernetes")}
    assert {name for name, value in forgetting.items() if value} == {"member-rohan"}
    assert gone.one("federation", "federation").inputs == {"gone": "rohan"}


def test_it_is_said_that_something_stays(gone: Record) -> None:
    assert gone.warnings == [
        "member rohan is unreachable and given up: what the federation had in it stays there",
    ]


def test_a_member_that_keeps_its_workloads_can_be_given_up_without_a_zone(tmp_path: Path) -> None:
    changes = {"federation:dns": {}, "federation:members.1.keepWorkloads": True, **GONE}
    record = run(tmp_path, changes, SILENT)
    # Or its resource, which is in the state alone, would not hear of it.
    assert record.one("federation", "federation").inputs == {"gone": "rohan"}


def test_a_member_that_answers_is_not_given_up(tmp_path: Path) -> None:
    record = Record()
    message = "federation:members[1].unreachable: rohan answers, with kube-system UID uid-of-rohan"
    with pytest.raises(ConfigError, match=re.escape(message)):
        run(tmp_path, GONE, record=record)
    assert record.resources == []
