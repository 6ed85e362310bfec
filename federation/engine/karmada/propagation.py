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

from federation import settings

NAME = "federation-default"
POLICY_API = "policy.karmada.io/v1alpha1"
OPT_OUT = "federation/propagate"
"""An object with this label set to `false` stays in the federation API."""
API_VERSIONS = {
    "Service": "v1",
    "ConfigMap": "v1",
    "Secret": "v1",
    "ServiceAccount": "v1",
    "PersistentVolumeClaim": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Ingress": "networking.k8s.io/v1",
}
FOREIGN: Mapping[str, Mapping[str, Sequence[str]]] = {
    # The API's own Service, default/kubernetes, which Karmada 1.18 would take for a user's.
    "Service": {"component": ["apiserver"]},
    # What Helm remembers of a release is true of the API that it was installed into, and of no member.
    "Secret": {"owner": ["helm"]},
}
"""Labels by which objects are known that are nobody's to propagate."""
LAST = -1000
"""Below every policy of a user: Karmada counts a selector with labels above one that selects all of a kind."""
FIRST = 2147483647


@dataclass
class PropagationArgs:
    api: k8s.Provider
    """Provider of the federation API."""
    settings: settings.Propagation
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
    name = "own-policies-win"
    k8s.admissionregistration.v1beta1.MutatingAdmissionPolicy(
        name,
        metadata={"name": name},
        spec={
            "match_constraints": {
                "resource_rules": [
                    {
                        "api_groups": ["policy.karmada.io"],
                        "api_versions": ["v1alpha1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["propagationpolicies"],
                    }
                ]
            },
            "match_conditions": [
                {
                    "name": "names-its-objects",
                    "expression": "object.spec.resourceSelectors.all(each, has(each.name) && each.name != '')",
                }
            ],
            "mutations": [
                {
                    "patch_type": "JSONPatch",
                    "json_patch": {
                        "expression": '[JSONPatch{op: "add", path: "/spec/preemption", value: "Always"}]',
                    },
                }
            ],
            "failure_policy": "Ignore",
            "reinvocation_policy": "Never",
        },
        opts=opts,
    )
    k8s.admissionregistration.v1beta1.MutatingAdmissionPolicyBinding(
        name, metadata={"name": name}, spec={"policy_name": name}, opts=opts
    )


_NO_CLUSTER = [{"key": OPT_OUT, "operator": operator, "values": ["never"]} for operator in ("In", "NotIn")]


def _selector(kind: str) -> dict[str, Any]:
    excluded = {OPT_OUT: ["false"], **FOREIGN.get(kind, {})}
    expressions = [{"key": key, "operator": "NotIn", "values": list(values)} for key, values in excluded.items()]
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "labelSelector": {"matchExpressions": expressions}}
