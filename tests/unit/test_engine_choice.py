"""A federation keeps its engine: how the one that works is told, by the federation API and by the state."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import pulumi
import pytest

from federation.engine import TERMS, choice
from federation.settings.config import Refusal
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.schema import HOST_NAMESPACES, EngineName, Settings
from tests.unit.test_identity import Answer, api, context

pytestmark = pytest.mark.unit

KARMADAS: Answer = (200, json.dumps({"spec": {"service": {"name": "karmada-aggregated-apiserver"}}}))
OF_A_CRD: Answer = (200, json.dumps({"spec": {"group": "cluster.karmada.io"}}))
CRD: Answer = (200, json.dumps({"kind": "CustomResourceDefinition"}))
ABSENT: Answer = (404, "{}")


def answers(crd: Answer, service: Answer) -> Callable[[str], Answer]:
    """An API with this CustomResourceDefinition and this APIService."""
    return lambda path: {choice.CRD: crd, choice.API_SERVICE: service}[path]


@pytest.mark.parametrize(
    ("crd", "service", "engine"),
    [
        (ABSENT, ABSENT, None),
        (ABSENT, KARMADAS, "karmada"),
        (CRD, OF_A_CRD, "builtin"),
        # Kubernetes deletes the APIService that it made for a CRD some time after it.
        (ABSENT, OF_A_CRD, None),
    ],
)
def test_the_engine_is_told_by_what_serves_the_kind_cluster(crd: Answer, service: Answer, engine: str | None) -> None:
    with api(answers(crd, service)) as url:
        assert choice.working_in(context(url)) == engine


@pytest.mark.parametrize(("status", "reason"), [(403, "Forbidden"), (500, "Internal Server Error")])
def test_an_api_that_does_not_tell_is_one_problem(status: int, reason: str) -> None:
    problem = f"federation:engine: the federation API does not tell which engine works in it: {reason}; try again"
    with api(lambda _: (status, "{}")) as url, pytest.raises(Refusal) as refusal:
        choice.working_in(context(url))
    assert str(refusal.value) == problem


@pytest.fixture(params=["connections are refused", "TLS fails"])
def silent(request: pytest.FixtureRequest) -> Iterator[Kubeconfig]:
    """Leads to an API that does not answer."""
    with api(lambda _: ABSENT) as url:
        if request.param == "TLS fails":
            yield context(url.replace("http:", "https:"))
            return
    yield context(url)


def test_so_is_one_that_does_not_answer(silent: Kubeconfig) -> None:
    with pytest.raises(Refusal, match="federation:engine: the federation API does not tell which engine"):
        choice.working_in(silent)


# The hooks


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a hook can be registered needs a program, or at least the loop of one."""
    monkeypatch.setattr(pulumi.resource_hooks, "register_resource_hook", lambda hook: None)


def hook_of(hooks: Any) -> pulumi.ResourceHook:
    (hook,) = hooks
    assert isinstance(hook, pulumi.ResourceHook)
    assert hook.opts
    assert hook.opts.on_dry_run
    return hook


def event(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> pulumi.ResourceHookArgs:
    return pulumi.ResourceHookArgs("", "", "", "pulumi:index:Stash", new_inputs=new, old_inputs=old)


def refusal_of(wanted: str, before: str) -> str:
    return (
        f"federation:engine: {wanted} is refused, as this federation works with {before} and it is fixed at the first "
        f"`pulumi up`; allowed: {before}, or a new federation beside this one"
    )


def remembered(monkeypatch: pytest.MonkeyPatch, before: Mapping[str, Any] | None, wanted: EngineName) -> None:
    """What happens in a stack whose Stash had these inputs."""
    made: list[pulumi.ResourceOptions] = []
    monkeypatch.setattr(pulumi, "Stash", lambda _name, *, input, opts: made.append(opts))
    choice.remember_engine(wanted)
    (opts,) = made
    assert isinstance(opts.hooks, pulumi.ResourceHookBinding)
    hook_of(opts.hooks.before_update).callback(event(before, {"input": wanted}))


@pytest.mark.parametrize(("wanted", "before"), [("builtin", "karmada"), ("karmada", "builtin")])
def test_another_engine_than_the_one_in_the_state_is_refused_in_the_preview(
    monkeypatch: pytest.MonkeyPatch, wanted: EngineName, before: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        remembered(monkeypatch, {"input": before}, wanted)
    assert str(refusal.value) == refusal_of(wanted, before)


@pytest.mark.parametrize("before", [{"input": "builtin"}, {}, None])
def test_the_same_engine_or_none_in_the_state_is_no_problem(
    monkeypatch: pytest.MonkeyPatch, before: Mapping[str, Any] | None
) -> None:
    remembered(monkeypatch, before, "builtin")


class Known:
    """Stands in for the Output of a control plane: a text, or None in the preview of a first up."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    async def future(self) -> str | None:
        return self._text


def before_create(engine: EngineName, text: str | None) -> None:
    hook = hook_of(choice.refuse_another(engine, Known(text)).before_create)  # type: ignore[arg-type]
    asyncio.run(hook.callback(event(None, {})))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "before", "found"),
    [("builtin", "karmada", answers(ABSENT, KARMADAS)), ("karmada", "builtin", answers(CRD, OF_A_CRD))],
)
def test_another_engine_than_the_one_in_the_api_is_refused_where_the_state_was_lost(
    wanted: EngineName, before: EngineName, found: Callable[[str], Answer]
) -> None:
    with api(found) as url:
        text = json.dumps(context(url))
        before_create(before, text)
        with pytest.raises(Refusal) as refusal:
            before_create(wanted, text)
    assert str(refusal.value) == refusal_of(wanted, before)


def test_an_api_without_an_engine_and_one_that_is_not_there_yet_take_any() -> None:
    with api(answers(ABSENT, ABSENT)) as url:
        before_create("builtin", json.dumps(context(url)))
    before_create("karmada", None)


@pytest.mark.parametrize("preview", [True, False])
def test_an_api_that_does_not_answer_is_left_by_a_preview_to_the_update(
    monkeypatch: pytest.MonkeyPatch, silent: Kubeconfig, preview: bool
) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    with nullcontext() if preview else pytest.raises(Refusal, match="does not tell which engine works in it"):
        before_create("builtin", json.dumps(silent))


@pytest.mark.parametrize("engine", ["karmada", "builtin"])
def test_an_engine_has_its_own_default_namespace_in_the_host(engine: EngineName) -> None:
    given = {"name": "fellowship", "engine": engine, "host": {"context": "rivendell"}}
    assert Settings.model_validate(given).host.namespace == HOST_NAMESPACES[engine]
    # validation keeps a federation's own Namespace apart from both.
    assert TERMS[engine].system_namespace == HOST_NAMESPACES[engine]
    named = {**given, "host": {"context": "rivendell", "namespace": "council"}}
    assert Settings.model_validate(named).host.namespace == "council"
