"""What is somebody else's is refused, before it is written over."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import pulumi
import pytest
import urllib3

from federation.clusters import connection, ownership
from federation.settings.config import Refusal
from federation.settings.keys import CONTROL_PLANE, FEDERATION, STACK
from kube.errors import ApiError

pytestmark = pytest.mark.unit

NAMESPACE = "/api/v1/namespaces/karmada-system"
OURS = "uid-of-rivendell/karmada-system"
OUR_STACK = "federation/prod"
BINDING = f"{ownership.RBAC}/clusterrolebindings/karmada-impersonator"


class There(dict[str, Mapping[str, Any]]):
    """The objects of the cluster, by path."""

    def look(self, _: Any, path: str) -> Mapping[str, Any]:
        if path not in self:
            raise ApiError(status=404, reason="Not Found")
        return self[path]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> There:
    cluster = There()
    # That a hook can be registered needs a program, or at least the loop of one.
    monkeypatch.setattr(pulumi.resource_hooks, "register_resource_hook", lambda hook: None)
    monkeypatch.setattr(ownership, "connect", lambda _: nullcontext())
    monkeypatch.setattr(connection, "get", cluster.look)
    return cluster


def create(kind: str, *, adopt: bool = False, **metadata: str) -> None:
    """What happens before an object of this kind is created by the federation `fellowship`."""
    before_create(
        ownership.refuse_foreign(
            "host", "fellowship", "rivendell", {}, control_plane=OURS, stack=OUR_STACK, adopt=adopt
        ),
        kind,
        metadata,
    )


def before_create(binding: pulumi.ResourceHookBinding, kind: str, metadata: Mapping[str, str]) -> None:
    (hook,) = binding.before_create or []
    assert isinstance(hook, pulumi.ResourceHook)
    assert hook.opts
    assert hook.opts.on_dry_run
    inputs = {"metadata": metadata}
    answer = hook.callback(pulumi.ResourceHookArgs("", "", "", f"kubernetes:core/v1:{kind}", new_inputs=inputs))
    assert inspect.iscoroutine(answer)
    asyncio.run(answer)


def test_what_is_not_there_can_be_made(there: There) -> None:
    create("Namespace", name="karmada-system")


def test_what_a_killed_run_of_ours_has_made_is_written_over(there: There) -> None:
    there[NAMESPACE] = {"metadata": {"name": "karmada-system", "labels": {FEDERATION: "fellowship"}}}
    create("Namespace", name="karmada-system")


@pytest.mark.parametrize("of", [None, OURS])
def test_a_namespace_of_our_control_plane_or_of_a_version_that_does_not_say_it_is_ours(
    there: There, of: str | None
) -> None:
    there[NAMESPACE] = namespace_of(of)
    create("Namespace", name="karmada-system")


@pytest.mark.parametrize("of", ["uid-of-mordor/karmada-system", "uid-of-rivendell/another-system"])
def test_another_federation_of_our_name_is_known_by_its_control_plane(there: There, of: str) -> None:
    there[NAMESPACE] = namespace_of(of)
    uid, _, namespace = of.partition("/")
    whose = f"of federation 'fellowship', whose control plane is in Namespace {namespace} of the cluster with"
    with pytest.raises(Refusal, match=f"{whose} kube-system UID {uid}"):
        create("Namespace", name="karmada-system")
    create("Namespace", name="karmada-system", adopt=True)


@pytest.mark.parametrize("manager", [None, OUR_STACK])
def test_a_namespace_of_this_stack_or_of_a_version_that_does_not_say_it_is_ours(
    there: There, manager: str | None
) -> None:
    there[NAMESPACE] = managed_by(manager)
    create("Namespace", name="karmada-system")


def test_the_same_federation_of_another_stack_is_taken_over_by_adopt_alone(there: There) -> None:
    there[NAMESPACE] = managed_by("federation/dev")
    with pytest.raises(Refusal) as refusal:
        create("Namespace", name="karmada-system")
    assert str(refusal.value) == (
        "context rivendell: Namespace karmada-system is there already, and is of federation 'fellowship', which stack "
        "federation/dev manages (this one is federation/prod); allowed: another name, or `adopt: true` for this "
        "cluster, to take it over and delete it in the end"
    )
    create("Namespace", name="karmada-system", adopt=True)


def managed_by(manager: str | None) -> Mapping[str, Any]:
    """The control plane's Namespace of our federation, as this stack has made it."""
    marks = {"annotations": {STACK: manager}} if manager else {}
    return {"metadata": {"name": "karmada-system", "labels": {FEDERATION: "fellowship"}, **marks}}


