"""Who is behind each context: the UID of a cluster's kube-system namespace, asked before anything is created.

Karmada takes that UID as a cluster's identity too (`karmadactl join` puts it into the Cluster's `id`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pulumi
import urllib3
from kubernetes import client
from kubernetes.config.config_exception import ConfigException
from pulumi import ResourceHookBinding, ResourceOptions

from federation import kubeconfig
from federation.config import ConfigError
from federation.connection import connect, get
from federation.contradictions import PROJECT
from federation.kubeconfig import Kubeconfig
from federation.settings import Member

ASKED_AT_ONCE = 64
"""All contexts side by side, so that the time-outs of one bound the whole look; more members are more stacks."""


@dataclass(frozen=True)
class Unreachable:
    """A cluster that did not say who it is."""

    context: str
    endpoint: str
    reason: str
    refused: bool = False
    """Whether something is there that does not take the context's credentials: waiting does not mend that."""

    def __str__(self) -> str:
        return f"context {self.context}: the API at {self.endpoint} cannot be used: {self.reason}"


def identify(contexts: Mapping[str, Kubeconfig]) -> Mapping[str, str | Unreachable]:
    """The UID of the cluster behind each context, or why it is not known."""
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as threads:
        return dict(zip(contexts, threads.map(_identify, contexts, contexts.values()), strict=True))


def known(answers: Mapping[str, str | Unreachable], members: Mapping[str, str]) -> Mapping[str, str]:
    """The UIDs that are known, by context; a silent cluster is reported, and leaves the others to go on.

    `members` maps name to context. Raises ConfigError where two of them turn out to be one cluster.
    """
    uids = {context: answer for context, answer in answers.items() if isinstance(answer, str)}
    for answer in answers.values():
        if isinstance(answer, Unreachable):
            pulumi.log.warn(str(answer))
    names_of = defaultdict(list)
    for name, context in members.items():
        if context in uids:
            names_of[uids[context]].append(name)
    problems = [
        f"{PROJECT}:members: {' and '.join(names)} are one cluster (kube-system UID {uid}); each cluster joins once"
        for uid, names in names_of.items()
        if len(names) > 1
    ]
    if problems:
        raise ConfigError(problems)
    return uids


def silent(answers: Mapping[str, str | Unreachable], members: Sequence[Member]) -> None:
    """Check that a member which is given up as unreachable does not answer.

    Raises ConfigError for those that do: what the federation has in them would be forgotten there.
    """
    given_up = {i: member for i, member in enumerate(members) if member.unreachable}
    allowed = "allowed: delete the whole member, which then leaves in good order, or just this key"
    problems = [
        f"{PROJECT}:members[{i}].unreachable: {member.name} answers, with kube-system UID {uid}; {allowed}"
        for i, member in given_up.items()
        if isinstance(uid := answers[member.context], str)
    ]
    if problems:
        raise ConfigError(problems)
    for member in given_up.values():
        pulumi.log.warn(f"member {member.name} is unreachable and given up: what the federation had in it stays there")


def refused(answers: Mapping[str, str | Unreachable]) -> frozenset[str]:
    """The contexts whose credentials are not taken. What the last run knew of them stays in the state."""
    return frozenset(each.context for each in answers.values() if isinstance(each, Unreachable) and each.refused)


class Refusal(pulumi.ComponentResource):
    """Fails an update on account of these contexts, after all else is done: a warning alone would pass for success.

    A resource, as only those have an end to wait for; but one that is never created, and that no preview shows.
    """

    def __init__(self, contexts: Collection[str], everything: Sequence[pulumi.Resource]) -> None:
        def refuse(_: pulumi.ResourceHookArgs) -> None:
            where = ", ".join(sorted(contexts))
            raise pulumi.RunError(f"{where}: out of reach, as the credentials are refused (see the warning)")

        hooks = ResourceHookBinding(before_create=[pulumi.ResourceHook("refusal", refuse)])
        options = ResourceOptions(depends_on=everything, hooks=hooks)
        super().__init__("federation:index:Refusal", "refused-credentials", None, options)


def the_same(member: str, context: str) -> pulumi.ResourceHook:
    """A hook on a member's Cluster that refuses, in preview too, to give it another `id` than it joined with."""

    def refuse_another(args: pulumi.ResourceHookArgs) -> None:
        joined, found = (_id(inputs) for inputs in (args.old_inputs, args.new_inputs))
        if joined and found and joined != found:
            allowed = f"point the context back, or let {member} leave and join anew"
            raise ConfigError(
                [
                    f"member {member}: context {context} leads to another cluster: its kube-system has UID {found}, "
                    f"{member} joined with {joined}; {allowed}"
                ]
            )

    return pulumi.ResourceHook(f"same-{member}", refuse_another, pulumi.ResourceHookOptions(on_dry_run=True))


def _id(inputs: Mapping[str, Any] | None) -> str | None:
    found: str | None = (inputs or {}).get("spec", {}).get("id")
    return found


def _identify(context: str, config: Kubeconfig) -> str | Unreachable:
    refused = False
    try:
        return _kube_system_uid(config)
    except client.ApiException as error:
        if error.status:
            reason = f"it answered {error.status} {error.reason} when asked for namespace kube-system"
            refused = error.status == HTTPStatus.UNAUTHORIZED
        else:  # the client's way to tell of TLS
            reason = " ".join(str(error.reason).split())
            # A load balancer whose API servers are gone ends a handshake before it has begun.
            refused = "EOF" not in reason
    except urllib3.exceptions.HTTPError as error:
        reason = str(error.__cause__ or error)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
        reason = "it answered something else than namespace kube-system"
    except (ConfigException, ValueError, OSError) as error:
        reason, refused = f"its credentials do not work: {error}", True
    return Unreachable(context, kubeconfig.server(config), reason, refused)


def _kube_system_uid(config: Kubeconfig) -> str:
    with connect(config) as api:
        return str(get(api, "/api/v1/namespaces/kube-system")["metadata"]["uid"])
