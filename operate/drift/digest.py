"""What `pulumi preview --json` found, object by object. Pure.

The digest has the steps of the refresh first (`refresh` for each resource), then what `pulumi up` would do. Pulumi
writes `[secret]` in the place of each secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

UNTOUCHED = ("same", "read", "refresh")
REPLACING = ("replace", "create-replacement", "delete-replaced")
SECRET = "[secret]"
WIDTH = 60
"""Of a value; longer ones are cut."""
PATH = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[]+)')
"""A part of a property's path, as in metadata.annotations["a.b/c"] or spec.rules[0].verbs."""
NOTHING_MORE = "preview failed"
"""Pulumi's last word after an error, which it has told of before."""
UNREACHABLE = re.compile(r"cluster is unreachable|cannot be used: |failed to (refresh|read)", re.IGNORECASE)
"""What the provider of Kubernetes and this project's program warn of when a cluster does not answer."""

WAITING = ("kubeClientSettings",)
"""How long a provider waits for its cluster: the program's own, and shorter for one that does not answer."""

Happened = Literal["changed", "deleted", "to be created", "to be deleted", "to be replaced"]


@dataclass(frozen=True)
class Difference:
    """One object that is not as configured."""

    resource: str
    """Pulumi's name of it."""
    kind: str
    """Such as Deployment."""
    object: str
    """Its own name, with its namespace; empty before it is made."""
    where: str
    """Pulumi's provider, one for each cluster: host, api (the federation API), member-NAME."""
    happened: Happened
    """`to be` is what the configuration says and was not applied; nobody but its author did that."""
    fields: tuple[str, ...] = ()
    """What differs, a line each."""


@dataclass(frozen=True)
class Failure:
    """Something that could not be looked at."""

    where: str
    """Pulumi's provider, or the program itself."""
    message: str
    resources: int
    """For how many resources it was said."""


def differences(digest: Mapping[str, Any]) -> list[Difference]:
    """The objects that are not as configured, in the order of the digest."""
    return [_difference(urn, steps) for urn, steps in _changes(digest).items() if not _only_waiting(steps[-1])]


def has_changes(digest: Mapping[str, Any]) -> bool:
    """Whether Pulumi finds changes; a provider's that only waits longer or shorter than before is no difference."""
    return bool(_changes(digest))


def failures(digest: Mapping[str, Any]) -> list[Failure]:
    """What Pulumi could not do or look at, the same said of many resources once."""
    providers = {step["urn"]: step.get("provider", "") for step in digest.get("steps") or ()}
    said: dict[tuple[str, str], set[str]] = {}
    for each in digest.get("diagnostics") or ():
        message, urn = " ".join(each["message"].split()), each.get("urn", "")
        message = message.removeprefix(f"{each['severity']}: ")
        if message == NOTHING_MORE:
            continue
        if each["severity"] == "error" or (each["severity"] == "warning" and UNREACHABLE.search(message)):
            said.setdefault((_provider(providers.get(urn, "")) or "the program", message), set()).add(urn)
    return [Failure(where, message, len(urns)) for (where, message), urns in said.items()]


def _changes(digest: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """The steps of each resource that Pulumi would change, by URN."""
    steps: dict[str, list[Mapping[str, Any]]] = {}
    for step in digest.get("steps") or ():
        steps.setdefault(step["urn"], []).append(step)
    return {urn: of_one for urn, of_one in steps.items() if of_one[-1]["op"] not in UNTOUCHED}


def _only_waiting(step: Mapping[str, Any]) -> bool:
    return "pulumi:providers:" in step["urn"] and tuple(step.get("diffReasons") or ()) == WAITING


def _difference(urn: str, steps: list[Mapping[str, Any]]) -> Difference:
    *before, last = steps
    found = (before or steps)[0].get("oldState") or {}
    happened: Happened
    match last["op"]:
        case "create":
            happened = "deleted" if before else "to be created"
        case "delete":
            happened = "to be deleted"
        case op if op in REPLACING:
            happened = "to be replaced"
        case _:
            happened = "changed"
    _, _, type_, name = urn.split("::", 3)
    provider = "pulumi:providers:" in type_
    kind = "provider" if provider else type_.rsplit(":", 1)[-1]
    fields = tuple(_fields(kind, last)) if happened in ("changed", "to be replaced") else ()
    # A provider's ID says nothing to anybody.
    id_ = "" if provider else str(found.get("id", ""))
    return Difference(name, kind, id_, _provider(last.get("provider", "")), happened, fields)


def _provider(reference: str) -> str:
    """Its name, from the URN and ID by which steps refer to it."""
    return reference.split("::")[-2] if reference.count("::") >= 2 else ""


def _fields(kind: str, step: Mapping[str, Any]) -> Iterator[str]:
    old, new = (step.get(state) or {} for state in ("oldState", "newState"))
    if drift := (old.get("outputs") or {}).get("drift"):
        # Resources of our own provider say in words what they found; Pulumi gives no details of them.
        yield str(drift)
    for path in sorted(step.get("detailedDiff") or ()):
        found, wanted = (_at(values or {}, path) for values in (old.get("outputs"), new.get("inputs")))
        tells = kind != "Secret" and _tells(found) and _tells(wanted)
        yield f"{path}: {_shown(found)}, should be {_shown(wanted)}" if tells else path


def _tells(value: Any) -> bool:
    """Whether the value may be shown, and says something on one line."""
    return not isinstance(value, dict | list) and SECRET not in str(value)


def _shown(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."


def _at(values: Any, path: str) -> Any:
    """The value at a path; None where there is none."""
    for quoted, index, key in PATH.findall(path):
        if index and isinstance(values, list):
            values = values[int(index)] if int(index) < len(values) else None
        else:
            values = values.get(quoted or key) if isinstance(values, dict) else None
    return values
