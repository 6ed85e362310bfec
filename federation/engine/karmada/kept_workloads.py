"""`keepWorkloads`: a member that leaves goes on running what the federation brought it.

Karmada leaves an object in the member when the Work that carries it says so at the moment it is deleted. That can be
said only at the end, as it would hold for each deletion in the federation API too; and it must be said again
whenever Karmada writes the Work anew from its template. So a resource of our own provider, deleted right before the
Cluster, says it once and labels the Works' namespace; and from then on an admission policy says it with every write.
"""

from __future__ import annotations

import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from federation.parts.our_provider import OwnResource
from federation.settings.keys import STAYING
from federation.settings.names import works_namespace


def policy(member: str, opts: ResourceOptions) -> k8s.admissionregistration.v1beta1.MutatingAdmissionPolicyBinding:
    """The admission policy, bound; in the federation API, and there until the member's Cluster is gone."""
    name = f"{member}-workloads-stay"
    created = k8s.admissionregistration.v1beta1.MutatingAdmissionPolicy(
        name,
        metadata={"name": name},
        spec={
            "match_constraints": {
                "namespace_selector": {
                    "match_labels": {"kubernetes.io/metadata.name": works_namespace(member), **STAYING}
                },
                "resource_rules": [
                    {
                        "api_groups": ["work.karmada.io"],
                        "api_versions": ["v1alpha1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["works"],
                    }
                ],
            },
            "match_conditions": [
                {
                    # The rights that Karmada gave itself in the member are no workload.
                    "name": "is-not-of-the-cluster-itself",
                    "expression": "!has(object.metadata.ownerReferences)"
                    " || object.metadata.ownerReferences.all(each, each.kind != 'Cluster')",
                }
            ],
            "mutations": [
                {
                    "patch_type": "JSONPatch",
                    "json_patch": {
                        "expression": '[JSONPatch{op: "add", path: "/spec/preserveResourcesOnDeletion", value: true}]',
                    },
                }
            ],
            "failure_policy": "Fail",
            "reinvocation_policy": "Never",
        },
        opts=opts,
    )
    return k8s.admissionregistration.v1beta1.MutatingAdmissionPolicyBinding(
        name, metadata={"name": name}, spec={"policy_name": created.metadata.name}, opts=opts
    )


class KeptWorkloads(OwnResource):
    """The last thing before a member's Cluster goes: has Karmada let go of the workloads, and take its marks off."""

    def __init__(self, name: str, cluster: str, kubeconfig: Input[str], opts: ResourceOptions | None = None) -> None:
        """`kubeconfig` (secret) leads to the federation API."""
        super().__init__(name, {"cluster": cluster, "kubeconfig": Output.secret(kubeconfig)}, opts)
