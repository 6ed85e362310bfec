"""Who may reach a program's pods. Kubernetes leaves enforcement to the host cluster's network: some have none."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

Rule = k8s.networking.v1.NetworkPolicyIngressRuleArgsDict


def network_policy(name: str, namespace: Input[str], rules: Sequence[Rule], opts: ResourceOptions) -> None:
    """Close the pods of this program to all that comes in by none of the rules; a pod's own node is always let in."""
    k8s.networking.v1.NetworkPolicy(
        name,
        metadata={"name": name, "namespace": namespace},
        spec={
            "pod_selector": {"match_labels": {"app": name}},
            "policy_types": ["Ingress"],
            "ingress": rules,
        },
        opts=opts,
    )


def from_programs(programs: Sequence[str], port: int) -> Rule:
    """From the pods of these programs of the same namespace, to one TCP port."""
    selector: k8s.meta.v1.LabelSelectorArgsDict = {
        "match_expressions": [{"key": "app", "operator": "In", "values": list(programs)}]
    }
    return {"from_": [{"pod_selector": selector}], "ports": [{"port": port, "protocol": "TCP"}]}


def from_anywhere(port: int) -> Rule:
    """From whoever knows the address, to one TCP port: what comes by a load balancer may have any source."""
    return {"ports": [{"port": port, "protocol": "TCP"}]}
