"""Default propagation: what is created in the federation API reaches the members, as in federation v1.

Karmada alone propagates only what a policy of the user's selects. This is the policy of those who wrote none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Resource, ResourceOptions

from federation.settings import schema
from federation.settings.keys import PROPAGATE
from kube.kinds import API_VERSIONS

NAME = "federation-default"
POLICY_API = "policy.karmada.io/v1alpha1"
FOREIGN: Mapping[str, Mapping[str, Sequence[str]]] = {
    # The API's own Service, default/kubernetes, which Karmada 1.18 would take for a user's.
    "Service": {"component": ["apiserver"]},
    # What Helm remembers of a release is true of the API that it was installed into, and of no member.
    "Secret": {"owner": ["helm"]},
}
"""Labels by which objects are known that are nobody's to propagate."""
CLAIMED_BY = "resourcetemplate.karmada.io/claimed-by"
"""Label of an object that no policy carries, as somebody else has it. In the federation API alone."""
TIED = ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "helm.sh/release.v1")
"""Types of Secrets that mean nothing, or something else, in a cluster other than the one that they were made for."""
LAST = -1000
"""Below every policy of a user: Karmada counts a selector with labels above one that selects all of a kind."""
FIRST = 2147483647


@dataclass
class PropagationArgs:
    api: k8s.Provider
    """Provider of the federation API."""
    settings: schema.Propagation
    vanishes_with: Resource
    """The resource whose deletion takes the whole API with it."""


class Propagation(pulumi.ComponentResource):
    """The default policy, and one before it that keeps the API's own Service from ever reaching a member."""

    def __init__(self, name: str, args: PropagationArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Propagation", name, None, opts)
        child = ResourceOptions(parent=self, provider=args.api, deleted_with=args.vanishes_with)
        # By name, as labels can be taken off: it claims the Service before the default can, and leads nowhere.
        own_service = k8s.apiextensions.CustomResource(
            "own-service",
            api_version=POLICY_API,
            kind="PropagationPolicy",
            metadata={"name": "federation-api", "namespace": "default"},
            spec={
                "resourceSelectors": [
                    {"apiVersion": "v1", "kind": "Service", "namespace": "default", "name": "kubernetes"}
                ],
                "priority": FIRST,
                "suspension": {"dispatching": True},
                "placement": {"clusterAffinity": {"labelSelector": {"matchExpressions": _NO_CLUSTER}}},
            },
            opts=child,
        )
        _own_policies_win(child)
        _keep_tied_secrets(child)
        clusters = {"clusterAffinity": {"clusterNames": list(args.settings.clusters)}} if args.settings.clusters else {}
        if args.settings.kinds:
            k8s.apiextensions.CustomResource(
                NAME,
                api_version=POLICY_API,
                kind="ClusterPropagationPolicy",
                metadata={"name": NAME},
                spec={
                    "resourceSelectors": [_selector(kind) for kind in args.settings.kinds],
                    "priority": LAST,
                    "preemption": "Never",
                    "conflictResolution": "Abort",
                    "placement": clusters,
                },
                opts=ResourceOptions.merge(child, ResourceOptions(depends_on=[own_service])),
            )
        self.register_outputs({})


def _own_policies_win(opts: ResourceOptions) -> None:
    """Have each policy of a user's take its objects over from the default, in whatever order the two are applied.

    Karmada does so for policies that ask for it and name their objects; hardly anybody knows to ask.
    """
    patch = '[JSONPatch{op: "add", path: "/spec/preemption", value: "Always"}]'
    _at_each_write(
        "own-policies-win",
        opts,
        resources={
            "api_groups": ["policy.karmada.io"],
            "api_versions": ["v1alpha1"],
            "resources": ["propagationpolicies"],
        },
        condition={
            "name": "names-its-objects",
            "expression": "object.spec.resourceSelectors.all(each, has(each.name) && each.name != '')",
        },
        mutation={"patch_type": "JSONPatch", "json_patch": {"expression": patch}},
        failure_policy="Ignore",
    )


def _keep_tied_secrets(opts: ResourceOptions) -> None:
    """Have no policy take a Secret to a member that is good in this API alone, whoever asks for it.

    A member deletes the token of a ServiceAccount that it does not have, and Karmada would make it anew, for ever. A
    policy's selector knows no types of Secrets. But Karmada's detector, v1.18, leaves an object to whoever CLAIMED_BY
    names, before it looks for policies.
    """
    patch = f'Object{{metadata: Object.metadata{{labels: {{"{CLAIMED_BY}": "federation"}}}}}}'
    _at_each_write(
        "tied-secrets-stay",
        opts,
        resources={"api_groups": [""], "api_versions": ["v1"], "resources": ["secrets"]},
        condition={"name": "is-of-a-tied-type", "expression": f"has(object.type) && object.type in {list(TIED)}"},
        mutation={"patch_type": "ApplyConfiguration", "apply_configuration": {"expression": patch}},
        failure_policy="Fail",
    )


def _at_each_write(
    name: str,
    opts: ResourceOptions,
    *,
    resources: k8s.admissionregistration.v1beta1.NamedRuleWithOperationsArgsDict,
    condition: k8s.admissionregistration.v1beta1.MatchConditionArgsDict,
    mutation: k8s.admissionregistration.v1beta1.MutationArgsDict,
    failure_policy: str,
) -> None:
    """Have the federation API change each object of these resources that meets the condition, when it is written."""
    k8s.admissionregistration.v1beta1.MutatingAdmissionPolicy(
        name,
        metadata={"name": name},
        spec={
            "match_constraints": {"resource_rules": [{**resources, "operations": ["CREATE", "UPDATE"]}]},
            "match_conditions": [condition],
            "mutations": [mutation],
            "failure_policy": failure_policy,
            "reinvocation_policy": "Never",
        },
        opts=opts,
    )
    k8s.admissionregistration.v1beta1.MutatingAdmissionPolicyBinding(
        name, metadata={"name": name}, spec={"policy_name": name}, opts=opts
    )


_NO_CLUSTER = [{"key": PROPAGATE, "operator": operator, "values": ["never"]} for operator in ("In", "NotIn")]


def _selector(kind: str) -> dict[str, Any]:
    excluded = {PROPAGATE: ["false"], **FOREIGN.get(kind, {})}
    expressions = [{"key": key, "operator": "NotIn", "values": list(values)} for key, values in excluded.items()]
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "labelSelector": {"matchExpressions": expressions}}
