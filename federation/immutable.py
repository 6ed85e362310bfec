"""What is fixed at the first `pulumi up`: the members and the volumes of etcd.

Pulumi would go ahead. Another volume means another StatefulSet, which takes over the volumes that are there: etcd
pauses, and nothing is gained. One member made three is two new ones that find each other and not the data of the
first. So the host cluster is asked what it has before anything is registered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pulumi
import urllib3

from federation.clusters.connection import connect, find
from federation.settings.config import Config, ConfigError
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.schema import Settings
from federation.settings.validation import PROJECT
from kube.errors import ApiError

STATEFUL_SET = "etcd"
INITIAL_CLUSTER = "--initial-cluster="
Size = Mapping[str, Any]
"""`replicas`, `storage` and `storageClass` of an etcd."""


def check(stack: Config, uids: Mapping[str, str]) -> None:
    """Raises ConfigError where the configuration asks for another etcd than the one that runs.

    Raises pulumi.RunError in an update where a host that answers does not tell: nothing else would refuse the change.
    `uids` has the contexts that answered (`identity.uids`); a host cluster that did not is not asked again.
    """
    settings = stack.settings
    if settings.host.context not in uids:
        return
    try:
        made = size(stack.contexts[settings.host.context], settings.host.namespace)
    except (ApiError, urllib3.exceptions.HTTPError) as error:
        reason = error.reason if isinstance(error, ApiError) else str(error.__cause__ or error)
        problem = f"context {settings.host.context}: whether etcd is as configured is not known: {reason}"
        if not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(f"{problem}; nothing was changed") from error
        pulumi.log.warn(problem)
        return
    if problems := list(changes(settings, made)):
        raise ConfigError(problems)


def changes(settings: Settings, made: Size | None) -> Iterator[str]:
    """What the configuration would change of the etcd that is there, if one is. Pure."""
    for key, value in settings.host.etcd.model_dump(by_alias=True).items():
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


def _bytes(quantity: str) -> Decimal:
    # Half a second to import, and only where two texts differ.
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415

    parsed: Decimal = parse_quantity(quantity)  # type: ignore[no-untyped-call]
    return parsed
