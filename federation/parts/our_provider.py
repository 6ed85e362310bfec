"""The project's own Pulumi provider (`provider/`), as the program sees it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
from pulumi import ResourceOptions


def provider(gone: Iterable[str]) -> pulumi.ProviderResource:
    """The provider that each of its resources is given, as the default ones are off in the stack's settings.

    `gone` names the members that are not to be asked any more.
    """
    names = ",".join(gone)
    return pulumi.ProviderResource("federation", "federation", {"gone": names} if names else {})


class OwnResource(pulumi.CustomResource):
    """A resource of this provider. Its class says which outputs it has, and takes its inputs by name.

    What is secret is said by the provider (`provider/schema.json`): it is in every state, whatever the program asks.
    """

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: ResourceOptions | None) -> None:
        outputs: dict[str, Any] = dict.fromkeys(type(self).__annotations__)
        super().__init__(f"federation:index:{type(self).__name__}", name, {**outputs, **inputs}, opts)

    def translate_input_property(self, prop: str) -> str:
        return re.sub(r"_(.)", lambda found: found[1].upper(), prop)

    def translate_output_property(self, prop: str) -> str:
        return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", prop)
