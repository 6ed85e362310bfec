"""Kubeconfig files as values: read, pick one context out, merge several. No Pulumi, no network."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Kubeconfig = Mapping[str, Any]
"""A parsed kubeconfig, in the shape of the file."""

_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_CERTIFICATES = ("certificate-authority", "client-certificate", "client-key")
"""Files that are read into the entry, under their name with -data."""
_TOKEN_FILE = "tokenFile"
"""It stays a file, as what it says changes."""
INSECURE, SERVER_NAME, PROXY = "insecure-skip-tls-verify", "tls-server-name", "proxy-url"
"""Keys of a cluster, beside its `server`."""
_TEXTS = ("token", "username", "password", "client-certificate-data", "client-key-data", "as", "as-uid", _TOKEN_FILE)
"""Keys of a user that have a text, where they are there at all."""


class _Loader(yaml.SafeLoader):
    """Reads a date as the text that it is, as kubectl does."""


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class KubeconfigError(ValueError):
    """A kubeconfig that cannot be used; the message says which file and why."""


def default_paths(environment: Mapping[str, str]) -> list[Path]:
    """Where kubectl looks: every file of $KUBECONFIG, else ~/.kube/config."""
    named = [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    return named or [Path("~/.kube/config").expanduser()]


def load(paths: Sequence[Path]) -> Kubeconfig:
    """Read the files and merge them as kubectl does: the first to name an entry wins, and what is not there is skipped.

    Raises KubeconfigError where none is there, and for a file that cannot be read, is not YAML, or not a kubeconfig.
    What single entries say is looked at by `pick` alone: others may be as they are.
    """
    return merge([_read(path) for path in paths if os.path.lexists(path)] or map(_read, paths))


def context_names(kubeconfig: Kubeconfig) -> list[str]:
    """The contexts of the kubeconfig, in the order of the file."""
    return [entry["name"] for entry in kubeconfig["contexts"]]


def pick(kubeconfig: Kubeconfig, context: str) -> Kubeconfig:
    """A kubeconfig of just this context, made current; its cluster and user take the context's name.

    So picks of several files never clash: in each of them the user may be called `admin`. Certificates and keys that
    lie in files are read in. Raises KubeconfigError for what is missing, or no text.
    """
    chosen = _named(kubeconfig, "contexts", context)
    name = _text(chosen, "cluster", f"context {context!r}")
    cluster = _with_files(_named(kubeconfig, "clusters", name))
    _check_cluster(cluster, f"{name!r} in clusters")
    renamed, users, user = {**chosen, "cluster": context}, [], {}
    if chosen.get("user"):
        user = _with_files(_named(kubeconfig, "users", str(chosen["user"])))
        _check_user(user, f"{chosen['user']!r} in users")
        if _TOKEN_FILE in user:
            user.pop("token", None)
        users = [{"name": context, "user": user}]
        renamed["user"] = context
    contexts = [{"name": context, "context": renamed}]
    reached = {**cluster, "server": _with_scheme(cluster, user)}
    return _assemble([{"name": context, "cluster": reached}], users, contexts, context)


def cluster(kubeconfig: Kubeconfig) -> Mapping[str, Any]:
    """The cluster that the current context leads to."""
    context = _named(kubeconfig, "contexts", kubeconfig["current-context"])
    return _named(kubeconfig, "clusters", context["cluster"])


def server(kubeconfig: Kubeconfig) -> str:
    """The URL of its API server."""
    return str(cluster(kubeconfig)["server"])


def with_client_certificate(name: str, server: str, ca: str, certificate: str, key: str) -> Kubeconfig:
    """A kubeconfig whose cluster, user and context are all called `name`; `ca`, `certificate`, `key` are PEM."""
    cluster = {"name": name, "cluster": {"server": server, "certificate-authority-data": _base64(ca)}}
    credentials = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
    user = {"name": name, "user": credentials}
    return _assemble([cluster], [user], [{"name": name, "context": {"cluster": name, "user": name}}], name)


def merge(kubeconfigs: Iterable[Kubeconfig]) -> Kubeconfig:
    """One kubeconfig of all entries; of two with one name the first stays, as does the first current context."""
    kept: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    current = ""
    for kubeconfig in kubeconfigs:
        current = current or kubeconfig.get("current-context") or ""
        for kind, entries in kept.items():
            for entry in kubeconfig.get(kind) or []:
                entries.setdefault(entry["name"], entry)
    clusters, users, contexts = (list(entries.values()) for entries in kept.values())
    return _assemble(clusters, users, contexts, current)


def dump(kubeconfig: Kubeconfig) -> str:
    """The kubeconfig as the text of a file."""
    return yaml.safe_dump(dict(kubeconfig), sort_keys=False)


def _read(path: Path) -> Kubeconfig:
    try:
        content = _parsed(path.read_text())
    except OSError as error:
        raise KubeconfigError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        # Its words would show a part of the file, which may be a token.
        mark = getattr(error, "problem_mark", None)
        raise KubeconfigError(f"{path}: not YAML{f' (line {mark.line + 1})' if mark else ''}") from None
    content = {} if content is None else content
    if not isinstance(content, dict) or content.get("kind", "Config") != "Config":
        raise KubeconfigError(f"{path}: not a kubeconfig (kind: Config is missing)")
    for section, kind in _SECTIONS.items():
        entries = content.get(section) or []
        if not isinstance(entries, list):
            raise KubeconfigError(f"{path}: {section} is not a list")
        content[section] = [_entry(each, section, kind, path) for each in entries]
    return content


def _parsed(text: str) -> Any:
    """As kubectl has it: of several documents the first, and of JSON also what is indented by tabs."""
    try:
        return json.loads(text)
    except ValueError:
        return next(yaml.load_all(text, _Loader), None)


def _entry(entry: Any, section: str, kind: str, path: Path) -> Mapping[str, Any]:
    """The entry with paths that hold from any folder. One that says nothing (null) is empty, as kubectl has it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise KubeconfigError(f"{path}: an entry of {section} lacks its name, or it is no text")
    body = {} if entry.get(kind) is None else entry[kind]
    if not isinstance(body, dict):
        raise KubeconfigError(f"{path}: {entry['name']!r} in {section} has a {kind} that is no map")
    body = {key: value for key, value in body.items() if value is not None}
    for key in (*_CERTIFICATES, _TOKEN_FILE):
        if body.get(key) == "":
            del body[key]
        elif isinstance(body.get(key), str):
            body[key] = str(path.parent.absolute() / body[key])
    plugin = body.get("exec")
    # One without a slash is looked for in PATH.
    if isinstance(plugin, dict) and "/" in str(plugin.get("command", "")):
        plugin["command"] = str(path.parent.absolute() / plugin["command"])
    return {"name": entry["name"], kind: body}


