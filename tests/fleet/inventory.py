"""Which objects there are, to tell later that none was lost or made anew."""

from __future__ import annotations

from tests.fleet.conftest import Clusters

COLUMNS = "custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,UID:.metadata.uid"
IN_API = (
    "namespaces,secrets,configmaps,serviceaccounts,clusterroles,clusterrolebindings,customresourcedefinitions,apiservices,"
    "mutatingwebhookconfigurations,validatingwebhookconfigurations,clusters.cluster.karmada.io"
)
"""Kinds in a federation API whose objects nobody makes and deletes by himself."""
IN_HOST = "statefulsets,deployments,pods,services,secrets,networkpolicies,poddisruptionbudgets,persistentvolumeclaims"
"""Kinds that are compared of a control plane's Namespace: each that the stack makes there, with pods and claims."""


def in_api(clusters: Clusters, context: str) -> set[str]:
    """Kind, namespace, name and UID of all that is in a federation API, but what a Writer writes."""
    table = clusters.kubectl(context, "get", IN_API, "-A", "--no-headers", "-o", COLUMNS)
    return {line for line in table.splitlines() if " written-" not in line}


def in_host(clusters: Clusters, host: str, namespace: str) -> set[str]:
    """The same of a control plane in its host, with its Namespace."""
    inside = clusters.kubectl(host, "get", IN_HOST, "-n", namespace, "--no-headers", "-o", COLUMNS)
    itself = clusters.kubectl(host, "get", "namespace", namespace, "--no-headers", "-o", COLUMNS)
    return {*inside.splitlines(), *itself.splitlines()}
