"""One federation from one stack's configuration: control plane, members, outputs (the picture in README.md)."""

import atexit
import os
import signal
from pathlib import Path

import pulumi
import pulumi_tls as tls
from pulumi.runtime.config import get_config_env

from federation import config, identity, kubeconfig, names, outputs
from federation.clusters import provider
from federation.control_plane import ControlPlane, ControlPlaneArgs, crds
from federation.member import Member, MemberArgs


def interrupted(*_: object) -> None:
    """End quietly: Pulumi interrupts the program once a resource has failed, and a traceback would bury the failure."""
    atexit._run_exitfuncs()  # the Kubernetes client takes its temporary key files away there
    os._exit(130)


signal.signal(signal.SIGINT, interrupted)

stack = config.load(get_config_env(), Path.cwd(), os.environ)
settings = stack.settings
uids = identity.known(identity.identify(stack.contexts), {member.name: member.context for member in settings.members})
manifests = crds.load(settings.crds, crds.bundle_folder())

control_plane = ControlPlane(
    settings.name,
    ControlPlaneArgs(
        host=provider("host", "host", stack.contexts[settings.host.context]),
        tls=tls.Provider("tls"),
        settings=settings.host,
        images=settings.images,
        crds=manifests,
        protect=settings.protect,
    ),
)
for member in settings.members:
    context = stack.contexts[member.context]
    Member(
        member.name,
        MemberArgs(
            member=provider(f"member-{member.name}", member.name, context),
            settings=member,
            endpoint=member.api_endpoint or kubeconfig.server(context),
            uid=uids.get(member.context),
            control_plane=control_plane,
        ),
    )

pulumi.export("apiEndpoint", control_plane.endpoint)
pulumi.export("kubeconfig", control_plane.kubeconfig.apply(lambda api: outputs.everywhere(api, stack)))
pulumi.export("zone", names.absolute(settings.dns.zone))
pulumi.export("nameServers", [])
pulumi.export("members", outputs.members(stack, uids))
pulumi.export("certificateExpiry", control_plane.certificate_expiry)