def _with_scheme(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> str:
    """The URL of the server; of a host and port alone, kubectl makes one by whether anything is said of TLS."""
    scheme, separator, rest = str(cluster["server"]).partition("://")
    if separator:
        return f"{scheme.lower()}://{rest}"
    secure = cluster.get("certificate-authority-data") or user.get("client-certificate-data") or cluster.get(INSECURE)
    return f"{'https' if secure else 'http'}://{cluster['server']}"


def _check_cluster(cluster: Mapping[str, Any], whose: str) -> None:
    _text(cluster, "server", whose)
    for key in (SERVER_NAME, PROXY):
        if cluster.get(key) not in (None, ""):
            _text(cluster, key, whose)
    insecure = cluster.get(INSECURE)
    if not isinstance(insecure, bool | None):
        raise KubeconfigError(f"{whose} has a value of {INSECURE} that is neither true nor false")
    if insecure and cluster.get("certificate-authority-data"):
        raise KubeconfigError(f"{whose} has a certificate-authority, and {INSECURE} too; keep one")


def _check_user(user: Mapping[str, Any], whose: str) -> None:
    """Refuse what kubectl cannot read: it would be taken for something else, or by Pulumi's provider alone."""
    for key in _TEXTS:
        if not isinstance(user.get(key, ""), str):
            raise KubeconfigError(f"{whose} has a {key} that is no text; a number is one in quotes")
    if not _are_texts(user.get("as-groups", [])):
        raise KubeconfigError(f"{whose} has as-groups that are no list of texts")
    extra = user.get("as-user-extra", {})
    if not (isinstance(extra, dict) and all(map(_are_texts, extra.values()))):
        raise KubeconfigError(f"{whose} has an as-user-extra that is no map of lists of texts")
    if not isinstance(user.get("auth-provider", {}), dict):
        raise KubeconfigError(f"{whose} has an auth-provider that is no map")
    if "exec" in user:
        _check_plugin(user["exec"], whose)


def _check_plugin(plugin: Any, whose: str) -> None:
    if not isinstance(plugin, dict):
        raise KubeconfigError(f"{whose} has an exec that is no map")
    _text(plugin, "command", f"the exec of {whose}")
    if not _are_texts(plugin.get("args") or []):
        raise KubeconfigError(f"the exec of {whose} has args that are no list of texts; a number is one in quotes")
    variables = plugin.get("env") or []
    pairs = isinstance(variables, list) and all(
        isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("value") or "", str)
        for each in variables
    )
    if not pairs:
        raise KubeconfigError(f"the exec of {whose} has an env that is no list of names and values, which are texts")


def _are_texts(value: Any) -> bool:
    """Null is an empty text, as kubectl has it."""
    return isinstance(value, list) and all(isinstance(each, str | None) for each in value)


def _with_files(body: Mapping[str, Any]) -> dict[str, Any]:
    """With the content of the certificates and keys; what stands in the entry itself comes first."""
    whole = {key: value for key, value in body.items() if key not in _CERTIFICATES}
    for key in _CERTIFICATES:
        if key in body and not whole.get(f"{key}-data"):
            file = Path(_text(body, key, "the kubeconfig"))
            try:
                whole[f"{key}-data"] = base64.b64encode(file.read_bytes()).decode()
            except OSError as error:
                raise KubeconfigError(f"{file} ({key} of the kubeconfig): {error.strerror}") from error
    return whole


def _text(body: Mapping[str, Any], key: str, whose: str) -> str:
    found = body.get(key)
    if not isinstance(found, str) or not found:
        raise KubeconfigError(f"{whose} lacks its {key}, or it is no text")
    return found


def _named(kubeconfig: Kubeconfig, section: str, name: str) -> Mapping[str, Any]:
    for entry in kubeconfig.get(section) or []:
        if entry["name"] == name:
            body: Mapping[str, Any] = entry[_SECTIONS[section]]
            return body
    raise KubeconfigError(f"the kubeconfig has no entry {name!r} in {section}")


def _assemble(clusters: Any, users: Any, contexts: Any, current: str) -> Kubeconfig:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": clusters,
        "users": users,
        "contexts": contexts,
        "current-context": current,
    }


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
