"""What is fixed at the first `pulumi up`: the members and the volumes of each etcd.

Pulumi would go ahead. Another volume means another StatefulSet, which takes over the volumes that are there: etcd
pauses, and nothing is gained. One member made three is two new ones that find each other and not the data of the
first. So the host cluster is asked what it has before anything is registered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pulumi
import urllib3
from kubernetes import client
from kubernetes.utils.quantity import parse_quantity

from federation.config import Config, ConfigError
from federation.connection import connect, get
from federation.contradictions import PROJECT
from federation.dns.core_dns import ETCD as DNS_ETCD
from federation.kubeconfig import Kubeconfig
from federation.settings import Etcd, Settings

INITIAL_CLUSTER = "--initial-cluster="
Size = Mapping[str, Any]
"""`replicas`, `storage` and `storageClass` of one etcd."""


def check(stack: Config, uids: Mapping[str, str]) -> None:
    """Raises ConfigError where the configuration asks for another etcd than the one that runs.

    `uids` has the contexts that answered (`identity.known`); a host cluster that did not is not asked again.
    """
    settings = stack.settings
    if settings.host.context not in uids:
        return
    try:
        made = sizes(stack.contexts[settings.host.context], settings.host.namespace, list(_wanted(settings)))
    except (client.ApiException, urllib3.exceptions.HTTPError) as error:
        reason = error.reason if isinstance(error, client.ApiException) else str(error.__cause__ or error)
        pulumi.log.warn(f"context {settings.host.context}: whether etcd is as configured is not known: {reason}")
        return
    if problems := list(changes(settings, made)):
        raise ConfigError(problems)


def changes(settings: Settings, made: Mapping[str, Size]) -> Iterator[str]:
    """What the configuration would change of each etcd that is there. Pure."""
    for name, (path, wanted) in _wanted(settings).items():
        for key, value in wanted.model_dump(by_alias=True).items():
            found = made[name][key] if name in made else value
            if not (_bytes(found) == _bytes(value) if key == "storage" else found == value):
                fixed = f"StatefulSet {name} was made with {json.dumps(found)}"
                allowed = f"it is fixed at the first `pulumi up`; allowed: {json.dumps(found)}"
                yield f"{PROJECT}:{path}.{key}: {json.dumps(value)} is refused, as {fixed} and {allowed}"


def sizes(host: Kubeconfig, namespace: str, names: list[str]) -> Mapping[str, Size]:
    """The size of those StatefulSets of this program that are there, by name. Raises as `connection.get` does."""
    with connect(host) as api:
        answers = {name: _get(api, f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}") for name in names}
    found = {name: size_of(answer) for name, answer in answers.items() if answer}
    return {name: size for name, size in found.items() if size}


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


def _wanted(settings: Settings) -> Mapping[str, tuple[str, Etcd]]:
    """Path in the configuration and size of each etcd, by the name of its StatefulSet."""
    own_zone = settings.dns if settings.dns and settings.dns.provider == "coredns" else None
    return {
        "etcd": ("host.etcd", settings.host.etcd),
        **({DNS_ETCD: ("dns.coredns.etcd", own_zone.coredns.etcd)} if own_zone else {}),
    }


def _bytes(quantity: str) -> Decimal:
    parsed: Decimal = parse_quantity(quantity)  # type: ignore[no-untyped-call]
    return parsed


def _get(api: client.ApiClient, path: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = get(api, path)
    except client.ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    return found
