"""The table of drift holds every kind that the program registers; a new kind has to say what becomes of it."""

from __future__ import annotations

import pytest

from tests.component.program import run
from tests.component.recording import Record, opened
from tests.component.test_cloud_dns import register
from tests.drift_cases import CASES, NEVER_DELETED

pytestmark = pytest.mark.component

GOOGLE = ("gcp:", "pulumi:providers:gcp")


def kinds(record: Record) -> set[str]:
    return {each.type for each in record.resources if not each.is_component}


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The dev topology with what it does without, as far as that makes other kinds of objects."""
    more = {
        "federation:host.apiServer.replicas": 3,
        "federation:host.etcd.replicas": 3,
        "federation:members.0.keepWorkloads": True,
        "federation:members.0.tokenGeneration": 2,
    }
    return run(tmp_path_factory.mktemp("larger"), more)


def test_every_kind_has_its_case_and_no_other_kind_has(dev: Record, larger: Record) -> None:
    assert kinds(dev) | kinds(larger) == {kind for kind in CASES if not kind.startswith(GOOGLE)}
    assert kinds(register({"parentZone": "top"})) == {kind for kind in CASES if kind.startswith(GOOGLE)}


def test_only_what_has_no_case_but_a_reason_is_not_in_the_dev_topology(dev: Record, larger: Record) -> None:
    """The fleet is as large as the dev topology: what is not there cannot be tried there."""
    others = kinds(larger) - kinds(dev)
    assert {kind.rpartition(":")[2] for kind in others} == {"DeploymentPatch", "KeptWorkloads"}
    assert [kind for kind in others if not (isinstance(CASES[kind].change, str) and CASES[kind].delete)] == []


def test_each_case_is_on_an_object_that_is_there(dev: Record) -> None:
    there = {(each.type, each.name) for each in dev.resources}
    tried = {(kind, case.resource) for kind, case in CASES.items() if case.resource}
    assert tried <= there
    assert {(each.kind, each.name) for each in dev.resources} >= NEVER_DELETED.keys()


def test_what_is_changed_is_a_field_that_the_program_sets(dev: Record) -> None:
    """Others are the cluster's, and nothing that Pulumi looks at."""
    for kind, case in CASES.items():
        if isinstance(case.change, dict):
            inputs = next(each.inputs for each in dev.resources if (each.type, each.name) == (kind, case.resource))
            assert _has(opened(inputs), case.change) or kind.startswith("federation:"), kind


def _has(inputs: object, change: object) -> bool:
    if not isinstance(change, dict):
        return True
    return isinstance(inputs, dict) and all(key in inputs and _has(inputs[key], change[key]) for key in change)


def test_what_anybody_wrote_into_our_fields_is_put_back_and_what_is_there_is_taken_up(dev: Record) -> None:
    providers = {each.name: opened(each.inputs) for each in dev.of("kubernetes") if each.is_provider}
    assert {name: inputs.get("enablePatchForce") for name, inputs in providers.items()} == dict.fromkeys(
        providers, "true"
    )
    assert {name: inputs.get("upsertExistingObjects") for name, inputs in providers.items()} == dict.fromkeys(
        providers, "true"
    )
