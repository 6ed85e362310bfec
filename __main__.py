"""One federation from one stack's configuration: control plane, members, names (the picture in README.md)."""

import os
from pathlib import Path

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi.runtime.config import get_config_env

from federation import access, config, dynamic, fixed, identity, interruption, kubeconfig, names, outputs, ownership
from federation.clusters import provider
from federation.control_plane import ControlPlane, ControlPlaneArgs, crds
from federation.dns import publisher
from federation.dns.component import FederationDns, FederationDnsArgs
from federation.dns.member_dns import MemberDns, MemberDnsArgs
from federation.member import Member, MemberArgs
from federation.propagation import Propagation, PropagationArgs

interruption.end_quietly()
stack = config.load(get_config_env(), Path.cwd(), os.environ)
settings, contexts = stack.settings, stack.contexts
answers = identity.identify(contexts)
uids = identity.known(answers, {member.name: member.context for member in settings.members})
identity.silent(answers, settings.members)
fixed.check(stack, uids)
refused = identity.refused(answers)

host_context = contexts[settings.host.context]
host = provider("host", "host", host_context, refused=settings.host.context in refused)
certificates = tls.Provider("tls")
control_plane = ControlPlane(
    settings.name,
    ControlPlaneArgs(
        host=host,
        only_ours=ownership.only_ours(
            "host", settings.name, settings.host.context, host_context, adopt=settings.host.adopt
        ),
        tls=certificates,
        host_kubeconfig=host_context,
        settings=settings.host,
        images=settings.images,
        certificates=settings.certificates,
        crds=crds.load(settings.crds, crds.bundle_folder()),
        api_names=[names.api_name(settings.name, settings.dns.zone)] if settings.dns else (),
        users=publisher.USERS if settings.dns else (),
        protect=settings.protect,
    ),
)
ready = ResourceOptions(depends_on=[control_plane])
propagation = PropagationArgs(control_plane.api, settings.propagation, control_plane.namespace)
everything: list[pulumi.Resource] = [control_plane, Propagation("propagation", propagation, ready)]
dynamic_provider = dynamic.provider(settings.gone) if settings.dns or settings.keeping else None
dns = (
    FederationDns(
        "dns",
        FederationDnsArgs(host, host_context, certificates, dynamic_provider, control_plane, settings, settings.dns),
    )
    if settings.dns and dynamic_provider
    else None
)
everything += [dns] if dns else []
for each in settings.members:
    context = contexts[each.context]
    cluster = provider(
        f"member-{each.name}", each.name, context, gone=each.unreachable, refused=each.context in refused
    )
    if each.unreachable:
        continue
    only_ours = ownership.only_ours(f"member-{each.name}", settings.name, each.context, context, adopt=each.adopt)
    endpoint = each.api_endpoint or kubeconfig.server(context)
    granted = access.rights(each.access, settings.propagation.kinds, proxy=each.proxy)
    uid = uids.get(each.context)
    member = Member(
        each.name,
        MemberArgs(cluster, only_ours, each, endpoint, uid, control_plane, granted, dynamic_provider),
    )
    everything.append(member)
    if dns:
        args = MemberDnsArgs(cluster, only_ours, each, context, each.context in refused, member, control_plane, dns)
        everything.append(MemberDns(f"{each.name}-dns", args))

for name, value in outputs.of(stack, uids, control_plane, dns).items():
    pulumi.export(name, value)
if refused and not pulumi.runtime.is_dry_run():
    identity.Refusal(refused, everything)
