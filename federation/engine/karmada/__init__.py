"""The engine Karmada.

The rooms:

    component       Karmada from its released images: four programs in the host cluster, and what they need inside the
                    federation API
    contents        What Karmada needs inside the federation API: first kinds and roles, then (with its webhook)
                    admission
    crds            Karmada's CustomResourceDefinitions: the pinned release archive, checked and turned into manifests
    kept_workloads  `keepWorkloads`: a member that leaves goes on running what the federation brought it
    programs        The programs of Karmada as data: image, flags, probes and files of each Deployment
    propagation     Default propagation: what is created in the federation API reaches the members, as in federation
                    v1
    rbac            Roles inside the federation API: Karmada's kinds for view and edit, and the proxy to members for
                    its admin
    webhooks        The admission webhooks of karmada-webhook, all 8 mutating and 14 validating, as data and as
                    manifests
"""

from federation.engine.karmada.component import TERMS, Karmada

__all__ = ["TERMS", "Karmada"]
