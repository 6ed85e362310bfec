"""One federation from one stack's configuration: control plane, members, outputs (the picture in README.md)."""

import os
import signal
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pulumi_tls as tls
import yaml
from pulumi.runtime.config import get_config_env

from federation import config, identity, kubeconfig, names
from federation.control_plane import ControlPlane, ControlPlaneArgs, crds
from federation.member import Member, MemberArgs

# Pulumi interrupts the program once a resource has failed; a traceback of that would only bury the failure.
signal.signal(signal.SIGINT, signal.SIG_DFL)

stack = config.load(get_config_env(), Path.cwd(), os.environ)
settings = stack.settings
uids = identity.known(identity.identify(stack.contexts), {member.name: member.context for member in settings.members})


def provider(name: str, context: str) -> k8s.Provider:
    """The provider of one cluster; by its identifier a new endpoint, user or context name replaces nothing."""
    return k8s.Provider(
        name,
        kubeconfig=pulumi.Output.secret(kubeconfig.dump(stack.contexts[context])),
        cluster_identifier=name,
        enable_secret_mutable=True,
        enable_config_map_mutable=True,
    )


control_plane = ControlPlane(
    settings.name,
    ControlPlaneArgs(
        host=provider("host", settings.host.context),
        tls=tls.Provider("tls"),
        settings=settings.host,
        images=settings.images,
        crds=crds.load(settings.crds, crds.bundle_folder()),
        protect=settings.protect,
    ),
)
for member in settings.members:
    Member(
        member.name,
        MemberArgs(
            member=provider(f"member-{member.name}", member.context),
            settings=member,
            endpoint=member.api_endpoint or kubeconfig.server(stack.contexts[member.context]),
            uid=uids.get(member.context),
            control_plane=control_plane,
        ),
    )

contexts = [stack.contexts[member.context] for member in settings.members]
pulumi.export("apiEndpoint", control_plane.endpoint)
pulumi.export(
    "kubeconfig",
    control_plane.kubeconfig.apply(lambda api: kubeconfig.dump(kubeconfig.merge([yaml.safe_load(api), *contexts]))),
)
pulumi.export("zone", names.absolute(settings.dns.zone))
pulumi.export(
    "members",
    [
        {**m.model_dump(include={"name", "region", "zones", "context"}), "uid": uids.get(m.context)}
        for m in settings.members
    ],
)
pulumi.export("certificateExpiry", control_plane.certificate_expiry)
