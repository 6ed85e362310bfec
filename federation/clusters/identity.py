"""Who is behind each context: the UID of a cluster's kube-system namespace, asked before anything is created.

Karmada takes that UID as a cluster's identity too (`karmadactl join` puts it into the Cluster's `id`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

import pulumi
import urllib3
from pulumi import Input, ResourceHookBinding, ResourceOptions

from federation.clusters.connection import connect, get
from federation.clusters.credentials import SilentPluginError
from federation.settings import kubeconfig
from federation.settings.config import ConfigError, Refusal
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.schema import Member
from federation.settings.validation import PROJECT
from kube.errors import ApiError, CredentialsError

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
    silent: bool = False
    """Whether there was no answer at all: who asks again waits again."""
    stuck: bool = False
    """Whether it is the context's plugin that does not end."""
    answered: bool = False
    """Whether something is there that answered in HTTP."""

    def __str__(self) -> str:
        return f"context {self.context}: the API at {self.endpoint} cannot be used: {self.reason}"


Answers = Mapping[str, str | Unreachable]
"""By context: the UID of its cluster, or why it is not known."""


def identify(contexts: Mapping[str, Kubeconfig]) -> Answers:
    """The UID of the cluster behind each context, or why it is not known."""
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as threads:
        return dict(zip(contexts, threads.map(_identify, contexts, contexts.values()), strict=True))


def uids(answers: Answers, members: Sequence[Member]) -> Mapping[str, str]:
    """The UIDs that are known, by context; a silent cluster is reported, and leaves the others to go on.

    Of a member that is given up, just that is said. Raises ConfigError where two members turn out to be one cluster,
    and where one answers that is given up as unreachable: what the federation has in it would be forgotten there.
    """
    uids = {context: answer for context, answer in answers.items() if isinstance(answer, str)}
    given_up = _given_up(members)
    for context, answer in answers.items():
        if isinstance(answer, Unreachable) and context not in given_up:
            pulumi.log.warn(str(answer))
    if problems := [*_twins(uids, members), *_alive(answers, members)]:
        raise ConfigError(problems)
    for member in members:
        if member.unreachable:
            pulumi.log.warn(
                f"member {member.name} is unreachable and given up: what the federation had in it stays there"
            )
    return uids


def fail_for_refused(answers: Answers, members: Sequence[Member]) -> None:
    """Fail an update, when all else of it is under way, on account of credentials that were refused.

    The warning alone would pass for success. Pulumi deletes nothing in a run whose program has failed, so a destroy
    waits for better credentials. A member that is given up needs none. Raises pulumi.RunError.
    """
    refused = [each.context for each in answers.values() if isinstance(each, Unreachable) and each.refused]
    if (missing := sorted(set(refused) - _given_up(members))) and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(f"{', '.join(missing)}: out of reach, as the credentials are refused (see the warning)")


def _given_up(members: Sequence[Member]) -> set[str]:
    return {member.context for member in members if member.unreachable}


def _twins(uids: Mapping[str, str], members: Sequence[Member]) -> Iterator[str]:
    names_of = defaultdict(list)
    for member in members:
        if member.context in uids:
            names_of[uids[member.context]].append(member.name)
    for uid, names in names_of.items():
        if len(names) > 1:
            twins = f"{' and '.join(names)} are one cluster (kube-system UID {uid})"
            yield f"{PROJECT}:members: {twins}; each cluster joins once"


def _alive(answers: Answers, members: Sequence[Member]) -> Iterator[str]:
    """Whatever answers is alive, but for one that refuses the credentials: there may be no others any more."""
    for i, member in enumerate(members):
        answer = answers.get(member.context)
        if not member.unreachable or answer is None:
            continue
        if isinstance(answer, str):
            said = f"answers, with kube-system UID {answer}"
        elif answer.answered and not answer.refused:
            said = f"answers: {answer.reason}"
        else:
            continue
        allowed = "allowed: delete the whole member, which then leaves in good order, or just this key"
        yield f"{PROJECT}:members[{i}].unreachable: {member.name} {said}; {allowed}"


def remember(cluster: str, context: str, uid: str | None) -> pulumi.Stash:
    """The UID of a cluster in the state, where no refresh looks for it: another one is refused, in preview too.

    `cluster` is the name of its provider, which waits for this; so nothing is written into a cluster that is refused.
    One that did not say who it is (None) remains what it was.
    """

    def refuse_another(args: pulumi.ResourceHookArgs) -> None:
        known, found = ((inputs or {}).get("input") for inputs in (args.old_inputs, args.new_inputs))
        if known and found and known != found:
            allowed = "point the context back; a member may also leave, and join anew"
            raise Refusal(
                f"{cluster}: context {context} leads to another cluster: its kube-system has UID {found}, "
                f"so far it had {known}; allowed: {allowed}"
            )

    hook = pulumi.ResourceHook(f"same-{cluster}", refuse_another, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.Stash(
        cluster,
        input=uid or "",
        opts=ResourceOptions(hooks=ResourceHookBinding(before_update=[hook]), ignore_changes=[] if uid else ["input"]),
    )


def remember_members(uids: Mapping[str, Input[str]]) -> pulumi.Stash:
    """The members' UIDs in the state, by name, as `remember` has them: another name for one is refused, in preview too.

    What the old name made in the cluster would be deleted by name at the end of the update, when the new one has it.
    """

    def refuse_renamed(args: pulumi.ResourceHookArgs) -> None:
        known, found = ((inputs or {}).get("input") or {} for inputs in (args.old_inputs, args.new_inputs))
        if problems := list(renamed(known, found)):
            raise Refusal("\n".join(problems))

    hook = pulumi.ResourceHook("same-names", refuse_renamed, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.Stash(
        "members", input=dict(uids), opts=ResourceOptions(hooks=ResourceHookBinding(before_update=[hook]))
    )


def renamed(known: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the names of members, by name the UIDs that are known and those that were found. Pure."""
    names = {uid: name for name, uid in known.items() if uid and name not in found}
    for name, uid in found.items():
        if name not in known and uid in names:
            allowed = f"allowed: {names[uid]}, or to remove it, `pulumi up`, and then add it anew"
            yield f"{PROJECT}:members: {name} was called {names[uid]} (kube-system UID {uid}); a name stays; {allowed}"


def _identify(context: str, config: Kubeconfig) -> str | Unreachable:
    refused = silent = stuck = answered = False
    try:
        return _kube_system_uid(config)
    except ApiError as error:
        if error.status:
            reason = f"it answered {error.status} {error.reason} when asked for namespace kube-system"
            refused, answered = error.status == HTTPStatus.UNAUTHORIZED, True
        else:  # the client's way to tell of TLS
            reason = " ".join(str(error.reason).split())
            silent = error.is_cut_off
            refused = not silent
    except urllib3.exceptions.HTTPError as error:
        reason, silent = str(error.__cause__ or error), True
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
        reason, answered = "it answered something else than namespace kube-system", True
    except SilentPluginError as error:
        reason, silent, stuck = str(error), True, True
    except (CredentialsError, ValueError, OSError) as error:
        reason, refused = f"its credentials do not work: {error}", True
    return Unreachable(context, kubeconfig.server(config), reason, refused, silent, stuck, answered)


def _kube_system_uid(config: Kubeconfig) -> str:
    with connect(config) as api:
        return str(get(api, "/api/v1/namespaces/kube-system")["metadata"]["uid"])
