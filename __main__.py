"""One federation from one stack's configuration: control plane, engine, members, names (the picture in README.md)."""

import os
from pathlib import Path

import pulumi
from pulumi.runtime.config import get_config_env, get_config_secret_keys_env

from federation import immutable, interruption, outputs
from federation.clusters import identity, providers
from federation.control_plane import ControlPlane, ControlPlaneArgs
from federation.dns.component import FederationDns, FederationDnsArgs, users
from federation.dns.member_dns import MemberDns, MemberDnsArgs
from federation.engine import ENGINES, TERMS, EngineArgs, choice
from federation.member import Member, MemberArgs
from federation.parts import our_provider
from federation.settings import config, names

interruption.end_quietly()
stack = config.load(get_config_env(), Path.cwd(), os.environ, get_config_secret_keys_env())
settings = stack.settings
answers = identity.identify(stack.contexts)
uids = identity.uids(answers, settings.members)
immutable.check(stack, uids)
fixed = immutable.remember(stack, uids, choice.remember_engine(settings.engine))
terms = TERMS[settings.engine]

own = our_provider.provider(settings.gone)
control_plane = ControlPlane(
    settings.name,
    ControlPlaneArgs(
        host=providers.host(stack, answers, fixed),
        our_provider=own,
        settings=settings.host,
        images=settings.images,
        certificates=settings.certificates,
        system_namespace=terms.system_namespace,
        services=terms.services,
        etcd_clients=terms.etcd_clients,
        api_names=[names.api_name(settings.name, settings.dns.zone)] if settings.dns else (),
        users=(*terms.users, *(users(settings.dns) if settings.dns else ())),
        people=settings.users,
        protect=settings.protect,
    ),
)
engine = ENGINES[settings.engine]("engine", EngineArgs(control_plane, settings, own))
dns = None
if settings.dns:
    dns = FederationDns(
        "dns",
        FederationDnsArgs(own, control_plane, engine.for_members, terms.system_namespace, settings, settings.dns),
    )
clusters = providers.members(stack, answers, fixed)
for each in settings.members:
    if each.unreachable:
        continue
    cluster = clusters[each.name]
    member = Member(
        each.name, MemberArgs(cluster, each, control_plane, engine.for_members, terms, settings.propagation.kinds)
    )
    if dns:
        MemberDns(f"{each.name}-dns", MemberDnsArgs(cluster, each, member, control_plane, dns))

for name, value in outputs.of(stack, uids, control_plane, terms.needs, dns).items():
    pulumi.export(name, value)
identity.fail_for_refused(answers, settings.members)
