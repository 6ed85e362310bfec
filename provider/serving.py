"""The server, with every kind of resource that there is."""

from __future__ import annotations

import importlib

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from provider.edge import Edge
from provider.resource import Resource

LARGEST = 400 * 1024 * 1024
"""Bytes of a message, as in Pulumi's own programs."""
HOMES = {
    "federation:index:PrivateKey": "provider.private_key",
    "federation:index:SharedSecret": "provider.shared_secret",
    "federation:index:CertificateAuthority": "provider.certificate_authority",
    "federation:index:Certificate": "provider.certificate",
    "federation:index:ClusterDns": "provider.cluster_dns.resource",
    "federation:index:Withdrawal": "provider.withdrawal",
    "federation:index:KeptWorkloads": "provider.kept_workloads",
    "federation:index:Departure": "provider.departure",
}
"""The module of each kind, which has a class of the kind's name."""


def kind(token: str) -> type[Resource]:
    """The class of a kind. Imported when it is asked for: the client of Kubernetes takes half a second of each run."""
    found: type[Resource] = getattr(importlib.import_module(HOMES[token]), token.rpartition(":")[2])
    return found


async def start() -> tuple[grpc.aio.Server, int]:
    """A server that answers, and its port on the loopback."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", LARGEST)])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Edge(kind), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port
