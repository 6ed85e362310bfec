"""What a killed run began, taken into the exported state."""

from __future__ import annotations

import io
import json
import runpy
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from operate import unfinished
from provider.cluster_dns.resource import ClusterDns
from provider.schema import KINDS
from tests.kube_api import ApiServer
from tests.provider_calls import Called
from tests.unit.test_cluster_dns import BEFORE, data, props, put

pytestmark = pytest.mark.unit

SECRET = "urn:pulumi:dev::federation::kubernetes:core/v1:Secret::etcd-files"
ROLE = "urn:pulumi:dev::federation::kubernetes:rbac.authorization.k8s.io/v1:ClusterRole::gondor-access"
CLUSTER = "urn:pulumi:dev::federation::kubernetes:cluster.karmada.io/v1alpha1:Cluster::gondor-cluster"
CLUSTER_DNS = "urn:pulumi:dev::federation::federation:index:ClusterDns::gondor-cluster-dns"
WITHDRAWAL = "urn:pulumi:dev::federation::federation:index:Withdrawal::gondor-withdrawal"
KEPT_WORKLOADS = "urn:pulumi:dev::federation::federation:index:KeptWorkloads::gondor-kept-workloads"
KEY = "urn:pulumi:dev::federation::federation:index:PrivateKey::root-ca"


def resource(urn: str, metadata: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    inputs = {"apiVersion": "v1", "kind": "Any", "metadata": metadata} if metadata else {}
    return {"urn": urn, "custom": True, "type": urn.split("::")[2], "inputs": inputs, **more}


def pending(kind: str, *of: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": kind, "resource": each} for each in of]


def exported(resources: list[dict[str, Any]], operations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"manifest": {}, "resources": resources, "pending_operations": operations}}


def taken_up(resources: list[dict[str, Any]], operations: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    deployment = unfinished.take_up(exported(resources, operations))["deployment"]
    assert "pending_operations" not in deployment
    assert deployment["manifest"] == {}
    found = {each["urn"]: each for each in deployment["resources"]}
    assert len(found) == len(deployment["resources"])
    return found


def test_a_begun_object_becomes_a_resource_after_those_it_needs() -> None:
    begun = resource(SECRET, {"name": "etcd-files", "namespace": "karmada-system"}, dependencies=[ROLE])
    found = taken_up([resource(ROLE, {"name": "r"}, id="r")], pending("creating", begun))
    assert list(found) == [ROLE, SECRET]
    assert found[SECRET]["id"] == "karmada-system/etcd-files"
    assert found[SECRET]["dependencies"] == [ROLE]


def test_an_object_outside_namespaces_is_known_by_its_name() -> None:
    assert taken_up([], pending("creating", resource(ROLE, {"name": "gondor:r"})))[ROLE]["id"] == "gondor:r"


def test_a_namespace_that_the_provider_only_took_it_to_be_in_is_none() -> None:
    """Its deletion would be looked for there, and not be seen."""
    begun = resource(CLUSTER, {"name": "gondor", "namespace": "default"})
    found = taken_up([], pending("creating", begun))[CLUSTER]
    assert found["id"] == "gondor"
    for metadata in (
        found["inputs"]["metadata"],
        found["outputs"]["metadata"],
        found["outputs"]["__inputs"]["metadata"],
    ):
        assert metadata == {"name": "gondor"}


def test_it_can_be_destroyed_without_a_refresh() -> None:
    """The provider takes what an object is from the outputs."""
    outputs = taken_up([], pending("creating", resource(ROLE, {"name": "r"})))[ROLE]["outputs"]
    assert outputs == {
        "apiVersion": "v1",
        "kind": "Any",
        "metadata": {"name": "r"},
        "__inputs": {"apiVersion": "v1", "kind": "Any", "metadata": {"name": "r"}},
        "__initialApiVersion": "v1",
    }


@pytest.fixture
def member() -> Iterator[ApiServer]:
    """The API of gondor."""
    server = ApiServer()
    put(server, BEFORE[0])
    yield server
    server.stop()


def begun_cluster_dns(member: ApiServer) -> dict[str, Any]:
    """As it is in the list: its inputs."""
    return {**resource(CLUSTER_DNS), "inputs": props(member)}


def test_a_begun_cluster_dns_is_as_its_creation_returns_it_but_to_be_written_again(member: ApiServer) -> None:
    found = taken_up([], pending("creating", begun_cluster_dns(member)))[CLUSTER_DNS]
    assert found["id"] == "gondor-cluster-dns"
    assert {**found["outputs"], "drift": ""}.items() <= Called(ClusterDns).create(props(member)).items()
    assert "drift" in Called(ClusterDns).stale(found["outputs"], props(member))
    # The engine finds it by its type.
    assert CLUSTER_DNS.split("::")[2] in KINDS


@pytest.mark.parametrize("written", [True, False])
def test_a_begun_cluster_dns_can_be_destroyed_or_written_whatever_came_of_it(member: ApiServer, written: bool) -> None:
    found = taken_up([], pending("creating", begun_cluster_dns(member)))[CLUSTER_DNS]
    provider = Called(ClusterDns)
    if written:
        provider.create(props(member))
    provider.update(found["outputs"], props(member))
    assert "fellowship" in data(member)["coredns"]["Corefile"]
    if not written:
        put(member, BEFORE[0])
    provider.delete(found["outputs"])
    assert data(member) == BEFORE[0]


@pytest.mark.parametrize("urn", [KEY, WITHDRAWAL, KEPT_WORKLOADS])
def test_what_leaves_nothing_behind_is_forgotten(urn: str) -> None:
    assert taken_up([], pending("creating", resource(urn))) == {}


@pytest.mark.parametrize("kind", ["updating", "deleting", "reading"])
def test_a_change_of_what_the_state_knows_is_begun_anew(kind: str) -> None:
    known = resource(ROLE, {"name": "r"}, id="r")
    assert taken_up([known], pending(kind, resource(ROLE, {"name": "new"}))) == {ROLE: known}


def test_a_replacement_that_was_begun_takes_the_place_of_what_was_deleted() -> None:
    old = resource(ROLE, {"name": "r"}, id="r", pendingReplacement=True)
    assert "pendingReplacement" not in taken_up([old], pending("creating", resource(ROLE, {"name": "r"})))[ROLE]


def test_a_state_without_pending_operations_stays_as_it_is() -> None:
    state = {"version": 3, "deployment": {"resources": [resource(ROLE, {"name": "r"}, id="r")]}}
    assert unfinished.begun(state) == []
    assert unfinished.take_up(state) == state


def test_a_stack_that_has_no_state_yet_stays_as_it_is() -> None:
    """So `pulumi stack export` prints it."""
    state = {"version": 3, "deployment": None}
    assert unfinished.begun(state) == []
    assert unfinished.take_up(state) == state


def filtered(given: str, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    """The exit code of the filter for this input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    monkeypatch.delitem(sys.modules, "operate.unfinished")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("operate.unfinished", run_name="__main__")
    return ended.value.code


def test_it_is_a_filter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    state = exported([], pending("creating", resource(ROLE, {"name": "r"})))
    assert filtered(json.dumps(state), monkeypatch) == 0
    assert json.loads(capsys.readouterr().out) == unfinished.take_up(state)


@pytest.mark.parametrize("given", ["", "error: no stack named 'dev' found\n"])
def test_what_is_no_json_is_refused_in_one_sentence(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the export failed, its own error stands above, and must be seen."""
    assert filtered(given, monkeypatch) == 1
    refused = "error: the input is not JSON; allowed: what `pulumi stack export` prints\n"
    assert capsys.readouterr() == ("", refused)
