"""A member's cluster DNS, led to the federation's names: put in when the member joins, taken out when it leaves.

A dynamic resource, as no resource of Kubernetes does this: what a ConfigMapPatch has changed stays changed when the
patch is deleted. Python's pickle of the provider, which Pulumi keeps in the state, holds only the name of its class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import urllib3
import yaml
from kubernetes import client
from kubernetes.config.config_exception import ConfigException
from pulumi import Input, Output, ResourceOptions
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime import rpc

from federation import dynamic, kubeconfig
from federation.connection import connect
from federation.dns import config_maps, corefile, kube_system
from federation.dns.config_maps import ClusterDnsError
from federation.dns.lookup import Lookup

UNUSABLE = (client.ApiException, urllib3.exceptions.HTTPError, ConfigException, OSError)
ALLOWED = "put that right, or set clusterDns: none for the member"


@dataclass
class ClusterDnsArgs:
    member: str
    """Name of the member, for messages."""
    kubeconfig: Input[str]
    """Kubeconfig (secret) of the member. Another one is an update, which touches nothing if the DNS is in order."""
    federation: str
    zone: str
    """The domain, without the final dot."""
    servers: Input[Sequence[str]]
    """IP addresses that answer for the zone, port 53; none where the member finds it as it finds any other."""
    region: str
    zones: Sequence[str]
    """Region and zones of the member."""


class ClusterDns(Resource, module="federation", name="ClusterDns"):
    """The federation's part of a member's cluster DNS."""

    drift: Output[str]
    """What of it was found missing or changed by the last refresh; empty when it is in order."""

    def __init__(self, name: str, args: ClusterDnsArgs, opts: ResourceOptions | None = None) -> None:
        inputs = {
            **vars(args),
            "kubeconfig": Output.secret(args.kubeconfig),
            # So that a stack takes up server blocks that are written in a new way.
            "layout": corefile.layout(),
            "drift": None,
        }
        super().__init__(
            Provider(),
            name,
            inputs,
            ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=["kubeconfig"])),
        )


class Provider(ResourceProvider):
    """What Pulumi calls, in a process of its own. The arguments are the properties of ClusterDns, as in the state."""

    _gone: frozenset[str] = frozenset()

    def configure(self, req: ConfigureRequest) -> None:
        self._gone = dynamic.gone(req)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Say in the preview already what would make create or update fail; nothing is asked while nothing changes."""
        problem = None
        if _inputs(olds) != _inputs(news) and not rpc.contains_unknowns(_inputs(news)):
            problem = _obstacle(news, olds)
        return CheckResult(news, [CheckFailure("member", problem)] if problem else [])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=bool(olds["drift"]) or _inputs(olds) != _inputs(news))

    def create(self, props: dict[str, Any]) -> CreateResult:
        with _reporting(props) as api:
            kube_system.change(api, lambda found: config_maps.joined(found, _lookup(props), None))
        return CreateResult(props["member"], _inputs(props) | {"drift": ""})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, _inputs(props) | {"drift": _drift(props)})

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        with _reporting(news) as api:
            kube_system.change(api, lambda found: config_maps.joined(found, _lookup(news), _lookup(olds)))
        return UpdateResult(_inputs(news) | {"drift": ""})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        if props["member"] in self._gone:
            return
        with _reporting(props) as api:
            kube_system.change(api, lambda found: config_maps.left(found, _lookup(props)))


def _inputs(props: Mapping[str, Any]) -> dict[str, Any]:
    return {key: props.get(key) for key in (*(field.name for field in fields(ClusterDnsArgs)), "layout")}


def _lookup(props: Mapping[str, Any]) -> Lookup:
    lists = {key: tuple(props[key]) for key in ("servers", "zones")}
    return Lookup(federation=props["federation"], zone=props["zone"], region=props["region"], **lists)


def _obstacle(props: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Why the federation cannot be put in; None also where the member does not answer, which is not said twice."""
    try:
        with connect(yaml.safe_load(props["kubeconfig"])) as api:
            config_maps.joined(kube_system.found(api), _lookup(props), _lookup(before) if before else None)
    except ClusterDnsError as error:
        return f"{error}; {ALLOWED}"
    except UNUSABLE:
        return None
    return None


def _drift(props: Mapping[str, Any]) -> str:
    with _reporting(props) as api:
        found = kube_system.found(api)
        try:
            wanted = config_maps.joined(found, _lookup(props), _lookup(props))
        except ClusterDnsError as error:
            return str(error)
    changed = config_maps.changed(found, wanted)
    return "; ".join(f"ConfigMap kube-system/{name} is not as it was left" for name in changed)


@contextmanager
def _reporting(props: Mapping[str, Any]) -> Iterator[client.ApiClient]:
    """A client for the member; whatever goes wrong is told with the member's name."""
    config = yaml.safe_load(props["kubeconfig"])
    try:
        with connect(config) as api:
            yield api
    except ClusterDnsError as error:
        reason = f"{error}; {ALLOWED}"
    except client.ApiException as error:
        reason = f"its API answered {error.status} {error.reason}: {error.body}"
    except (ConfigException, OSError) as error:
        reason = f"its credentials do not work: {error}"
    except urllib3.exceptions.HTTPError as error:
        reason = f"the API at {kubeconfig.server(config)} cannot be reached: {error.__cause__ or error}"
    else:
        return
    raise ClusterDnsError(f"member {props['member']}: {reason}") from None
