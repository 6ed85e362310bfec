"""The table of drift holds every kind that the program registers; a new kind has to say what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.component.program import run
from tests.component.recording import Record, opened
from tests.component.test_cloud_dns import register
from tests.drift_cases import AT_THE_END, BY_NEW_TOKENS, CASES, KARMADA, NEVER_DELETED

pytestmark = pytest.mark.component

OF_KARMADA = (AT_THE_END, BY_NEW_TOKENS)
"""Why kinds have no case that only a stack with Karmada has, and only where it is asked for more than the fleet's."""
GOOGLE = ("gcp:", "pulumi:providers:gcp")


def kinds(record: Record) -> set[str]:
    return {each.type for each in record.resources if not each.is_component}


def larger(folder: Path, engine: str) -> Record:
    """The dev topology with what it does without, as far as that makes other kinds of objects."""
    more = {
        "federation:host.apiServer.replicas": 3,
        "federation:host.etcd.replicas": 3,
        "federation:members.0.keepWorkloads": True,
        "federation:members.0.tokenGeneration": 2,
        "federation:dns.coredns.transferTo": ["192.0.2.53"],
    }
    return run(folder, more, engine=engine)


def test_every_kind_has_its_case_and_no_other_kind_has(karmada: Record, builtin: Record, tmp_path: Path) -> None:
    ours = {kind for kind in CASES if not kind.startswith(GOOGLE)}
    with_builtin = kinds(builtin) | kinds(larger(tmp_path, "builtin"))
    with_karmada = kinds(karmada) | kinds(larger(tmp_path, "karmada"))
    assert with_builtin | with_karmada == ours | KARMADA.keys()
    assert with_karmada - with_builtin == {*KARMADA, *(kind for kind in ours if CASES[kind].change in OF_KARMADA)}
    assert kinds(register({"parentZone": "top"})) == {kind for kind in CASES if kind.startswith(GOOGLE)}


def test_only_what_has_no_case_but_a_reason_is_not_in_the_dev_topology(builtin: Record, karmada: Record) -> None:
    """The fleet is as large as the dev topology: what is not there cannot be tried there."""
    for table, record in ((CASES, builtin), (KARMADA, karmada)):
        others = {kind for kind in table if not kind.startswith(GOOGLE)} - kinds(record)
        assert [kind for kind in others if not (isinstance(table[kind].change, str) and table[kind].delete)] == []


def test_each_case_is_on_an_object_that_is_there(karmada: Record, builtin: Record) -> None:
    for table, record in ((CASES, builtin), (KARMADA, karmada)):
        there = {(each.type, each.name) for each in record.resources}
        assert {(kind, case.resource) for kind, case in table.items() if case.resource} <= there
    assert {(each.kind, each.name) for each in builtin.resources} >= NEVER_DELETED.keys()


def test_no_case_deletes_what_is_never_to_be_deleted() -> None:
    deleted = {(kind.rpartition(":")[2], case.resource) for kind, case in CASES.items() if not case.delete}
    assert deleted & NEVER_DELETED.keys() == set()


def test_no_change_makes_etcds_only_pod_anew() -> None:
    change = CASES["kubernetes:apps/v1:StatefulSet"].change
    assert isinstance(change, dict)
    assert "spec" not in change


def test_what_is_changed_is_a_field_that_the_program_sets(karmada: Record, builtin: Record) -> None:
    """Others are the cluster's, and nothing that Pulumi looks at."""
    for table, record in ((CASES, builtin), (KARMADA, karmada)):
        for kind, case in table.items():
            if isinstance(case.change, dict):
                inputs = next(e.inputs for e in record.resources if (e.type, e.name) == (kind, case.resource))
                assert _has(opened(inputs), case.change) or kind.startswith("federation:"), kind


def _has(inputs: object, change: object) -> bool:
    if not isinstance(change, dict):
        return True
    return isinstance(inputs, dict) and all(key in inputs and _has(inputs[key], change[key]) for key in change)


def test_what_anybody_wrote_into_our_fields_is_put_back_and_what_is_there_is_taken_up(karmada: Record) -> None:
    providers = {each.name: opened(each.inputs) for each in karmada.of("kubernetes") if each.is_provider}
    assert {name: inputs.get("enablePatchForce") for name, inputs in providers.items()} == dict.fromkeys(
        providers, "true"
    )
    assert {name: inputs.get("upsertExistingObjects") for name, inputs in providers.items()} == dict.fromkeys(
        providers, "true"
    )
