"""What a stack gives out, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pulumi import Output

from federation.control_plane import ControlPlane
from federation.dns.component import FederationDns
from federation.settings import access, kubeconfig
from federation.settings.config import Config


def of(
    config: Config, uids: Mapping[str, str], control_plane: ControlPlane, needs: access.Needs, dns: FederationDns | None
) -> Mapping[str, Any]:
    """The stack's outputs by name. Without a zone, `zone` is empty and `nameServers` has none.

    `kubeconfig` and `memberKubeconfig` are an administrator's; `userKubeconfigs` (by name) are for those in `users`.
    `ds` is there for a zone that CoreDNS signs, `transferKey` for one with secondaries.
    """
    return {
        "apiEndpoint": control_plane.endpoint,
        "kubeconfig": control_plane.kubeconfig,
        "memberKubeconfig": Output.secret(_of_members(config)),
        "zone": dns.zone if dns else "",
        "nameServers": dns.name_servers if dns else [],
        "members": _members(config, uids, needs),
        "certificateExpiry": control_plane.certificate_expiry,
        **({"userKubeconfigs": control_plane.people_kubeconfigs} if config.settings.users else {}),
        **({"ds": [dns.ds]} if dns and dns.ds else {}),
        **({"transferKey": dns.transfer_key.parts} if dns and dns.transfer_key else {}),
    }


def _of_members(config: Config) -> str:
    """A kubeconfig of the members' contexts, with the credentials that this program has."""
    members = (config.contexts[member.context] for member in config.settings.members if not member.unreachable)
    return kubeconfig.dump(kubeconfig.merge(members))


def _members(config: Config, uids: Mapping[str, str], needs: access.Needs) -> Iterable[Mapping[str, Any]]:
    """Name, region, zones, context, UID and access of each member; the UID is None where it did not answer.

    The access is a text for each rule, so that a preview shows what changes.
    """
    settings = config.settings
    return [
        {
            **member.model_dump(include={"name", "region", "zones", "context"}),
            "uid": uids.get(member.context),
            "access": access.lines(access.rights(member.access, settings.propagation.kinds, needs)),
        }
        for member in settings.members
        if not member.unreachable
    ]
