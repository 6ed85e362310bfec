"""What a killed run of Pulumi began, taken into the state: `python -m operate.unfinished`, a filter.

    pulumi stack export | .venv/bin/python -m operate.unfinished | pulumi stack import

A killed run leaves objects that it had asked a cluster for and not yet noted down. `pulumi up` would write over them,
but a `destroy` would leave them, and either would warn of them for ever: the state lists each creation that was begun
as a pending operation. Those of Kubernetes become resources of the stack here; a refresh then fills in what is there,
and forgets what never came to be. The federation's part of a member's cluster DNS becomes one too: the next `up`
writes it once more, and a `destroy` takes out as much of it as there is.

Creations of other kinds are forgotten: keys and certificates exist in the state alone, and what creates a Withdrawal
or a KeptWorkloads writes nothing, but takes away marks that a member which leaves has.
"""

from __future__ import annotations

import json
import sys
from typing import Any

KUBERNETES = "kubernetes:"
CLUSTER_DNS = "federation:index:ClusterDns"
OUTSIDE_NAMESPACES = (
    "kubernetes:cluster.karmada.io/v1alpha1:Cluster",
    "kubernetes:policy.karmada.io/v1alpha1:ClusterPropagationPolicy",
)
"""Types of custom objects that are in no namespace.

Where the API did not serve them when the run began, Pulumi's provider has written down the namespace `default`, and
sets that right when it returns (provider.go, Check, at 4.32). A deletion would be awaited there for ever: no timeout
ends that wait.
"""

State = dict[str, Any]


def begun(exported: State) -> list[State]:
    """The operations that a killed run left pending, as `pulumi stack export` has them."""
    # Of a stack that has no state yet, Pulumi exports a deployment that is null.
    operations: list[State] = (exported["deployment"] or {}).get("pending_operations", [])
    return operations


def take_up(exported: State) -> State:
    """An exported stack without pending operations, in which what was begun outside of the state is resources."""
    deployment = exported["deployment"]
    if deployment is None:
        return exported
    taken_up = [
        _created(operation["resource"])
        for operation in begun(exported)
        if operation["type"] == "creating" and operation["resource"]["type"].startswith((KUBERNETES, CLUSTER_DNS))
    ]
    urns = {resource["urn"] for resource in taken_up}
    # Where one was being replaced, the old one has been deleted: all of ours have fixed names.
    kept = [resource for resource in deployment.get("resources", []) if resource["urn"] not in urns]
    rest = {key: value for key, value in deployment.items() if key != "pending_operations"}
    return {**exported, "deployment": {**rest, "resources": [*kept, *taken_up]}}


def _created(resource: State) -> State:
    """The resource as the provider would have returned it, had the cluster answered with just what it was given."""
    inputs = resource["inputs"]
    if resource["type"] == CLUSTER_DNS:
        # Any drift is a reason to write it again, also without a refresh.
        return {
            **resource,
            "id": resource["urn"].split("::", 3)[3],
            "outputs": {**inputs, "drift": "a killed run had begun it"},
        }
    metadata = inputs["metadata"]
    if resource["type"] in OUTSIDE_NAMESPACES:
        metadata = {key: value for key, value in metadata.items() if key != "namespace"}
        inputs = {**inputs, "metadata": metadata}
    identifier = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    outputs = {**inputs, "__inputs": inputs, "__initialApiVersion": inputs["apiVersion"]}
    return {**resource, "id": identifier, "inputs": inputs, "outputs": outputs}


def main() -> int:
    """The filter; returns the exit code, which is 1 for an input that is not JSON."""
    try:
        exported = json.load(sys.stdin)
    except ValueError:
        # Where `pulumi stack export` failed, its own error stands above, and `pulumi stack import` imports nothing.
        print("error: the input is not JSON; allowed: what `pulumi stack export` prints", file=sys.stderr)
        return 1
    json.dump(take_up(exported), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