@pytest.mark.parametrize("preview", [True, False])
def test_while_the_host_does_not_answer_only_a_preview_passes_over_one_that_may_be_anothers(
    there: There, monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    there[NAMESPACE] = namespace_of("uid-of-mordor/karmada-system")
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    binding = ownership.refuse_foreign(
        "member", "fellowship", "rohan", {}, control_plane=None, stack=OUR_STACK, adopt=False
    )
    with nullcontext() if preview else pytest.raises(Refusal, match="the host does not answer, by which"):
        before_create(binding, "Namespace", {"name": "karmada-system"})


def namespace_of(control_plane: str | None) -> Mapping[str, Any]:
    """The Namespace as a federation of our name with this control plane has made it."""
    marks = {"annotations": {CONTROL_PLANE: control_plane}} if control_plane else {}
    return {"metadata": {"name": "karmada-system", "labels": {FEDERATION: "fellowship"}, **marks}}


@pytest.mark.parametrize("preview", [True, False])
def test_only_a_preview_does_not_ask_a_cluster_that_was_silent(
    there: There, monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    there[NAMESPACE] = {"metadata": {"name": "karmada-system", "labels": {}}}
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    binding = ownership.refuse_foreign(
        "host", "fellowship", "rivendell", {}, control_plane=OURS, stack=OUR_STACK, adopt=False, silent=True
    )
    with nullcontext() if preview else pytest.raises(Refusal):
        before_create(binding, "Namespace", {"name": "karmada-system"})


@pytest.mark.parametrize(
    ("labels", "whose"),
    [
        (None, "somebody else's (it has no label federation/name)"),
        ({"a": "b"}, "somebody else's"),
        ({FEDERATION: "elves"}, "of federation 'elves'"),
    ],
    ids=["no labels", "other labels", "another federation's"],
)
def test_what_is_somebody_elses_is_refused_unless_adopted(
    there: There, labels: dict[str, str] | None, whose: str
) -> None:
    there[NAMESPACE] = {"metadata": {"name": "karmada-system", "labels": labels}}
    with pytest.raises(Refusal) as refusal:
        create("Namespace", name="karmada-system")
    problem = str(refusal.value)
    assert problem.startswith(f"context rivendell: Namespace karmada-system is there already, and is {whose}")
    assert "`adopt: true`" in problem
    create("Namespace", name="karmada-system", adopt=True)


@pytest.mark.parametrize("adopt", [False, True])
def test_the_rights_of_another_federations_impersonator_are_left_alone(there: There, adopt: bool) -> None:
    account = {"name": "karmada-impersonator", "namespace": "federation-fellowship"}
    create("ServiceAccount", adopt=adopt, **account)
    there[BINDING] = {"metadata": account, "subjects": [account]}
    create("ServiceAccount", adopt=adopt, **account)
    there[BINDING] = {"metadata": account, "subjects": [{**account, "namespace": "federation-elves"}]}
    with pytest.raises(Refusal, match=r"accounts in federation-elves, .* allowed: `proxy: false`"):
        create("ServiceAccount", adopt=adopt, **account)


def test_what_is_in_a_namespace_of_ours_is_ours(there: There) -> None:
    create("Secret", name="token", namespace="federation-fellowship")


def test_a_kind_that_nobody_knows_where_to_look_for_is_refused(there: There) -> None:
    with pytest.raises(pulumi.RunError, match="COLLECTIONS does not say where to look for it"):
        create("PriorityClass", name="first")


UNKNOWN = [
    ApiError(status=403, reason="Forbidden"),
    urllib3.exceptions.HTTPError("gone"),
    OSError("no file"),
]


@pytest.mark.parametrize("error", UNKNOWN)
def test_what_cannot_be_told_is_refused(there: There, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(connection, "get", refuse)
    with pytest.raises(pulumi.RunError, match="Namespace karmada-system is not made, as it cannot be told whose it is"):
        create("Namespace", name="karmada-system")
