"""A monitor that records what a program registers: the engine's side of Pulumi's protocol, on its own mocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2

from provider.schema import KINDS

SIGNATURE, SECRET = rpc._special_sig_key, rpc._special_secret_sig
STACK = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Secret:
    """A value that Pulumi encrypts in the state and hides in the log."""

    value: Any


def opened(value: Any) -> Any:
    """The value with all secrets in the clear."""
    match value:
        case Secret(hidden):
            return opened(hidden)
        case dict():
            return {key: opened(part) for key, part in value.items()}
        case list():
            return [opened(part) for part in value]
    return value


@dataclass(frozen=True)
class Registered:
    """One resource as the program asked for it. Other resources are named by URN."""

    urn: str
    type: str
    name: str
    parent: str
    provider: str
    """Empty for a component, and for a resource that takes Pulumi's default provider."""
    protect: bool
    dependencies: frozenset[str]
    """What it names in depends_on and whose outputs it uses; of a component, all that is in it."""
    deleted_with: str
    ignore_changes: tuple[str, ...]
    create_timeout: str
    before_create: tuple[str, ...]
    """Names of the hooks that may refuse its creation."""
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The last part of the type, such as Deployment."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def is_component(self) -> bool:
        return self.type.startswith("federation:") and self.type not in KINDS

    @property
    def is_provider(self) -> bool:
        return self.type.startswith("pulumi:providers:")

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def name_of(urn: str) -> str:
    """The name of a resource, from its URN."""
    return urn.rsplit("::", 1)[-1]


@dataclass
class Record:
    """All that one run registered, in the order of registration, and what it exported and warned of."""

    resources: list[Registered] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Registered]:
        """All resources of these kinds."""
        return [resource for resource in self.resources if resource.kind in kinds]

    def one(self, kind: str, name: str) -> Registered:
        """The only resource of this kind and name."""
        (found,) = (resource for resource in self.of(kind) if resource.name == name)
        return found

    def needs(self, resource: Registered) -> set[str]:
        """URNs of all that must exist before the resource: dependencies, provider, parent, and what these need.

        The parent counts, as a child is registered after it: so the dependencies of a component hold for what is in it.
        """
        by_urn = {each.urn: each for each in self.resources}
        seen: set[str] = set()
        ahead = [resource]
        while ahead:
            direct = {*(each := ahead.pop()).dependencies, each.provider, each.parent} - seen
            seen |= direct
            ahead += [by_urn[urn] for urn in direct if urn in by_urn]
        return seen

    def inside(self, component: Registered) -> Iterator[Registered]:
        """All resources below a component, at any depth."""
        for child in self.resources:
            if child.parent == component.urn:
                yield child
                yield from self.inside(child)


class RecordingMonitor(MockMonitor):
    """Pulumi's mock monitor that also does what a real engine does with URNs and secret outputs."""

    record: Record

    def __init__(self, mocks: Any, record: Record) -> None:
        super().__init__(mocks)
        self.record = record

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        # With all ancestors' types in it and not, as in the mock, only the parent's: else two resources share one.
        ancestors = parent.split("::")[2] if parent else STACK
        return super().make_urn("", type_ if ancestors == STACK else f"{ancestors}${type_}", name)

    def RegisterResource(  # noqa: N802
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        response: resource_pb2.RegisterResourceResponse = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        outputs = MessageToDict(response.object)
        # Our own provider says what is secret, whatever the program asks.
        secrets = {*request.additionalSecretOutputs, *(KINDS[request.type].secrets if request.type in KINDS else ())}
        hidden = {name: _hide(outputs[name]) for name in secrets if name in outputs}
        response.object.update(hidden)
        if request.type != STACK:
            self.record.resources.append(_registered(request, response))
        return response

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> object:  # noqa: N802
        if STACK in request.urn:
            self.record.exports.update(_values(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def _registered(
    request: resource_pb2.RegisterResourceRequest, response: resource_pb2.RegisterResourceResponse
) -> Registered:
    return Registered(
        urn=response.urn,
        type=request.type,
        name=request.name,
        parent=request.parent,
        provider=request.provider.rpartition("::")[0],
        protect=request.protect,
        dependencies=frozenset(request.dependencies),
        deleted_with=request.deletedWith,
        ignore_changes=tuple(request.ignoreChanges),
        create_timeout=request.customTimeouts.create,
        before_create=tuple(request.hooks.before_create),
        inputs=_values(request.object),
        outputs=_values(response.object),
    )


def _hide(value: Any) -> Any:
    return value if isinstance(_value(value), Secret) else {SIGNATURE: SECRET, "value": value}


def _values(properties: Any) -> dict[str, Any]:
    return {key: _value(value) for key, value in MessageToDict(properties).items()}


def _value(value: Any) -> Any:
    match value:
        case {"value": hidden, **signature} if signature == {SIGNATURE: SECRET}:
            return Secret(_value(hidden))
        case dict():
            return {key: _value(part) for key, part in value.items()}
        case list():
            return [_value(part) for part in value]
    return value
