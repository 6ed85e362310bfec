"""The admission webhooks of karmada-webhook, all 8 mutating and 14 validating, as data and as manifests.

Source: artifacts/deploy/webhook-configuration.yaml of Karmada v1.18.2, the one installer that has the full set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import Input

# ruff: noqa: E501

WRITES = ("CREATE", "UPDATE")
CREATES = ("CREATE",)


@dataclass(frozen=True)
class Webhook:
    """One webhook: what it looks at, and the last part of its path."""

    group: str
    resource: str
    path: str
    name: str
    """Name within its configuration, without `.karmada.io`."""
    operations: Sequence[str] = WRITES
    scope: str = "Namespaced"
    seconds: int = 3
    side_effects: str = "None"
    objects: Mapping[str, Any] | None = None
    """Label selector; None looks at all objects."""


POLICY, WORK, CONFIG = "policy.karmada.io", "work.karmada.io", "config.karmada.io"
NETWORKING, AUTOSCALING = "networking.karmada.io", "autoscaling.karmada.io"

PROTECTED = {"match_expressions": [{"key": "resourcetemplate.karmada.io/deletion-protected", "operator": "Exists"}]}

MUTATING = (
    Webhook(POLICY, "propagationpolicies", "propagationpolicy", "propagationpolicy"),
    Webhook(
        POLICY,
        "clusterpropagationpolicies",
        "clusterpropagationpolicy",
        "clusterpropagationpolicy",
        scope="Cluster",
    ),
    Webhook(POLICY, "overridepolicies", "overridepolicy", "overridepolicy"),
    Webhook(WORK, "resourcebindings", "resourcebinding", "resourcebinding", CREATES),
    Webhook(
        WORK,
        "clusterresourcebindings",
        "clusterresourcebinding",
        "clusterresourcebinding",
        CREATES,
        "Cluster",
    ),
    Webhook(WORK, "works", "work", "work"),
    Webhook(AUTOSCALING, "federatedhpas", "federatedhpa", "autoscaling"),
    Webhook(NETWORKING, "multiclusterservices", "multiclusterservice", "multiclusterservice"),
)
VALIDATING = (
    Webhook(POLICY, "propagationpolicies", "propagationpolicy", "propagationpolicy"),
    Webhook(POLICY, "clusterpropagationpolicies", "clusterpropagationpolicy", "clusterpropagationpolicy", scope="Cluster"),
    Webhook(POLICY, "overridepolicies", "overridepolicy", "overridepolicy"),
    Webhook(POLICY, "clusteroverridepolicies", "clusteroverridepolicy", "clusteroverridepolicy", scope="Cluster"),
    Webhook(POLICY, "clustertaintpolicies", "clustertaintpolicy", "clustertaintpolicy", scope="Cluster"),
    Webhook(POLICY, "federatedresourcequotas", "federatedresourcequota", "federatedresourcequota"),
    Webhook(CONFIG, "resourceinterpreterwebhookconfigurations", "resourceinterpreterwebhookconfiguration", "config", scope="Cluster"),
    Webhook(CONFIG, "resourceinterpretercustomizations", "resourceinterpretercustomization", "resourceinterpretercustomization", scope="Cluster", seconds=10),
    Webhook(NETWORKING, "multiclusteringresses", "multiclusteringress", "multiclusteringress"),
    Webhook(NETWORKING, "multiclusterservices", "multiclusterservice", "multiclusterservice"),
    Webhook(AUTOSCALING, "federatedhpas", "federatedhpa", "federatedhpa"),
    Webhook(AUTOSCALING, "cronfederatedhpas", "cronfederatedhpa", "cronfederatedhpa"),
    Webhook(WORK, "resourcebindings", "resourcebinding", "resourcebinding", side_effects="NoneOnDryRun"),
    Webhook("*", "*", "resourcedeletionprotection", "resourcedeletionprotection", ("DELETE",), "*", objects=PROTECTED),
)  # fmt: skip


def manifests(prefix: str, webhooks: Sequence[Webhook], url: str, ca_bundle: Input[str]) -> list[Any]:
    """The `webhooks` list of a configuration; `prefix` is mutate or validate, `ca_bundle` base64 of the root CA.

    They call `url` and not a Service: karmada-webhook runs in the host cluster, beside the API server that calls it.
    """
    return [
        {
            "name": f"{webhook.name}.karmada.io",
            "rules": [
                {
                    "operations": list(webhook.operations),
                    "api_groups": [webhook.group],
                    "api_versions": ["*"],
                    "resources": [webhook.resource],
                    "scope": webhook.scope,
                }
            ],
            "client_config": {"url": f"{url}/{prefix}-{webhook.path}", "ca_bundle": ca_bundle},
            "object_selector": webhook.objects,
            "failure_policy": "Fail",
            "side_effects": webhook.side_effects,
            "admission_review_versions": ["v1"],
            "timeout_seconds": webhook.seconds,
        }
        for webhook in webhooks
    ]
