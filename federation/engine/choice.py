"""A federation keeps the engine that it got at its first `pulumi up`; another one is refused, in the preview already.

Two ask, as each knows what the other may not: the state, which is there before any cluster answers; and the federation
API, which is there after a state was lost. Both engines serve the kind Cluster, each in its own way: Karmada by an
APIService with a server of its own, the built-in one by a CustomResourceDefinition. With both, neither would work.
"""

from __future__ import annotations

import pulumi
import urllib3
import yaml
from pulumi import Output, ResourceHookBinding, ResourceOptions

from federation.clusters.connection import aside, connect, find
from federation.settings.config import Refusal
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.schema import EngineName
from federation.settings.validation import PROJECT
from kube.errors import ApiError

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusters.cluster.karmada.io"
API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.cluster.karmada.io"


def remember_engine(engine: EngineName) -> pulumi.Stash:
    """The engine in the state, where no refresh looks for it."""

    def refuse(args: pulumi.ResourceHookArgs) -> None:
        before, wanted = ((inputs or {}).get("input") for inputs in (args.old_inputs, args.new_inputs))
        if before and wanted and before != wanted:
            raise _refusal(wanted, before)

    hook = pulumi.ResourceHook("same-engine", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    hooks = ResourceHookBinding(before_update=[hook])
    return pulumi.Stash("engine-name", input=engine, opts=ResourceOptions(hooks=hooks))


def refuse_another(engine: EngineName, kubeconfig: Output[str]) -> ResourceHookBinding:
    """For the resource by which this engine serves the kind Cluster; `kubeconfig` leads to the federation API.

    In the preview of a first `up` there is no API to ask, and nothing in it. After an `up` that failed before the API
    served, its address is known and nobody answers there (`working_in`).
    """

    async def refuse(_: pulumi.ResourceHookArgs) -> None:
        text = await kubeconfig.future()
        found = await aside(working_in, yaml.safe_load(str(text))) if text is not None else None
        if found not in (None, engine):
            raise _refusal(engine, str(found))

    hook = pulumi.ResourceHook("only-engine", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    return ResourceHookBinding(before_create=[hook])


def working_in(api: Kubeconfig) -> EngineName | None:
    """The engine that serves the kind Cluster in this API. Raises Refusal where that cannot be told.

    A preview writes nothing, so it goes on where nobody answers: the update asks again right before it writes.
    """
    try:
        with connect(api) as connection:
            if find(connection, CRD):
                return "builtin"
            service = find(connection, API_SERVICE)
            # For a CRD, Kubernetes itself makes an APIService, which has no server of its own.
            return "karmada" if service and service["spec"].get("service") else None
    except (ApiError, urllib3.exceptions.HTTPError, OSError) as error:
        # An ApiError without a status is a TLS session that did not come about.
        is_answered = isinstance(error, ApiError) and error.status != 0
        if pulumi.runtime.is_dry_run() and not is_answered:
            return None
        reason = error.reason if isinstance(error, ApiError) else error.__cause__ or error
        raise Refusal(
            f"{PROJECT}:engine: the federation API does not tell which engine works in it: {reason}; try again"
        ) from error


def _refusal(wanted: str, before: str) -> Refusal:
    return Refusal(
        f"{PROJECT}:engine: {wanted} is refused, as this federation works with {before} and it is fixed at the "
        f"first `pulumi up`; allowed: {before}, or a new federation beside this one"
    )
