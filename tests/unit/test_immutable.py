"""What cannot change once it is there, and how the configuration is held against it: by the host, and by the state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pytest

from federation import immutable
from federation.clusters import connection
from federation.settings.config import Config, ConfigError, Refusal
from federation.settings.schema import Settings
from kube.client import Client
from kube.errors import ApiError

pytestmark = pytest.mark.unit

ONE = {"replicas": 1, "storage": "5Gi", "storageClass": ""}


def settings(etcd: Mapping[str, Any] | None = None) -> Settings:
    given = {"name": "fellowship", "host": {"context": "rivendell", "etcd": etcd or {}}}
    return Settings.model_validate(given)


def problems(given: Settings, made: immutable.Size | None) -> list[str]:
    return list(immutable.changes(given, made))


def test_what_is_as_it_was_made_or_not_made_yet_is_no_problem() -> None:
    assert problems(settings(), ONE) == []
    assert problems(settings({"replicas": 3, "storage": "9Gi", "storageClass": "fast"}), None) == []


@pytest.mark.parametrize(
    ("key", "wanted", "made"),
    [("replicas", 3, 1), ("replicas", 1, 3), ("storage", "10Gi", "5Gi"), ("storageClass", "fast", "")],
)
def test_each_change_names_its_key_the_old_value_and_the_new(key: str, wanted: Any, made: Any) -> None:
    (problem,) = problems(settings({key: wanted}), {**ONE, key: made})
    assert problem == (
        f"federation:host.etcd.{key}: {json.dumps(wanted)} is refused, as StatefulSet etcd was made with "
        f"{json.dumps(made)} and it is fixed at the first `pulumi up`; allowed: {json.dumps(made)}"
    )


@pytest.mark.parametrize(("one", "other"), [("5Gi", "5120Mi"), ("5120Mi", "5Gi"), ("1024Ti", "1Pi")])
def test_a_size_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert problems(settings({"storage": one}), {**ONE, "storage": other}) == []


def stateful_set(members: str, **claim: Any) -> dict[str, Any]:
    container = {"command": ["/usr/local/bin/etcd", "--name=$(POD_NAME)", f"--initial-cluster={members}"]}
    claims = [{"spec": {"resources": {"requests": {"storage": "5Gi"}}, **claim}}]
    return {"spec": {"replicas": 2, "volumeClaimTemplates": claims, "template": {"spec": {"containers": [container]}}}}


def test_members_are_counted_where_they_are_named_as_anybody_may_scale_a_stateful_set() -> None:
    three = "etcd-0=https://a:2380,etcd-1=https://b:2380,etcd-2=https://c:2380"
    assert immutable.size_of(stateful_set(three)) == {"replicas": 3, "storage": "5Gi", "storageClass": ""}
    assert immutable.size_of(stateful_set("etcd-0=https://a:2380", storageClassName="fast")) == {
        "replicas": 1,
        "storage": "5Gi",
        "storageClass": "fast",
    }


def test_somebody_elses_stateful_set_has_no_size_to_keep() -> None:
    foreign = stateful_set("x")
    foreign["spec"]["template"]["spec"]["containers"] = [{"name": "sleep"}]
    assert immutable.size_of(foreign) is None
    assert immutable.size_of({"spec": {"template": {"spec": {"containers": []}}}}) is None


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    logged: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", logged.append)
    return logged


def check(monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any] | ApiError) -> None:
    """With this answer of the host cluster to every question."""

    def get(api: Client, path: str) -> Mapping[str, Any]:
        assert path == "/apis/apps/v1/namespaces/karmada-system/statefulsets/etcd"
        if isinstance(answer, ApiError):
            raise answer
        return answer

    monkeypatch.setattr(connection, "get", get)
    host = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    immutable.check(Config(settings({"storage": "10Gi"}), {"rivendell": host}), {"rivendell": "uid"})


def test_a_change_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ConfigError, match=r"1 problem in the configuration; nothing was changed\n.*\"10Gi\" is refused"
    ):
        check(monkeypatch, stateful_set("etcd-0=https://a:2380"))


def test_before_the_first_up_nothing_is_fixed(monkeypatch: pytest.MonkeyPatch, warnings: list[str]) -> None:
    check(monkeypatch, ApiError(status=404, reason="Not Found"))
    assert warnings == []


def test_a_host_that_does_not_tell_is_reported(monkeypatch: pytest.MonkeyPatch, warnings: list[str]) -> None:
    with pytest.raises(pulumi.RunError, match="whether etcd is as configured is not known: Forbidden; nothing was"):
        check(monkeypatch, ApiError(status=403, reason="Forbidden"))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    check(monkeypatch, ApiError(status=403, reason="Forbidden"))
    assert warnings == ["context rivendell: whether etcd is as configured is not known: Forbidden"]


def test_a_host_that_did_not_answer_is_not_asked_again() -> None:
    immutable.check(Config(settings(), {}), {})


# What the state has


class Remembered:
    """The hooks of the Stash of a configuration, and what it is given; `answers` is whether the host does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, given: Settings, *, answers: bool = True) -> None:
        made: list[tuple[Any, pulumi.ResourceOptions]] = []
        engine = object.__new__(pulumi.CustomResource)
        # That a hook can be registered needs a program, or at least the loop of one.
        monkeypatch.setattr(pulumi.resource_hooks, "register_resource_hook", lambda hook: None)
        monkeypatch.setattr(pulumi, "Stash", lambda _name, *, input, opts: made.append((input, opts)))
        immutable.remember(Config(given, {}), {"rivendell": "uid"} if answers else {}, cast(pulumi.Stash, engine))
        ((self.input, options),) = made
        assert isinstance(options.hooks, pulumi.ResourceHookBinding)
        assert options.depends_on == engine
        self._hooks = options.hooks

    def after(self, before: Mapping[str, Any] | None) -> None:
        """What is said in a stack that has this; None is a stack that has nothing yet."""
        (hook,) = (self._hooks.before_create if before is None else self._hooks.before_update) or []
        assert isinstance(hook, pulumi.ResourceHook)
        assert hook.opts
        assert hook.opts.on_dry_run
        old, new = None if before is None else {"input": before}, {"input": self.input}
        hook.callback(pulumi.ResourceHookArgs("", "", "", "pulumi:index:Stash", new_inputs=new, old_inputs=old))


