"""What Karmada needs inside the federation API: first kinds and roles, then (with its webhook) admission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import CustomTimeouts, Input, Output, Resource, ResourceHookBinding, ResourceOptions

from federation.engine.karmada import crds, rbac, webhooks
from federation.engine.karmada.programs import AGGREGATED

CRDS_AT_ONCE = 7
"""Below the 8 operations at once that Pulumi does on two cores. After each new kind the provider reads the API's whole
OpenAPI document again, once for every create that then waits: in waves that start together it is read less often."""


@dataclass
class ApiContentsArgs:
    api: k8s.Provider
    """Provider of the federation API."""
    kinds: k8s.Provider
    """Another one, for the CRDs alone: after each of them a provider reads the API's whole OpenAPI document again, and
    whatever else goes through it waits for that."""
    host_namespace: str
    """Namespace of the control plane in the host cluster."""
    webhook_url: str
    ca_bundle: Input[str]
    """Root CA in base64, as webhooks and APIServices take it."""
    system_namespace: Output[str]
    """Namespace in the API for Karmada's Services."""
    crds: Sequence[crds.Manifest]
    aggregated_apiserver: Resource
    """What serves the kind Cluster; its APIService waits for it."""
    vanishes_with: Resource
    """The resource whose deletion takes the whole API with it, so that its contents need no deletion of their own."""
    only_engine: ResourceHookBinding
    """Refuses where another engine already works in this API (`engine.contract`)."""


class ApiContents(pulumi.ComponentResource):
    """The kinds of Karmada (CRDs and the aggregated Cluster), and roles."""

    def __init__(self, name: str, args: ApiContentsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:ApiContents", name, None, opts)
        child = ResourceOptions(parent=self, provider=args.api, deleted_with=args.vanishes_with)

        aggregated_service = k8s.core.v1.Service(
            f"api-{AGGREGATED}",
            metadata={"name": AGGREGATED, "namespace": args.system_namespace},
            spec={"type": "ExternalName", "external_name": f"{AGGREGATED}.{args.host_namespace}.svc"},
            opts=child,
        )
        k8s.apiregistration.v1.APIService(
            "v1alpha1.cluster.karmada.io",
            metadata={
                "name": "v1alpha1.cluster.karmada.io",
                "annotations": {"pulumi.com/waitFor": "condition=Available"},
            },
            spec={
                "group": "cluster.karmada.io",
                "version": "v1alpha1",
                "group_priority_minimum": 2000,
                "version_priority": 10,
                "ca_bundle": args.ca_bundle,
                "service": {"namespace": args.system_namespace, "name": AGGREGATED},
            },
            opts=ResourceOptions.merge(
                child,
                ResourceOptions(
                    depends_on=[aggregated_service, args.aggregated_apiserver],
                    custom_timeouts=CustomTimeouts(create="2m", update="2m"),
                    hooks=args.only_engine,
                ),
            ),
        )
        rbac.roles(child)
        conversion = crds.conversion(args.webhook_url, args.ca_bundle)
        wave: list[Resource] = []
        for start in range(0, len(args.crds), CRDS_AT_ONCE):
            in_turn = ResourceOptions(
                parent=self, provider=args.kinds, deleted_with=args.vanishes_with, depends_on=wave
            )
            wave = [_crd(crd, conversion, in_turn) for crd in args.crds[start : start + CRDS_AT_ONCE]]
        self.register_outputs({})


def _crd(crd: crds.Manifest, conversion: crds.Manifest, opts: ResourceOptions) -> Resource:
    kind = crd["metadata"]["name"]
    # As a manifest and not as typed arguments: converting 0.7 MB of schemas key by key takes seconds.
    return pulumi.CustomResource(
        "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
        kind,
        {**crd, "spec": {**crd["spec"], "conversion": conversion}} if kind in crds.CONVERTED else crd,
        opts,
    )


@dataclass
class AdmissionArgs:
    api: k8s.Provider
    """Provider of the federation API."""
    webhook_url: str
    ca_bundle: Input[str]
    vanishes_with: Resource


class Admission(pulumi.ComponentResource):
    """The webhooks of Karmada. They fail closed, so this comes after karmada-webhook is ready."""

    def __init__(self, name: str, args: AdmissionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("federation:index:Admission", name, None, opts)
        child = ResourceOptions(parent=self, provider=args.api, deleted_with=args.vanishes_with)
        labels = {"app": "karmada-webhook"}
        k8s.admissionregistration.v1.MutatingWebhookConfiguration(
            "mutating-config",
            metadata={"name": "mutating-config", "labels": labels},
            webhooks=webhooks.manifests("mutate", webhooks.MUTATING, args.webhook_url, args.ca_bundle),
            opts=child,
        )
        k8s.admissionregistration.v1.ValidatingWebhookConfiguration(
            "validating-config",
            metadata={"name": "validating-config", "labels": labels},
            webhooks=webhooks.manifests("validate", webhooks.VALIDATING, args.webhook_url, args.ca_bundle),
            opts=child,
        )
        self.register_outputs({})
