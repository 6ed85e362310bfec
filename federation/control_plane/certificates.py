"""The certificates of the control plane: three authorities, and what each signs.

Three, because with a shared one any client certificate of the API would open etcd directly. Names and uses follow
what Karmada's own installers make (reference: karmadactl init, pkg/karmadactl/cmdinit/cert).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi
from pulumi import Input

from federation.control_plane.programs import APISERVER
from federation.parts import etcd
from federation.parts.pki import CLIENT, SERVER, Leaf
from federation.settings import schema
from federation.settings.config import Refusal
from federation.settings.keys import GENERATIONS
from federation.settings.validation import PROJECT

AUTHORITIES = {"root": "federation", "etcd": "etcd-ca", "front-proxy": "front-proxy-ca"}
"""Authority to common name. root: clients of the API and its servers; front-proxy: calls to aggregated APIs."""

PERSON_VALIDITY_DAYS = 30
"""`pulumi up` renews them in their last third."""


def leaves(
    host: schema.Host,
    api_names: Input[Sequence[str]],
    users: Iterable[str],
    services: Sequence[str],
    people: Iterable[schema.User] = (),
) -> Sequence[Leaf]:
    """What the authorities sign. `api_names`: every DNS name and IP address by which clients reach the API;
    `services`: the names by which the API server calls programs of the engine.

    Each of `users`, the programs', gets a client certificate under the name `user-<user>`, each of `people` a short one
    under `person-<name>`: nobody can revoke it. What they may do is a matter of roles.
    """
    etcd_names = etcd.dns_names("etcd", host.namespace, host.etcd.replicas)
    return (
        Leaf("apiserver", "root", APISERVER, [SERVER], names=api_names),
        *([Leaf("services", "root", "federation-services", [SERVER], names=services)] if services else []),
        Leaf("admin", "root", "system:admin", [CLIENT], organization="system:masters"),
        *(Leaf(f"user-{user}", "root", user, [CLIENT]) for user in users),
        *(
            Leaf(f"person-{each.name}", "root", each.name, [CLIENT], groups=each.groups, days=PERSON_VALIDITY_DAYS)
            for each in people
        ),
        Leaf("front-proxy-client", "front-proxy", "front-proxy-client", [CLIENT]),
        Leaf("etcd-server", "etcd", "etcd-server", [SERVER, CLIENT], names=etcd_names),
        Leaf("etcd-client", "etcd", "etcd-client", [CLIENT]),
    )


def api_names(namespace: str) -> list[str]:
    """The names by which the API is called inside the host cluster."""
    clients_inside = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", api_service(namespace)]
    return ["localhost", "127.0.0.1", *clients_inside]


def api_service(namespace: str) -> str:
    """The API's Service, as pods of the host cluster call it."""
    return f"{APISERVER}.{namespace}.svc"


def mark(generations: Sequence[int]) -> Mapping[str, str]:
    """The Namespace's annotations that remember the generations."""
    return {} if tuple(generations) == (1,) else {GENERATIONS: ",".join(map(str, generations))}


def one_step_at_a_time() -> pulumi.ResourceHook:
    """A hook on the marked Namespace that refuses, in preview too, generations which would cut clients off."""

    def refuse_a_jump(args: pulumi.ResourceHookArgs) -> None:
        before, after = (_marked(inputs) for inputs in (args.old_inputs, args.new_inputs))
        if problem := jump(before, after):
            raise Refusal(f"{PROJECT}:certificates.authorities: {after} comes after {before}, and {problem}")

    return pulumi.ResourceHook("authorities", refuse_a_jump, pulumi.ResourceHookOptions(on_dry_run=True))


def jump(before: Sequence[int], after: Sequence[int]) -> str | None:
    """Why these generations may not follow those; None if they may.

    Not everybody changes at the same moment. So whatever was signed before must be trusted after, and the reverse.
    """
    if after[0] not in before:
        return f"clients do not trust {after[0]} yet; allowed: that it signs after an update in which it is trusted"
    if before[0] not in after:
        return f"what {before[0]} signed is still in use; allowed: to drop it after an update in which another signs"
    return None


def _marked(inputs: Mapping[str, Any] | None) -> list[int]:
    annotations = (inputs or {}).get("metadata", {}).get("annotations", {})
    return [int(generation) for generation in annotations.get(GENERATIONS, "1").split(",")]
