"""`keepWorkloads`: a member that leaves goes on running what the federation brought it.

Karmada leaves an object in the member when the Work that carries it says so at the moment it is deleted. That can be
said only at the end, as it would hold for each deletion in the federation API too; and it must be said again
whenever Karmada writes the Work anew from its template. So a dynamic resource, deleted right before the Cluster, says
it once and labels the Works' namespace; and from then on an admission policy says it with every write.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pulumi_kubernetes as k8s
import yaml
from kubernetes import client
from pulumi import Input, Output, ResourceOptions
from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from federation import dynamic
from federation.connection import connect, get, send

SETTING = "federation/keep-workloads"
"""Annotation of the Cluster: the setting, as the deletion of the resource may mean that it was taken back."""
_LABEL = {"federation/workloads": "stay"}
"""Of the namespace of a member's Works while it leaves."""
_ROUNDS = 10
"""How often the Works are looked through; more than twice only if the admission policy is slow to hear of the label."""


class KeptWorkloadsError(Exception):
    """The workloads of a member cannot be kept now; the message says why, and what can be done."""


def policy(member: str, opts: ResourceOptions) -> k8s.admissionregistration.v1beta1.MutatingAdmissionPolicyBinding:
    """The admission policy, bound; in the federation API, and there until the member's Cluster is gone."""
    name = f"{member}-workloads-stay"
    created = k8s.admissionregistration.v1beta1.MutatingAdmissionPolicy(
        name,
        metadata={"name": name},
        spec={
            "match_constraints": {
                "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": _namespace(member), **_LABEL}},
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


class KeptWorkloads(Resource, module="federation", name="KeptWorkloads"):
    """The last thing before a member's Cluster goes: has Karmada let go of the workloads, and take its marks off."""

    def __init__(self, name: str, cluster: str, kubeconfig: Input[str], opts: ResourceOptions | None = None) -> None:
        """`kubeconfig` (secret) leads to the federation API."""
        secret = ResourceOptions(additional_secret_outputs=["kubeconfig"])
        inputs = {"cluster": cluster, "kubeconfig": Output.secret(kubeconfig)}
        super().__init__(Provider(), name, inputs, ResourceOptions.merge(opts, secret))


class Provider(ResourceProvider):
    """What Pulumi calls, in a process of its own."""

    _gone: frozenset[str] = frozenset()

    def configure(self, req: ConfigureRequest) -> None:
        self._gone = dynamic.gone(req)

    def create(self, props: dict[str, Any]) -> CreateResult:
        # A leave that was given up half-way may have left the label.
        with connect(yaml.safe_load(props["kubeconfig"])) as api:
            _let_stay(api, props["cluster"], False)
        return CreateResult(props["cluster"], props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=any(olds.get(key) != news[key] for key in ("cluster", "kubeconfig")))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(news)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        name = props["cluster"]
        if name in self._gone:
            # Karmada would try to take its marks off, for ever. What runs in a dead member it leaves alone anyway.
            return
        with connect(yaml.safe_load(props["kubeconfig"])) as api:
            cluster = _found(api, f"/apis/cluster.karmada.io/v1alpha1/clusters/{name}")
            if cluster is None or SETTING not in cluster["metadata"].get("annotations", {}):
                return
            if not _ready(cluster):
                raise KeptWorkloadsError(
                    f"member {name} is not Ready, so that Karmada cannot let go of its workloads (keepWorkloads); "
                    "go on when it is, or, if it is gone for good, set unreachable: true for it"
                )
            _let_stay(api, name, True)


def _let_stay(api: client.ApiClient, member: str, wanted: bool) -> None:
    path = f"/api/v1/namespaces/{_namespace(member)}"
    namespace = _found(api, path)
    if namespace is None or (not wanted and not _LABEL.items() <= namespace["metadata"].get("labels", {}).items()):
        return
    send(api, "PATCH", path, {"metadata": {"labels": _LABEL if wanted else dict.fromkeys(_LABEL)}})
    works = f"/apis/work.karmada.io/v1alpha1/namespaces/{_namespace(member)}/works"
    for _ in range(_ROUNDS):
        others = [work for work in get(api, works)["items"] if _carries_workload(work) and _stays(work) != wanted]
        if not others:
            return
        for work in others:
            _say(api, f"{works}/{work['metadata']['name']}", wanted)
    raise KeptWorkloadsError(
        f"member {member}: something writes its Works anew all the time, such as {others[0]['metadata']['name']}; "
        f"they must have preserveResourcesOnDeletion {str(wanted).lower()}"
    )


def _say(api: client.ApiClient, path: str, wanted: bool) -> None:
    try:
        send(api, "PATCH", path, {"spec": {"preserveResourcesOnDeletion": wanted}})
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


def _found(api: client.ApiClient, path: str) -> Any:
    try:
        return get(api, path)
    except client.ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def _ready(cluster: Any) -> bool:
    conditions = cluster.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _carries_workload(work: Any) -> bool:
    return all(each["kind"] != "Cluster" for each in work["metadata"].get("ownerReferences", []))


def _stays(work: Any) -> bool:
    return bool(work["spec"].get("preserveResourcesOnDeletion"))


def _namespace(member: str) -> str:
    return f"karmada-es-{member}"
