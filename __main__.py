"""One federation from one stack's configuration: control plane, members, names (the picture in README.md)."""

import os
from pathlib import Path

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi.runtime.config import get_config_env

from federation import clusters, config, dynamic, fixed, identity, interruption, names, outputs
from federation.control_plane import ControlPlane, ControlPlaneArgs, crds
from federation.dns.component import FederationDns, FederationDnsArgs, users
from federation.dns.member_dns import MemberDns, MemberDnsArgs
from federation.member import Member, MemberArgs
from federation.propagation import Propagation, PropagationArgs

interruption.end_quietly()
stack = config.load(get_config_env(), Path.cwd(), os.environ)
settings = stack.settings
answers = identity.identify(stack.contexts)
uids = identity.known(answers, settings.members)
fixed.check(stack, uids)

certificates = tls.Provider("tls")
control_plane = ControlPlane(
    settings.name,
    ControlPlaneArgs(
        host=clusters.host(stack, answers),
        tls=certificates,
        settings=settings.host,
        images=settings.images,
        certificates=settings.certificates,
        crds=crds.load(settings.crds, crds.bundle_folder()),
        api_names=[names.api_name(settings.name, settings.dns.zone)] if settings.dns else (),
        users=users(settings.dns) if settings.dns else (),
        protect=settings.protect,
    ),
)
after = ResourceOptions(depends_on=[control_plane])
Propagation("propagation", PropagationArgs(control_plane.api, settings.propagation, control_plane.namespace), after)
own = dynamic.provider(settings.gone) if settings.dns or settings.keeping else None
dns = None
if own and settings.dns:
    dns = FederationDns("dns", FederationDnsArgs(own, control_plane, settings, settings.dns))
for each in settings.members:
    cluster = clusters.member(stack, each, answers)
    if each.unreachable:
        continue
    member = Member(each.name, MemberArgs(cluster, each, control_plane, settings.propagation.kinds, own))
    if dns:
        MemberDns(f"{each.name}-dns", MemberDnsArgs(cluster, each, member, control_plane, dns))

for name, value in outputs.of(stack, uids, control_plane, dns).items():
    pulumi.export(name, value)
identity.insist(answers, settings.members)
