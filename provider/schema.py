"""What `schema.json` says of each kind of resource: the one place where its properties are listed. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provider.values import Values, has_unknown

TEXT = (Path(__file__).parent / "schema.json").read_text()
_ALL: Mapping[str, Any] = json.loads(TEXT)
VERSION: str = _ALL["version"]
TYPES = {"string": (str, "a text"), "integer": (int, "a whole number"), "array": (list, "a list of texts")}


@dataclass(frozen=True)
class Kind:
    """One kind of resource."""

    inputs: Mapping[str, Any]
    required: frozenset[str]
    outputs: frozenset[str]
    """Those that are no inputs."""
    secrets: frozenset[str]
    replacing: frozenset[str]
    """Inputs that make it another one."""

    def problems(self, given: Values) -> dict[str, str]:
        """What is wrong with the inputs, by name."""
        found = {key: "is not known; allowed: " + ", ".join(self.inputs) for key in given if key not in self.inputs}
        found |= dict.fromkeys(sorted(self.required - given.keys()), "is missing")
        for key, value in given.items():
            if key in self.inputs and not has_unknown(value):
                type_, words = TYPES[self.inputs[key]["type"]]
                of_texts = not isinstance(value, list) or all(isinstance(each, str) for each in value)
                if not isinstance(value, type_) or isinstance(value, bool) or not of_texts:
                    found[key] = f"must be {words}"
        return found


def _kind(described: Mapping[str, Any]) -> Kind:
    inputs, properties = described["inputProperties"], described["properties"]
    both = {**inputs, **properties}
    return Kind(
        inputs=inputs,
        required=frozenset(described["requiredInputs"]),
        outputs=frozenset(properties.keys() - inputs.keys()),
        secrets=frozenset(key for key, of in both.items() if of.get("secret")),
        replacing=frozenset(key for key, of in inputs.items() if of.get("replaceOnChanges")),
    )


KINDS: Mapping[str, Kind] = {token: _kind(described) for token, described in _ALL["resources"].items()}
