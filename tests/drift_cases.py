"""Drift, kind by kind: on which object it is tried, which field is changed by hand, whether the object is deleted.

CASES are on the stack of Pulumi.dev.yaml, with the built-in engine; KARMADA on what a stack with Karmada has besides.
`tests/component/test_drift_cases.py` holds the tables against what the program registers; CASES are tried on real
clusters by `tests/fleet/test_drift.py`. A text in the place of a change or a deletion says why there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

API, HOST, GONDOR, ROHAN = "fellowship", "rivendell", "gondor_needs-no_king", "rohan"
"""Contexts: the federation API, its host, its members."""
IN_STATE = "nothing of it is outside Pulumi's state"
AT_THE_END = "no object: it acts when the member leaves, by the Cluster and an admission policy, whose kinds have cases"
BY_CLUSTER = "no object: it acts when the member leaves, by the Cluster, whose kind has a case"
BY_NEW_TOKENS = "the fleet has no tokenGeneration above 1; it is an annotation in a Deployment, whose kind has a case"
WITHOUT_ETCD = "nothing in the federation API can be looked at until it is back: docs/day-2.md"
BY_GOOGLE = "tests/fleet/test_cloud_dns_zone.py does it"
HOST_NAMESPACE = ("-n", "federation-system")
SUBJECT = {"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "somebody"}]}


@dataclass(frozen=True)
class Edit:
    """A text in a ConfigMap's value, and what somebody writes in its place."""

    key: str
    before: str
    after: str


@dataclass(frozen=True)
class Case:
    """What is done to one object of a kind."""

    resource: str
    """Pulumi's name of it."""
    context: str
    object: tuple[str, ...]
    """How kubectl names it."""
    change: Mapping[str, Any] | Edit | str
    """A merge patch, an edit, or why the kind has no field that can drift."""
    fields: tuple[str, ...] = ()
    """The fields that the summary then names, as paths of Pulumi: a key with a dot stands in `["..."]`."""
    delete: str = ""
    """Why the object cannot be deleted and come back; empty: it is deleted."""


def _nowhere(why: str) -> Case:
    return Case("", "", (), why, delete=why)


