"""What a Cluster says of itself when it does not become Ready: Pulumi's own wait tells only that time ran out."""

from __future__ import annotations

from http import HTTPStatus

import pulumi
import urllib3
import yaml
from pulumi import Output

from federation.clusters.connection import aside, connect, get
from federation.settings.kubeconfig import Kubeconfig
from kube.errors import ApiError

NO_CONDITIONS = "it has no conditions yet; the engine has not looked at it"


def explain(cluster: str, kubeconfig: Output[str]) -> pulumi.ErrorHook:
    """A hook that logs what the Cluster says when its creation, update or deletion has failed; it never retries.

    `kubeconfig` leads to the federation API.
    """

    async def log_conditions(args: pulumi.ErrorHookArgs) -> bool:
        text = await kubeconfig.future()
        pulumi.log.error(await aside(report, cluster, args.failed_operation, yaml.safe_load(str(text))))
        return False

    return pulumi.ErrorHook(f"explain-{cluster}", log_conditions)


def report(cluster: str, failed: str, kubeconfig: Kubeconfig) -> str:
    """One line with how the Cluster stands, and its conditions; `failed` is the operation: create, update or delete.

    An operation fails too where the federation API refuses it: the Cluster may then be Ready, or not be there.
    """
    try:
        with connect(kubeconfig) as api:
            found = get(api, f"/apis/cluster.karmada.io/v1alpha1/clusters/{cluster}")
    except (ApiError, urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, ApiError) and error.status == HTTPStatus.NOT_FOUND:
            return f"Cluster {cluster} is not in the federation API; the error of its {failed} says why that failed"
        return f"Cluster {cluster}: its {failed} failed, and the federation API does not say how it stands: {error}"
    conditions = found.get("status", {}).get("conditions", [])
    if failed == "delete":
        stands = "is not gone"
    elif any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
        stands = f"is Ready; the error of its {failed} says why that failed"
    else:
        stands = "is not Ready"
    said = [f"{each['type']}={each['status']} ({each['reason']}: {each['message']})" for each in conditions]
    return f"Cluster {cluster} {stands}: {'; '.join(said) or NO_CONDITIONS}"
