"""Load the stack's configuration, or say everything that is wrong with it at once. No Pulumi resource."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from federation.settings import kubeconfig, reach
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.schema import Settings
from federation.settings.validation import PROJECT, as_map, context_paths, contradictions

KEY_OF_MAP = "[key]"
"""pydantic's last part of the location of a fault that is in a key, after the key itself."""
SECRETS_SECTION = ("dns", "googleClouddns")
"""Path of the section that may hold a secret: its `credentials`, or in their place what was to become them."""
HIDDEN = "what is given"
"""In place of a value that may be a secret."""


class ConfigError(pulumi.RunError):
    """The configuration cannot be used; the message lists every problem with its path and what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n  ".join([f"{count} in the configuration; nothing was changed", *problems]))
        self.problems = problems


class Refusal(pulumi.RunError):
    """Why a resource is not written, said by its hook: what stands before it in the update may be done."""


@dataclass(frozen=True)
class Config:
    """A checked configuration, with what its contexts lead to."""

    settings: Settings
    contexts: Mapping[str, Kubeconfig]
    """For the host's and each member's context, the kubeconfig of just that context."""


def load(
    values: Mapping[str, str], folder: Path, environment: Mapping[str, str], secrets: Collection[str] = ()
) -> Config:
    """Check the stack's configuration and read the kubeconfig that it names.

    `values` maps `namespace:key` to text (JSON where structured); other namespaces are ignored. Relative paths
    count from `folder`; `environment` gives KUBECONFIG. `secrets` are the keys with a secret anywhere in their values:
    nothing of these is shown. Raises ConfigError with all problems found.
    """
    given = {k.removeprefix(f"{PROJECT}:"): _decode(v) for k, v in values.items() if k.startswith(f"{PROJECT}:")}
    secret = {key for key in given if f"{PROJECT}:{key}" in secrets}
    problems: list[str] = []
    settings = None
    try:
        settings = TypeAdapter(Settings).validate_python(given)
    except ValidationError as error:
        problems.extend(_describe(each, secret) for each in error.errors())
    contexts, unusable = _load_contexts(given, folder, environment, secret)
    hidden = [text for key in secret for text in _texts(given[key])]
    told = [*contradictions(given), *unusable, *reach.problems(given, contexts), *_unreadable(given, folder)]
    problems.extend(_without(hidden, problem) for problem in told)
    if settings is None or problems:
        raise ConfigError(problems)
    return Config(settings, contexts)


def _decode(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith(("{", "[")) else text
    except (ValueError, RecursionError):
        return text


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict() | list():
            for part in value.values() if isinstance(value, dict) else value:
                yield from _texts(part)


def _without(hidden: Sequence[str], problem: str) -> str:
    """The problem without these texts. All that is given stands in quotes there, which words of ours do not."""
    for text in hidden:
        problem = problem.replace(repr(text), HIDDEN)
    return problem


def _describe(error: ErrorDetails, secret: Collection[str]) -> str:
    path = _path(error["loc"])
    if error["type"] == "missing":
        return f"{path}: is missing; it is required"
    if error["type"] == "extra_forbidden":
        known = _keys_at(error["loc"][:-1])
        nearest = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        return f"{path}: unknown key; {hint}allowed: {', '.join(known)}"
    *_, key, last = (None, *error["loc"])
    if last == KEY_OF_MAP and key == error["input"]:
        # What is wrong is the key itself, whatever its value: the map is where it stands.
        path = _path(error["loc"][:-2])
    reason = {"tuple_type": "is not a list", "dict_type": "is not a map", "model_type": "is not a map"}
    message = reason.get(error["type"], error["msg"].replace("Input should", "should"))
    # Above that section stands what has it inside, and below it what was put a level too high or too deep.
    near_secrets = all(part == other for part, other in zip(error["loc"], SECRETS_SECTION, strict=False))
    hides = near_secrets or error["loc"][0] in secret
    value = HIDDEN if hides else json.dumps(error["input"], default=str)
    return f"{path}: {value} {message}"


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


def _load_contexts(
    given: Mapping[str, Any], folder: Path, environment: Mapping[str, str], secret: Collection[str]
) -> tuple[Mapping[str, Kubeconfig], Sequence[str]]:
    """The contexts that can be used, and what is wrong with the others."""
    named = given.get("kubeconfig")
    paths = [_path_of(str(named), folder)] if named else kubeconfig.default_paths(environment)
    try:
        file = kubeconfig.load(paths)
    except kubeconfig.KubeconfigError as error:
        allowed = "allowed: the path of a kubeconfig; default: $KUBECONFIG, then ~/.kube/config"
        # A whole kubeconfig may have been put where its path belongs.
        said = f"{HIDDEN} leads to none" if "kubeconfig" in secret else str(error)
        return {}, [f"{PROJECT}:kubeconfig: {said}; {allowed}"]
    known = kubeconfig.context_names(file)
    problems: list[str] = []
    contexts: dict[str, Kubeconfig] = {}
    for path, context in context_paths(given):
        if context not in known:
            has = ", ".join(known) or "none"
            problems.append(f"{path}: {context!r} is not a context of the kubeconfig; it has: {has}")
            continue
        try:
            contexts[context] = kubeconfig.pick(file, context)
        except kubeconfig.KubeconfigError as error:
            problems.append(f"{path}: {error}")
    return contexts, problems


def _unreadable(given: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """The other files that are named and cannot be read: they are read when the control plane is under way."""
    key = as_map(as_map(given.get("dns")).get("googleClouddns")).get("credentials")
    if isinstance(key, str) and not key.lstrip().startswith("{") and (why := _why_unreadable(_path_of(key, folder))):
        allowed = "allowed: a service account's key as JSON, or the path of its file"
        yield f"{PROJECT}:dns.googleClouddns.credentials: the file that is named cannot be read: {why}; {allowed}"
    source = as_map(given.get("crds")).get("source") if given.get("engine") != "builtin" else None
    if not isinstance(source, str) or source.startswith("https://"):
        return
    if source and (why := _why_unreadable(folder / source)):
        allowed = "allowed: the path or the https URL of Karmada's crds.tar.gz"
        yield f"{PROJECT}:crds.source: {source!r} cannot be read: {why}; {allowed}"


def _why_unreadable(path: Path) -> str | None:
    try:
        path.open("rb").close()
    except OSError as error:
        return error.strerror
    except ValueError as error:
        return str(error)
    return None


def _path_of(text: str, folder: Path) -> Path:
    # Not Path.expanduser, which raises for a user that is not there.
    return folder / os.path.expanduser(text)  # noqa: PTH111
