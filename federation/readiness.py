"""What a Cluster says of itself when it does not become Ready: Pulumi's own wait tells only that time ran out."""

from __future__ import annotations

import pulumi
import urllib3
import yaml
from kubernetes import client
from pulumi import Output

from federation.connection import connect, get


def explain(cluster: str, kubeconfig: Output[str]) -> pulumi.ErrorHook:
    """A hook that logs the conditions of the Cluster when its creation or update has failed; it never retries.

    `kubeconfig` leads to the federation API.
    """

    async def log_conditions(_: pulumi.ErrorHookArgs) -> bool:
        try:
            text = await kubeconfig.future()
            pulumi.log.error(f"Cluster {cluster} is not Ready: {_conditions(cluster, str(text))}")
        except (client.ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            pulumi.log.error(f"Cluster {cluster} is not Ready, and the federation API does not say why: {error}")
        return False

    return pulumi.ErrorHook(f"explain-{cluster}", log_conditions)


def _conditions(cluster: str, kubeconfig: str) -> str:
    with connect(yaml.safe_load(kubeconfig)) as api:
        found = get(api, f"/apis/cluster.karmada.io/v1alpha1/clusters/{cluster}")
    conditions = found.get("status", {}).get("conditions", [])
    said = [f"{each['type']}={each['status']} ({each['reason']}: {each['message']})" for each in conditions]
    return "; ".join(said) or "it has no conditions yet; karmada-controller-manager has not looked at it"
