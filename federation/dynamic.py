"""The provider of dynamic resources, one process for all of them; it is told which members are gone for good."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi import ProviderResource
from pulumi.dynamic import ConfigureRequest

_GONE = "federation:gone"


def provider(gone: Iterable[str]) -> ProviderResource:
    """The provider that each dynamic resource is given, as the default ones are off in the stack's settings.

    `gone` names the members that are not to be asked any more.
    """
    names = ",".join(gone)
    # Not Pulumi's own hand-over of the stack's configuration, which only default providers get.
    return ProviderResource("pulumi-python", "dynamic", {_GONE: names} if names else {})


def gone(request: ConfigureRequest) -> frozenset[str]:
    """What `provider` was given, in the process where the resources are made and deleted."""
    return frozenset((request.config.get(_GONE) or "").split(","))