KNOWN = {"name": "fellowship", "host.namespace": "karmada-system", "etcd": ONE}


@pytest.mark.parametrize("answers", [True, False])
def test_what_is_as_it_is_in_the_state_is_no_problem(monkeypatch: pytest.MonkeyPatch, answers: bool) -> None:
    same = Remembered(monkeypatch, settings(), answers=answers)
    assert same.input == KNOWN
    same.after(KNOWN)
    same.after({**KNOWN, "etcd": {**ONE, "storage": "5120Mi"}})


@pytest.mark.parametrize("key", ["name", "host.namespace"])
def test_another_name_or_namespace_is_refused_with_the_way_to_move(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    now = Remembered(monkeypatch, settings())
    with pytest.raises(Refusal) as refusal:
        now.after({**KNOWN, key: "elves"})
    assert str(refusal.value) == (
        f'federation:{key}: "{KNOWN[key]}" is refused, as this federation was made with "elves" and it is fixed at the '
        'first `pulumi up`; allowed: "elves"; to move, make a second federation in a stack of its own, let the members '
        "leave this one and join that one, then destroy this one"
    )


def test_all_that_moves_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal) as refusal:
        Remembered(monkeypatch, settings()).after({"name": "elves", "host.namespace": "council", "etcd": ONE})
    assert [line.split(": ")[0] for line in str(refusal.value).splitlines()] == [
        "federation:name",
        "federation:host.namespace",
    ]


@pytest.mark.parametrize("preview", [True, False])
def test_while_the_host_does_not_answer_another_etcd_than_in_the_state_is_refused(
    monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    with pytest.raises(
        Refusal, match=r"federation:host.etcd.replicas: 3 is refused, as StatefulSet etcd was made with 1 and it"
    ):
        Remembered(monkeypatch, settings({"replicas": 3}), answers=False).after(
            {**KNOWN, "etcd": {**ONE, "replicas": 1.0}}
        )
    # One that answers was asked itself, and may have lost the etcd of the state.
    Remembered(monkeypatch, settings({"replicas": 3})).after({**KNOWN, "etcd": {**ONE, "replicas": 1.0}})


def test_only_a_preview_takes_a_state_of_before_while_the_host_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    Remembered(monkeypatch, settings()).after(None)
    silent = Remembered(monkeypatch, settings(), answers=False)
    with pytest.raises(Refusal, match="whether etcd is as configured is not known: it did not say who it is; nothing"):
        silent.after(None)
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    silent.after(None)
