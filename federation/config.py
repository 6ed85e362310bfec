"""Load the stack's configuration, or say everything that is wrong with it at once. No Pulumi resource."""

from __future__ import annotations

import difflib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from federation import kubeconfig
from federation.kubeconfig import Kubeconfig
from federation.settings import Settings

PROJECT = "federation"


class ConfigError(pulumi.RunError):
    """The configuration cannot be used; the message lists every problem with its path and what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n  ".join([f"{count} in the configuration; nothing was changed", *problems]))
        self.problems = problems


@dataclass(frozen=True)
class Config:
    """A checked configuration, with what its contexts lead to."""

    settings: Settings
    contexts: Mapping[str, Kubeconfig]
    """For the host's and each member's context, the kubeconfig of just that context."""


def load(values: Mapping[str, str], folder: Path, environment: Mapping[str, str]) -> Config:
    """Check the stack's configuration and read the kubeconfig that it names.

    `values` maps `namespace:key` to text (JSON where structured); other namespaces are ignored. Relative paths
    count from `folder`; `environment` gives KUBECONFIG. Raises ConfigError with all problems found.
    """
    given = {k.removeprefix(f"{PROJECT}:"): _decode(v) for k, v in values.items() if k.startswith(f"{PROJECT}:")}
    problems: list[str] = []
    settings = None
    try:
        settings = TypeAdapter(Settings).validate_python(given)
    except ValidationError as error:
        problems.extend(map(_describe, error.errors()))
    problems.extend(_contradictions(given))
    contexts: dict[str, Kubeconfig] = {}
    try:
        contexts = _load_contexts(given, folder, environment)
    except ConfigError as error:
        problems.extend(error.problems)
    if settings is None or problems:
        raise ConfigError(problems)
    return Config(settings, contexts)


def _decode(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith(("{", "[")) else text
    except (ValueError, RecursionError):
        return text


def _describe(error: ErrorDetails) -> str:
    path = _path(error["loc"])
    if error["type"] == "missing":
        return f"{path}: is missing; it is required"
    if error["type"] == "extra_forbidden":
        known = _keys_at(error["loc"][:-1])
        nearest = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        return f"{path}: unknown key; {hint}allowed: {', '.join(known)}"
    reason = {"tuple_type": "is not a list", "dict_type": "is not a map", "model_type": "is not a map"}
    message = reason.get(error["type"], error["msg"].replace("Input should", "should"))
    return f"{path}: {json.dumps(error['input'], default=str)} {message}"


def _path(location: tuple[int | str, ...]) -> str:
    key, *rest = location
    return f"{PROJECT}:{key}" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Settings
    for part in location:
        if isinstance(part, str):
            fields = {field.alias: field for field in section.model_fields.values()}
            section = _section_of(fields[part].annotation)
    return [field.alias for field in section.model_fields.values()]


def _section_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_of, getattr(annotation, "__args__", ()))), None)


def _contradictions(given: Mapping[str, Any]) -> Iterator[str]:
    """What no single value breaks but values break together; works on whatever parts have the right shape."""
    host, dns = _map(given.get("host")), _map(given.get("dns"))
    yield from _clashing_names(given)
    if dns.get("provider") == "google-clouddns" and "googleClouddns" not in dns:
        yield f"{PROJECT}:dns.googleClouddns: is missing; provider google-clouddns requires it"
    if dns.get("provider", "coredns") == "coredns" and "googleClouddns" in dns:
        yield f"{PROJECT}:dns.googleClouddns: belongs to google-clouddns, but the provider is coredns; keep one"
    api = _map(host.get("apiServer"))
    if api.get("serviceType") == "NodePort" and not api.get("advertiseAddress"):
        yield f"{PROJECT}:host.apiServer.advertiseAddress: is missing; serviceType NodePort requires a node's address"


def _clashing_names(given: Mapping[str, Any]) -> Iterator[str]:
    host = _map(given.get("host"))
    members = [(f"{PROJECT}:members[{i}]", _map(member)) for i, member in enumerate(_list(given.get("members")))]
    for key in ("name", "context"):
        counts = Counter(str(member[key]) for _, member in members if key in member)
        for path, member in members:
            if counts[str(member.get(key))] > 1:
                yield f"{path}.{key}: {member[key]!r} stands more than once; each member has a {key} of its own"
    for path, member in members:
        if "name" in member and member["name"] == host.get("context"):
            yield f"{path}.name: {member['name']!r} is the host cluster's name; a member needs another name"
    names = {str(member.get("name")) for _, member in members}
    for path, member in members:
        if member.get("name") == "impersonator":
            yield f"{path}.name: 'impersonator' is the name of an account that Karmada keeps; take another name"
        if (twin := f"{member.get('name')}-impersonator") in names:
            yield f"{path}.name: Karmada keeps a Secret {twin!r} for it, which member {twin!r} has too; rename one"
    for path, context in _context_paths(given):
        if context == given.get("name"):
            yield f"{path}: {context!r} is also the federation's name, which its own context takes; rename one"


def _load_contexts(given: Mapping[str, Any], folder: Path, environment: Mapping[str, str]) -> dict[str, Kubeconfig]:
    named = given.get("kubeconfig")
    # Not Path.expanduser, which raises for a user that is not there.
    paths = [folder / os.path.expanduser(str(named))] if named else kubeconfig.default_paths(environment)  # noqa: PTH111
    try:
        file = kubeconfig.load(paths)
    except kubeconfig.KubeconfigError as error:
        allowed = "allowed: the path of a kubeconfig; default: $KUBECONFIG, then ~/.kube/config"
        raise ConfigError([f"{PROJECT}:kubeconfig: {error}; {allowed}"]) from error
    known = kubeconfig.context_names(file)
    problems, contexts = [], {}
    for path, context in _context_paths(given):
        if context not in known:
            problems.append(f"{path}: {context!r} is not a context of the kubeconfig; it has: {', '.join(known)}")
            continue
        try:
            contexts[context] = kubeconfig.pick(file, context)
        except kubeconfig.KubeconfigError as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise ConfigError(problems)
    return contexts


def _context_paths(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sections = [(f"{PROJECT}:host", _map(given.get("host")))]
    sections += [(f"{PROJECT}:members[{i}]", _map(member)) for i, member in enumerate(_list(given.get("members")))]
    for path, section in sections:
        if isinstance(context := section.get("context"), str):
            yield f"{path}.context", context


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
