"""A cluster as the components are handed it: the one provider of its context, and what they ask it besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi_kubernetes as k8s
from pulumi import Input, Output, Resource, ResourceHookBinding, ResourceOptions, Stash
from pulumi_kubernetes.provider import KubeClientSettingsArgs

from federation.clusters import credentials, identity, ownership
from federation.clusters.identity import Answers, Unreachable
from federation.settings import kubeconfig, names, schema
from federation.settings.config import Config
from federation.settings.kubeconfig import Kubeconfig

SECONDS_FOR_SILENT = 5
"""For a whole request to a cluster that did not answer before; a provider asks twice, for 30 s each by default."""


@dataclass(frozen=True)
class Cluster:
    """The host or a member; components are handed it and never look one up."""

    provider: k8s.Provider
    kubeconfig: Kubeconfig
    """Of just its context, for what the provider is not asked."""
    uid: str | None
    """UID of its kube-system namespace: its identity. None if it did not answer, which leaves the known one."""
    known_uid: Output[str]
    """The same from the state, where it did not answer; empty as long as it never did."""
    refused: bool
    """Whether it does not take its credentials; those in the state then stay."""
    silent: bool
    """Whether it did not answer at all."""
    refuse_foreign: ResourceHookBinding
    """For what lies outside Namespaces of our own: refuses names that somebody else has taken (`ownership`)."""


def host(stack: Config, answers: Answers, after: Resource) -> Cluster:
    """The host; nothing is written into it before `after`."""
    place = stack.settings.host
    remembered = identity.remember("host", place.context, _uid(answers[place.context]))
    return _cluster("host", "host", stack, place, answers, remembered=remembered, after=[after])


def members(stack: Config, answers: Answers, after: Resource) -> Mapping[str, Cluster]:
    """The members by name; nothing is written into one before `after`.

    What is to be deleted in one that is `unreachable` is forgotten.
    """
    places = {f"member-{each.name}": each for each in stack.settings.members}
    remembered = {
        name: identity.remember(name, each.context, _uid(answers[each.context])) for name, each in places.items()
    }
    waits = [after, identity.remember_members({each.name: remembered[name].input for name, each in places.items()})]
    return {
        each.name: _cluster(
            name, each.name, stack, each, answers, remembered=remembered[name], after=waits, gone=each.unreachable
        )
        for name, each in places.items()
    }


def provider(
    name: str,
    identifier: str,
    kubeconfig: Input[str],
    opts: ResourceOptions | None = None,
    *,
    silent: bool = False,
    gone: bool = False,
) -> k8s.Provider:
    """A provider called `name`, of the cluster that Pulumi knows again by `identifier`.

    By it, and not by endpoint, user or context name: when those change, nothing is replaced.
    """
    return k8s.Provider(
        name,
        kubeconfig=kubeconfig,
        cluster_identifier=identifier,
        # A renewed token or certificate is written into its Secret; the default is to replace the object.
        enable_secret_mutable=True,
        enable_config_map_mutable=True,
        # What somebody else has written into our fields is put back; the default is a conflict, in the preview already.
        enable_patch_force=True,
        # A run that was killed has made things that it could not note down; in clusters, `ownership` keeps foreign
        # ones safe, and the federation API is all our own. The plugin 4.24 does not know the option: it always does so.
        upsert_existing_objects=True,
        kube_client_settings=KubeClientSettingsArgs(timeout=SECONDS_FOR_SILENT) if silent else None,
        delete_unreachable=True if gone else None,
        opts=opts,
    )


def _cluster(
    name: str,
    identifier: str,
    stack: Config,
    place: schema.Host | schema.Member,
    answers: Answers,
    *,
    remembered: Stash,
    after: Sequence[Resource],
    gone: bool = False,
) -> Cluster:
    config, answer = stack.contexts[place.context], answers[place.context]
    refused = isinstance(answer, Unreachable) and answer.refused
    silent = isinstance(answer, Unreachable) and answer.silent
    if isinstance(answer, Unreachable) and answer.stuck:
        # The provider would wait for it for ever.
        config = credentials.without_plugin(config)
    host = stack.settings.host
    host_uid = _uid(answers[host.context])
    same = ResourceOptions(depends_on=[remembered, *after], ignore_changes=["kubeconfig"] if refused else [])
    return Cluster(
        provider=provider(name, identifier, Output.secret(kubeconfig.dump(config)), same, silent=silent, gone=gone),
        kubeconfig=config,
        uid=_uid(answer),
        known_uid=remembered.input,
        refused=refused,
        silent=silent,
        refuse_foreign=ownership.refuse_foreign(
            name,
            stack.settings.name,
            place.context,
            config,
            control_plane=names.control_plane(host_uid, host.namespace) if host_uid is not None else None,
            stack=ownership.this_stack(),
            adopt=place.adopt,
            silent=silent,
        ),
    )


def _uid(answer: str | Unreachable) -> str | None:
    return answer if isinstance(answer, str) else None
