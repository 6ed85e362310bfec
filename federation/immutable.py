"""What is fixed at the first `pulumi up`: the federation's name, its Namespace, the members and the volumes of etcd.

Pulumi would go ahead. Another volume means another StatefulSet, which takes over the volumes that are there: etcd
pauses, and nothing is gained. One member made three is two new ones that find each other and not the data of the
first. So the host cluster is asked what it has before anything is registered. With another name or Namespace, what
has just been written is deleted under its old name, and the volumes of etcd with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pulumi
import urllib3
from pulumi import ResourceHookBinding, ResourceOptions

from federation.clusters.connection import connect, find
from federation.settings.config import Config, ConfigError, Refusal
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.schema import Settings
from federation.settings.validation import PROJECT
from kube.errors import ApiError

STATEFUL_SET = "etcd"
INITIAL_CLUSTER = "--initial-cluster="
HOW_TO_MOVE = (
    "to move, make a second federation in a stack of its own, let the members leave this one and join that one, then "
    "destroy this one"
)
Size = Mapping[str, Any]
"""`replicas`, `storage` and `storageClass` of an etcd."""


def check(stack: Config, uids: Mapping[str, str]) -> None:
    """Raises ConfigError where the configuration asks for another etcd than the one that runs.

    Raises pulumi.RunError in an update where a host that answers does not tell: nothing else would refuse the change.
    `uids` has the contexts that answered (`identity.uids`); a host cluster that did not is not asked again: what it
    had is in the state (`remember`).
    """
    settings = stack.settings
    if settings.host.context not in uids:
        return
    try:
        made = size(stack.contexts[settings.host.context], settings.host.namespace)
    except (ApiError, urllib3.exceptions.HTTPError) as error:
        reason = error.reason if isinstance(error, ApiError) else str(error.__cause__ or error)
        problem = _unknown(settings, str(reason))
        if not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(f"{problem}; nothing was changed") from error
        pulumi.log.warn(problem)
        return
    if problems := list(changes(settings, made)):
        raise ConfigError(problems)


def remember(stack: Config, uids: Mapping[str, str], engine: pulumi.Stash) -> pulumi.Stash:
    """What is fixed, in the state, where no refresh looks for it: a change is refused, in preview too.

    Nothing may be written into a cluster before it. It is after the `engine` (`choice.remember_engine`): where another
    one is refused, nothing is said of the Namespace, whose default is the engine's. Of etcd the state is asked only
    where the host did not answer, and an update is refused whose state does not know it either.
    """
    settings = stack.settings
    is_known = settings.host.context in uids

    def refuse_another(args: pulumi.ResourceHookArgs) -> None:
        before = (args.old_inputs or {}).get("input") or {}
        problems = [*moves(settings, before)]
        if not is_known and (made := before.get("etcd")):
            # On the way through Pulumi's protocol every number becomes a float.
            problems += changes(settings, {**made, "replicas": int(made["replicas"])})
        if problems:
            raise Refusal("\n".join(problems))

    def refuse_unknown(_: pulumi.ResourceHookArgs) -> None:
        if not (is_known or pulumi.runtime.is_dry_run()):
            raise Refusal(f"{_unknown(settings, 'it did not say who it is')}; nothing was changed")

    options = pulumi.ResourceHookOptions(on_dry_run=True)
    hooks = ResourceHookBinding(
        before_create=[pulumi.ResourceHook("fixed-unknown", refuse_unknown, options)],
        before_update=[pulumi.ResourceHook("fixed", refuse_another, options)],
    )
    known = {"name": settings.name, "host.namespace": settings.host.namespace, "etcd": _wanted(settings)}
    return pulumi.Stash("fixed", input=known, opts=ResourceOptions(hooks=hooks, depends_on=engine))


def moves(settings: Settings, before: Mapping[str, Any]) -> Iterator[str]:
    """What the configuration would move of the federation that is there; `before` is as in the state. Pure."""
    for key, wanted in {"name": settings.name, "host.namespace": settings.host.namespace}.items():
        if (was := before.get(key, wanted)) != wanted:
            fixed = f"this federation was made with {json.dumps(was)} and it is fixed at the first `pulumi up`"
            allowed = f"allowed: {json.dumps(was)}; {HOW_TO_MOVE}"
            yield f"{PROJECT}:{key}: {json.dumps(wanted)} is refused, as {fixed}; {allowed}"


def changes(settings: Settings, made: Size | None) -> Iterator[str]:
    """What the configuration would change of the etcd that is there, if one is. Pure."""
    for key, value in _wanted(settings).items():
        found = made[key] if made else value
        if found != value and not (key == "storage" and _bytes(found) == _bytes(value)):
            fixed = f"StatefulSet {STATEFUL_SET} was made with {json.dumps(found)}"
            allowed = f"it is fixed at the first `pulumi up`; allowed: {json.dumps(found)}"
            yield f"{PROJECT}:host.etcd.{key}: {json.dumps(value)} is refused, as {fixed} and {allowed}"


def size(host: Kubeconfig, namespace: str) -> Size | None:
    """The size of the etcd that this program made; None if it made none. Raises as `connection.get` does."""
    with connect(host) as api:
        found = find(api, f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{STATEFUL_SET}")
    return None if found is None else size_of(found)


def size_of(stateful_set: Mapping[str, Any]) -> Size | None:
    """The size that an etcd was made with; None of a StatefulSet that this program did not make.

    Its members are counted where they are named, as anybody may scale a StatefulSet.
    """
    spec = stateful_set["spec"]
    claims = [claim["spec"] for claim in spec.get("volumeClaimTemplates", [])]
    commands = [container.get("command", []) for container in spec["template"]["spec"]["containers"]]
    members = [flag for command in commands for flag in command if flag.startswith(INITIAL_CLUSTER)]
    if not claims or not members:
        return None
    return {
        "replicas": len(members[0].split(",")),
        "storage": claims[0]["resources"]["requests"]["storage"],
        "storageClass": claims[0].get("storageClassName") or "",
    }


def _wanted(settings: Settings) -> Size:
    return settings.host.etcd.model_dump(by_alias=True)


def _unknown(settings: Settings, reason: str) -> str:
    return f"context {settings.host.context}: whether etcd is as configured is not known: {reason}"


def _bytes(quantity: str) -> Decimal:
    # Half a second to import, and only where two texts differ.
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415

    parsed: Decimal = parse_quantity(quantity)  # type: ignore[no-untyped-call]
    return parsed
