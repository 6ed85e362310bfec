"""Kubeconfig files as values: read, pick one context out, merge several. No Pulumi, no network."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Kubeconfig = Mapping[str, Any]
"""A parsed kubeconfig, in the shape of the file."""

_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_REQUIRED = {"clusters": "server", "users": None, "contexts": "cluster"}
_FILES = {"certificate-authority", "client-certificate", "client-key"}


class KubeconfigError(ValueError):
    """A kubeconfig that cannot be used; the message says which file and why."""


def default_paths(environment: Mapping[str, str]) -> list[Path]:
    """Where kubectl looks: every file of $KUBECONFIG, else ~/.kube/config."""
    named = [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    return named or [Path("~/.kube/config").expanduser()]


def load(paths: Sequence[Path]) -> Kubeconfig:
    """Read the files and merge them as kubectl does: the first to name an entry wins.

    Files that the entries point to (certificates, keys) are read into the entries, so that the result can
    be used from any folder. Raises KubeconfigError for a file that is missing, not YAML, or not a kubeconfig.
    """
    return merge(_read(path) for path in paths)


def context_names(kubeconfig: Kubeconfig) -> list[str]:
    """The contexts of the kubeconfig, in the order of the file."""
    return [entry["name"] for entry in kubeconfig["contexts"]]


def pick(kubeconfig: Kubeconfig, context: str) -> Kubeconfig:
    """A kubeconfig of just this context, made current; its cluster and user take the context's name.

    So picks of several files never clash: in each of them the user may be called `admin`.
    """
    chosen = _named(kubeconfig, "contexts", context)["context"]
    cluster = {**_named(kubeconfig, "clusters", chosen["cluster"]), "name": context}
    users = [{**_named(kubeconfig, "users", user), "name": context}] if (user := chosen.get("user")) else []
    renamed = {**chosen, "cluster": context, **({"user": context} if users else {})}
    return _assemble([cluster], users, [{"name": context, "context": renamed}], context)


def server(kubeconfig: Kubeconfig) -> str:
    """The URL of the API server that the current context leads to."""
    context = _named(kubeconfig, "contexts", kubeconfig["current-context"])
    return str(_named(kubeconfig, "clusters", context["context"]["cluster"])["cluster"]["server"])


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
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise KubeconfigError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise KubeconfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or content.get("kind") != "Config":
        raise KubeconfigError(f"{path}: not a kubeconfig (kind: Config is missing)")
    for section, kind in _SECTIONS.items():
        entries = content.get(section) or []
        if not isinstance(entries, list):
            raise KubeconfigError(f"{path}: {section} is not a list")
        for entry in entries:
            _check(entry, section, kind, path)
            for name in _FILES.intersection(entry[kind]):
                _inline(entry[kind], name, path.parent)
    return content


def _check(entry: Any, section: str, kind: str, path: Path) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not isinstance(entry.get(kind), dict):
        raise KubeconfigError(f"{path}: an entry of {section} lacks its name or its {kind}")
    texts = _FILES.intersection(entry[kind]) | ({required} if (required := _REQUIRED[section]) else set())
    for key in sorted(texts):
        if not isinstance(entry[kind].get(key), str):
            raise KubeconfigError(f"{path}: {entry['name']!r} in {section} lacks its {key}, or it is no text")


def _inline(body: dict[str, Any], name: str, folder: Path) -> None:
    file = folder / body.pop(name)
    try:
        body.setdefault(f"{name}-data", base64.b64encode(file.read_bytes()).decode())
    except OSError as error:
        raise KubeconfigError(f"{file} ({name} of the kubeconfig): {error.strerror}") from error


def _named(kubeconfig: Kubeconfig, section: str, name: str) -> Mapping[str, Any]:
    for entry in kubeconfig.get(section) or []:
        if entry["name"] == name:
            return dict(entry)
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
