"""Whose is what is already there: a name that somebody else has taken is refused, in preview too, unless adopted.

The providers write over what they are to create and find (`clusters.provider`): so a run that was killed before it
could note down what it had made goes on from there. What stands before that is this look at the label of the owner,
at every object in host and members that is not inside a Namespace of the federation's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import urllib3

from federation.clusters.connection import aside, connect, find
from federation.settings.config import Refusal
from federation.settings.keys import CONTROL_PLANE, FEDERATION, STACK
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.names import own_namespace
from kube.errors import ApiError, CredentialsError

RBAC = "/apis/rbac.authorization.k8s.io/v1"
COLLECTIONS = {
    "Namespace": "/api/v1/namespaces",
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    "Role": f"{RBAC}/namespaces/{{namespace}}/roles",
    "RoleBinding": f"{RBAC}/namespaces/{{namespace}}/rolebindings",
}
"""Where to look for what is there, by kind."""
IMPERSONATORS_KIND = "ServiceAccount"
"""Of the only accounts that are guarded. Karmada gives the binding of its impersonator's account one fixed name: only
one of its federations can have it."""


def this_stack() -> str:
    """The stack that this program runs for, as keys.STACK has it."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}"


def refuse_foreign(
    name: str,
    federation: str,
    context: str,
    config: Kubeconfig,
    *,
    control_plane: str | None,
    stack: str,
    adopt: bool,
    silent: bool = False,
) -> pulumi.ResourceHookBinding:
    """What is bound to the creation of objects that could be somebody else's, and of the impersonator's account.

    `name` is that of the cluster's provider. `control_plane` tells the federation from others of its name, as
    keys.CONTROL_PLANE has it; it is None while the host does not answer. `stack` tells the stack from others that have
    the same federation in their configuration. With `adopt`, objects of others are taken over; the rights of another
    federation's impersonator never are. What cannot be told is refused; a cluster that was `silent` already is not
    asked in a preview, where it would be waited for once for each object, and nothing is written.
    """

    def look(args: pulumi.ResourceHookArgs) -> None:
        kind, metadata = args.type.rpartition(":")[2], (args.new_inputs or {})["metadata"]
        is_in_ours = metadata.get("namespace") == own_namespace(federation)
        is_impersonator = kind == IMPERSONATORS_KIND
        if not is_impersonator and (adopt or is_in_ours):
            return
        collection = COLLECTIONS.get("ClusterRoleBinding" if is_impersonator else kind)
        if collection is None:
            raise _unknown(context, kind, metadata["name"], "ownership.COLLECTIONS does not say where to look for it")
        if silent and pulumi.runtime.is_dry_run():
            return
        try:
            with connect(config) as api:
                found = find(api, f"{collection.format_map(metadata)}/{metadata['name']}")
        except ApiError as error:
            raise _unknown(context, kind, metadata["name"], f"{error.status} {error.reason}") from error
        except (urllib3.exceptions.HTTPError, CredentialsError, OSError, ValueError) as error:
            raise _unknown(context, kind, metadata["name"], str(error.__cause__ or error)) from error
        if found is None:
            return
        if control_plane is None and _control_plane(found) and not pulumi.runtime.is_dry_run():
            why = "the host does not answer, by which federations of one name are told apart"
            raise _unknown(context, kind, metadata["name"], why)
        problem = (
            _bound(found, federation) if is_impersonator else _taken(kind, found, federation, control_plane, stack)
        )
        if problem:
            raise Refusal(f"context {context}: {problem}")

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        await aside(look, args)

    hook = pulumi.ResourceHook(f"only-ours-{name}", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceHookBinding(before_create=[hook])


def _unknown(context: str, kind: str, name: str, why: str) -> Refusal:
    """The write would take over whatever is there."""
    return Refusal(f"context {context}: {kind} {name} is not made, as it cannot be told whose it is: {why}")


def _taken(kind: str, found: Mapping[str, Any], federation: str, control_plane: str | None, stack: str) -> str | None:
    owner, of = (found["metadata"].get("labels") or {}).get(FEDERATION), _control_plane(found)
    manager = (found["metadata"].get("annotations") or {}).get(STACK)
    is_our_control_planes = None in (of, control_plane) or of == control_plane
    if owner == federation and is_our_control_planes and manager in (None, stack):
        return None
    whose = f"of federation {owner!r}" if owner else f"somebody else's (it has no label {FEDERATION})"
    if manager:
        whose += f", which stack {manager} manages (this one is {stack})"
    elif owner == federation:
        uid, _, namespace = str(of).partition("/")
        whose += f", whose control plane is in Namespace {namespace} of the cluster with kube-system UID {uid}"
    return (
        f"{kind} {found['metadata']['name']} is there already, and is {whose}; "
        "allowed: another name, or `adopt: true` for this cluster, to take it over and delete it in the end"
    )


def _control_plane(found: Mapping[str, Any]) -> str | None:
    """Of whoever made it; None where it does not say so, as what an earlier version has made."""
    said: str | None = (found["metadata"].get("annotations") or {}).get(CONTROL_PLANE)
    return said


def _bound(found: Mapping[str, Any], federation: str) -> str | None:
    accounts = {subject.get("namespace") for subject in found.get("subjects", [])}
    others = accounts - {own_namespace(federation)}
    if not others:
        return None
    return (
        f"ClusterRoleBinding {found['metadata']['name']} is another federation's, which has its accounts in "
        f"{', '.join(map(str, others))}, and Karmada can keep only one there; "
        "allowed: `proxy: false` for this member, or to let the other leave first"
    )
