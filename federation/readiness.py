"""What a Cluster says of itself when it does not become Ready: Pulumi's own wait tells only that time ran out."""

from __future__ import annotations

import pulumi
import urllib3
import yaml
from kubernetes import client
from pulumi import Output

from federation.connection import connect, get
from federation.kubeconfig import Kubeconfig


def explain(cluster: str, kubeconfig: Output[str]) -> pulumi.ErrorHook:
    """A hook that logs what the Cluster says when its creation, update or deletion has failed; it never retries.

    `kubeconfig` leads to the federation API.
    """

    async def log_conditions(args: pulumi.ErrorHookArgs) -> bool:
        text = await kubeconfig.future()
        pulumi.log.error(report(cluster, args.failed_operation, yaml.safe_load(str(text))))
        return False

    return pulumi.ErrorHook(f"explain-{cluster}", log_conditions)


def report(cluster: str, failed: str, kubeconfig: Kubeconfig) -> str:
    """One line with the conditions of the Cluster; `failed` is the operation: create, update or delete."""
    what = f"Cluster {cluster} is {'not gone' if failed == 'delete' else 'not Ready'}"
    try:
        return f"{what}: {_conditions(cluster, kubeconfig)}"
    except (client.ApiException, urllib3.exceptions.HTTPError, OSError) as error:
        return f"{what}, and the federation API does not say why: {error}"


def _conditions(cluster: str, kubeconfig: Kubeconfig) -> str:
    with connect(kubeconfig) as api:
        found = get(api, f"/apis/cluster.karmada.io/v1alpha1/clusters/{cluster}")
    conditions = found.get("status", {}).get("conditions", [])
    said = [f"{each['type']}={each['status']} ({each['reason']}: {each['message']})" for each in conditions]
    return "; ".join(said) or "it has no conditions yet; the engine has not looked at it"