CASES: Mapping[str, Case] = {
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": Case(
        # Its deletion takes along all objects of the kind: Pulumi's own one, and those of dns-controller.
        "dnsendpoints.externaldns.k8s.io",
        API,
        ("customresourcedefinition", "dnsendpoints.externaldns.k8s.io"),
        {"spec": {"names": {"singular": "record"}}},
        ("spec.names.singular",),
    ),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": Case(
        "etcd",
        HOST,
        ("networkpolicy", "etcd", *HOST_NAMESPACE),
        # It cuts nobody off here, as the fleet's network enforces none. One more rule at the end would not be seen.
        {"spec": {"ingress": []}},
        ("spec.ingress",),
    ),
    "kubernetes:apps/v1:Deployment": Case(
        "dns-controller",
        HOST,
        ("deployment", "dns-controller", *HOST_NAMESPACE),
        {"spec": {"replicas": 0}},
        ("spec.replicas",),
    ),
    "kubernetes:apps/v1:DeploymentPatch": _nowhere(BY_NEW_TOKENS),
    "kubernetes:apps/v1:StatefulSet": Case(
        "etcd",
        HOST,
        ("statefulset", "etcd", *HOST_NAMESPACE),
        # A field outside of the template: etcd's only pod is not to be made anew.
        {"metadata": {"labels": {"app": "somebody"}}},
        ("metadata.labels.app",),
        delete=WITHOUT_ETCD,
    ),
    "kubernetes:cluster.karmada.io/v1alpha1:Cluster": Case(
        "gondor-cluster",
        API,
        ("cluster.cluster.karmada.io", "gondor"),
        {"spec": {"region": "mordor"}},
        ("spec.region",),
    ),
    "kubernetes:core/v1:Namespace": Case(
        # Of the Namespaces the member's; etcd's volume goes with the host's, see NEVER_DELETED.
        "rohan-namespace",
        ROHAN,
        ("namespace", "federation-fellowship"),
        {"metadata": {"labels": {"federation/name": "mordor"}}},
        ("metadata.labels.federation/name",),
    ),
    "kubernetes:core/v1:Secret": Case(
        "gondor-dns",
        API,
        ("secret", "gondor-dns", "-n", "federation-fellowship"),
        {"data": {"token": "bm9ib2R5cw=="}},
        ("data.token",),
    ),
    "kubernetes:core/v1:Service": Case(
        # The headless one: an only etcd does without it.
        "etcd",
        HOST,
        ("service", "etcd", *HOST_NAMESPACE),
        {"metadata": {"labels": {"app": "nobody"}}},
        ("metadata.labels.app",),
    ),
    "kubernetes:core/v1:ServiceAccount": Case(
        "gondor-federation-dns",
        GONDOR,
        ("serviceaccount", "federation-dns", "-n", "federation-fellowship"),
        {"metadata": {"labels": {"federation/name": None}}},
        ("metadata.labels",),
    ),
    "kubernetes:externaldns.k8s.io/v1alpha1:DNSEndpoint": Case(
        "own-records",
        API,
        ("dnsendpoints.externaldns.k8s.io", "federation", "-n", "federation-system"),
        {"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody"}}},
        ('metadata.labels["app.kubernetes.io/managed-by"]',),
    ),
    "kubernetes:policy/v1:PodDisruptionBudget": Case(
        "federation-dns",
        HOST,
        ("poddisruptionbudget", "federation-dns", *HOST_NAMESPACE),
        {"spec": {"maxUnavailable": 2}},
        ("spec.maxUnavailable",),
    ),
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": Case(
        "rohan-access",
        ROHAN,
        ("clusterrole", "federation:fellowship:engine"),
        {"rules": []},
        ("rules",),
    ),
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": Case(
        "federation:dns-controller",
        API,
        ("clusterrolebinding", "federation:dns-controller"),
        SUBJECT,
        ("subjects[0].name",),
    ),
    "kubernetes:rbac.authorization.k8s.io/v1:Role": Case(
        "rohan-dns",
        API,
        ("role", "rohan-dns", "-n", "federation-fellowship"),
        {"rules": []},
        ("rules",),
    ),
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": Case(
        "rohan-dns",
        API,
        ("rolebinding", "rohan-dns", "-n", "federation-fellowship"),
        SUBJECT,
        ("subjects[0].name",),
    ),
    "federation:index:ClusterDns": Case(
        # Deleted is the federation's part of it and nothing else: the ConfigMap is the member's.
        "gondor-cluster-dns",
        GONDOR,
        ("configmap", "coredns", "-n", "kube-system"),
        Edit("Corefile", "denial 9984 5", "denial 9984 600"),
        ("ConfigMap kube-system/coredns is not as it was left",),
    ),
    "federation:index:Departure": _nowhere(BY_CLUSTER),
    "federation:index:KeptWorkloads": _nowhere(AT_THE_END),
    "federation:index:Withdrawal": Case(
        "rohan-withdrawal",
        API,
        ("cluster.cluster.karmada.io", "rohan"),
        {"metadata": {"annotations": {"federation/leaving": "true"}}},
        ("Cluster rohan is marked as leaving",),
        delete="it is a wait when the member leaves; there is no object",
    ),
    "federation:index:Certificate": _nowhere(IN_STATE),
    "federation:index:CertificateAuthority": _nowhere(IN_STATE),
    "federation:index:PrivateKey": _nowhere(IN_STATE),
    "federation:index:SharedSecret": _nowhere(IN_STATE),
    # Google deletes no zone that has records in it.
    "gcp:dns/managedZone:ManagedZone": _nowhere(BY_GOOGLE),
    "gcp:dns/recordSet:RecordSet": _nowhere(BY_GOOGLE),
    "pulumi:index:Stash": _nowhere(IN_STATE),
    "pulumi:providers:gcp": _nowhere(IN_STATE),
    "pulumi:providers:kubernetes": _nowhere(IN_STATE),
    "pulumi:providers:federation": _nowhere(IN_STATE),
}
KARMADA: Mapping[str, Case] = {
    "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration": Case(
        "mutating-config",
        API,
        ("mutatingwebhookconfiguration", "mutating-config"),
        {"metadata": {"labels": {"app": "somebody"}}},
        ("metadata.labels.app",),
    ),
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration": Case(
        "validating-config",
        API,
        ("validatingwebhookconfiguration", "validating-config"),
        {"webhooks": None},
        ("webhooks",),
    ),
    "kubernetes:admissionregistration.k8s.io/v1beta1:MutatingAdmissionPolicy": Case(
        "own-policies-win",
        API,
        ("mutatingadmissionpolicy", "own-policies-win"),
        {"spec": {"failurePolicy": "Fail"}},
        ("spec.failurePolicy",),
    ),
    "kubernetes:admissionregistration.k8s.io/v1beta1:MutatingAdmissionPolicyBinding": Case(
        "own-policies-win",
        API,
        ("mutatingadmissionpolicybinding", "own-policies-win"),
        {"spec": {"policyName": "somebodys"}},
        ("spec.policyName",),
    ),
    "kubernetes:apiregistration.k8s.io/v1:APIService": Case(
        # While it is gone, every Cluster looks as if it was gone too.
        "v1alpha1.cluster.karmada.io",
        API,
        ("apiservice", "v1alpha1.cluster.karmada.io"),
        {"spec": {"versionPriority": 11}},
        ("spec.versionPriority",),
    ),
    "kubernetes:policy.karmada.io/v1alpha1:ClusterPropagationPolicy": Case(
        "federation-default",
        API,
        ("clusterpropagationpolicy", "federation-default"),
        {"spec": {"priority": 1}},
        ("spec.priority",),
    ),
    "kubernetes:policy.karmada.io/v1alpha1:PropagationPolicy": Case(
        "own-service",
        API,
        ("propagationpolicy", "federation-api", "-n", "default"),
        {"spec": {"priority": 1}},
        ("spec.priority",),
    ),
}
NEVER_DELETED: Mapping[tuple[str, str], str] = {
    ("Namespace", "federation-system"): "etcd's volume goes with it, and all that was ever put into the federation API",
    ("StatefulSet", "etcd"): WITHOUT_ETCD,
    ("Deployment", "federation-apiserver"): "as etcd",
    ("Service", "federation-apiserver"): "as etcd; and its load balancer's next address may be another one",
    ("Service", "etcd-client"): "as etcd",
    ("CustomResourceDefinition", "clusters.cluster.karmada.io"): "all Clusters go with it, and what members were sent",
}
"""Objects, by kind and Pulumi's name, that the deletion of another one of their kind does not speak for."""
