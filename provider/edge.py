"""The edge to Pulumi: its protocol for providers, turned into calls of `resource.Resource` with plain values.

Not by `pulumi.provider.experimental`, at 3.260 and 3.272: it knows no unknown values, refuses whole numbers, hands
diff, update and delete no old inputs, and shows errors with Python's stack.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import engine_pb2, plugin_pb2, status_pb2
from pulumi.runtime.proto import provider_pb2 as protocol
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from provider import schema
from provider.resource import BegunError, ProviderError, Resource, Work
from provider.schema import KINDS, Kind
from provider.values import UNKNOWN, Values, has_unknown, plain, secret_keys, struct

T = TypeVar("T")
Context = Any
"""grpc.aio.ServicerContext, of which there are no types."""
GONE = "gone"
"""The one setting of the provider."""
TELLING_SECONDS = 5
"""The engine is a process of the same machine."""
PULUMIS = ("version", "pluginDownloadURL", "__internal")
"""Settings of any provider."""


class Edge(ResourceProviderServicer):
    """Answers one engine."""

    def __init__(self, kind: Callable[[str], type[Resource]]) -> None:
        """`kind` gives the class of a token."""
        self._kind = kind
        self._work = Work()
        self._gone: frozenset[str] = frozenset()
        self._engine = ""

    async def Handshake(
        self, request: protocol.ProviderHandshakeRequest, context: Context
    ) -> protocol.ProviderHandshakeResponse:
        self._engine = request.engine_address
        # As Configure says again; an engine that shakes hands goes by this.
        return protocol.ProviderHandshakeResponse(accept_secrets=True)

    async def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=schema.VERSION)

    async def GetSchema(self, request: protocol.GetSchemaRequest, context: Context) -> protocol.GetSchemaResponse:
        return protocol.GetSchemaResponse(schema=schema.TEXT)

    async def CheckConfig(self, request: protocol.CheckRequest, context: Context) -> protocol.CheckResponse:
        given = plain(request.news)
        found = {key: f"is not known; allowed: {GONE}" for key in given if key not in (GONE, *PULUMIS)}
        if not isinstance(given.get(GONE, ""), str):
            found[GONE] = "must be a text, the names of members with commas between them"
        return _checked(request.news, found)

    async def DiffConfig(self, request: protocol.DiffRequest, context: Context) -> protocol.DiffResponse:
        before, after = (plain(each).get(GONE) for each in (request.old_inputs, request.news))
        return _difference([] if before == after else [GONE], [], frozenset())

    async def Configure(self, request: protocol.ConfigureRequest, context: Context) -> protocol.ConfigureResponse:
        self._gone = frozenset(plain(request.args).get(GONE, "").split(","))
        return protocol.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Cancel(self, request: Empty, context: Context) -> Empty:
        self._work.cancel()
        return Empty()

    async def Check(self, request: protocol.CheckRequest, context: Context) -> protocol.CheckResponse:
        async def check() -> protocol.CheckResponse:
            new = plain(request.news)
            found = _known(request.urn).problems(new)
            if not found:
                resource = await self._resource(request.urn)
                found |= await resource.problems(plain(request.olds) or None, new)
            return _checked(request.news, found)

        return await _telling(context, request.urn, check())

    async def Diff(self, request: protocol.DiffRequest, context: Context) -> protocol.DiffResponse:
        async def diff() -> protocol.DiffResponse:
            old, new = plain(request.old_inputs), plain(request.news)
            inputs = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
            # What cannot be told yet is a change already.
            resource = await self._resource(request.urn)
            stale = [] if has_unknown(new) else resource.stale(plain(request.olds), new)
            return _difference(inputs, stale, _known(request.urn).replacing)

        return await _telling(context, request.urn, diff())

    async def Create(self, request: protocol.CreateRequest, context: Context) -> protocol.CreateResponse:
        kind, new = _known(request.urn), plain(request.properties)
        secrets = kind.secrets | secret_keys(request.properties)
        name = _name(request.urn)

        async def create() -> protocol.CreateResponse:
            if request.preview:
                return protocol.CreateResponse(properties=struct({**new, **_unknown(kind)}, secrets))
            outputs = await (await self._resource(request.urn)).create(new)
            return protocol.CreateResponse(id=name, properties=struct({**new, **outputs}, secrets))

        return await _telling(context, request.urn, create(), lambda: struct({**new, **_nothing(kind)}, secrets))

    async def Read(self, request: protocol.ReadRequest, context: Context) -> protocol.ReadResponse:
        state = plain(request.properties)
        secrets = _known(request.urn).secrets | secret_keys(request.properties)

        async def read() -> protocol.ReadResponse:
            if not state:
                raise ProviderError("cannot be imported: what it is stands in the state of its stack only")
            outputs = await (await self._resource(request.urn)).read(state)
            return protocol.ReadResponse(
                id=request.id, inputs=request.inputs, properties=struct({**state, **outputs}, secrets)
            )

        return await _telling(context, request.urn, read())

    async def Update(self, request: protocol.UpdateRequest, context: Context) -> protocol.UpdateResponse:
        kind = _known(request.urn)
        state, old, new = plain(request.olds), plain(request.old_inputs), plain(request.news)
        secrets = kind.secrets | secret_keys(request.news)

        async def update() -> protocol.UpdateResponse:
            resource = await self._resource(request.urn)
            if request.preview:
                outputs = {**_unknown(kind), **resource.foreseen(state, old, new)}
            else:
                outputs = await resource.update(state, old, new)
            return protocol.UpdateResponse(properties=struct({**new, **outputs}, secrets))

        # What is left of the old is to be known to the next update.
        return await _telling(context, request.urn, update(), lambda: struct(state, secrets))

    async def Delete(self, request: protocol.DeleteRequest, context: Context) -> Empty:
        async def delete() -> Empty:
            await (await self._resource(request.urn)).delete(plain(request.properties))
            return Empty()

        return await _telling(context, request.urn, delete())

    async def _resource(self, urn: str) -> Resource:
        class_ = await asyncio.to_thread(self._kind, _type(urn))
        return class_(self._work, self._gone, functools.partial(self._tell, urn))

    async def _tell(self, urn: str, message: str) -> None:
        """Have the engine show a warning beside the resource; one that cannot be shown makes nothing fail."""
        warning = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=f"{_name(urn)}: {message}", urn=urn)
        async with grpc.aio.insecure_channel(self._engine) as channel:
            with contextlib.suppress(grpc.RpcError):
                await EngineStub(channel).Log(warning, timeout=TELLING_SECONDS)


async def _telling(context: Context, urn: str, awaited: Awaitable[T], begun: Callable[[], Struct] | None = None) -> T:
    """The answer; what goes wrong is told in one sentence with the resource's name.

    `begun` is the state to remember when something was changed outside all the same.
    """
    name = _name(urn)
    try:
        return await awaited
    except BegunError as error:
        if begun is None:
            await _refuse(context, f"{name}: {error}")
        await _remember(context, name, f"{name}: {error}", begun())
    except ProviderError as error:
        await _refuse(context, f"{name}: {error}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        await _refuse(context, f"{name}: {type(error).__name__} in {where}: a fault of this provider, please report it")


async def _refuse(context: Context, message: str) -> NoReturn:
    # Other codes would have Pulumi say that the resource may be there or not.
    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
    raise AssertionError("abort raises")


async def _remember(context: Context, name: str, message: str, state: Struct) -> NoReturn:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.add().Pack(protocol.ErrorResourceInitFailed(id=name, properties=state, reasons=[message]))
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(grpc.StatusCode.UNKNOWN, message, details)
    raise AssertionError("abort raises")


def _checked(news: Struct, found: dict[str, str]) -> protocol.CheckResponse:
    failures = [protocol.CheckFailure(property=key, reason=reason) for key, reason in found.items()]
    return protocol.CheckResponse(inputs=news, failures=failures)


def _difference(inputs: list[str], outputs: list[str], replacing: frozenset[str]) -> protocol.DiffResponse:
    of = protocol.PropertyDiff
    details = {key: of(kind=of.UPDATE_REPLACE if key in replacing else of.UPDATE, inputDiff=True) for key in inputs}
    changed = [*inputs, *outputs]
    return protocol.DiffResponse(
        changes=protocol.DiffResponse.DIFF_SOME if changed else protocol.DiffResponse.DIFF_NONE,
        diffs=changed,
        replaces=[key for key in inputs if key in replacing],
        detailedDiff=details,
        hasDetailedDiff=bool(details),
    )


def _known(urn: str) -> Kind:
    return KINDS[_type(urn)]


def _unknown(kind: Kind) -> Values:
    return dict.fromkeys(kind.outputs, UNKNOWN)


def _nothing(kind: Kind) -> Values:
    return dict.fromkeys(kind.outputs, "")


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]
