"""What a context's user has to show: the answer of a plugin in place of the plugin, and nobody who is nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from federation.settings.kubeconfig import Kubeconfig
from kube.errors import CredentialsError

PLUGIN_SECONDS = 40
"""As long as a cluster that does not answer is waited for altogether."""
FRESH = timedelta(seconds=30)
"""A credential that ends sooner is asked for anew."""
CREDENTIALS = ("token", "client-certificate-data", "username")
"""Keys of a user who shows something, besides tokenFile; one of them is enough."""
LAST = 300
"""Characters of what a plugin said last, for its error."""
EXTENSION = "client.authentication.k8s.io/exec"
"""In a cluster's extensions: what its plugin is told of it."""


class SilentPluginError(CredentialsError):
    """The plugin did not end."""


@dataclass(frozen=True)
class _Answer:
    user: Mapping[str, str]
    """As it stands in a kubeconfig."""
    until: datetime | None


def resolved(kubeconfig: Kubeconfig) -> Kubeconfig:
    """A kubeconfig of one context (`kubeconfig.pick`) without a plugin: with what the plugin answered.

    A plugin is asked once, and again when its answer is over. Raises CredentialsError for one that fails, and for a
    user whose credentials are empty.
    """
    if not kubeconfig["users"]:
        return kubeconfig
    user, cluster = kubeconfig["users"][0]["user"], kubeconfig["clusters"][0]["cluster"]
    kind = (user.get("auth-provider") or {}).get("name", "oidc")
    if kind != "oidc":
        raise CredentialsError(f"kubectl knows no auth-provider {kind!r} any more; allowed: a plugin (exec), or oidc")
    shown: Mapping[str, Any] = user
    if "auth-provider" in user and not _shows_something(user):
        shown = {**user, "token": _oidc_token(kubeconfig)}
    elif "exec" in user and not _shows_something(user):
        shown = {**user, **_plugin(json.dumps([user["exec"], cluster], sort_keys=True)).answer()}
    if not _shows_something(shown):
        raise CredentialsError("it has no credentials: they are empty, and it would be asked as system:anonymous")
    return without_plugin({**kubeconfig, "users": [{**kubeconfig["users"][0], "user": shown}]})


def _oidc_token(kubeconfig: Kubeconfig) -> str:
    """What kubectl's provider of old shows: the token that it has, or a new one where that is over."""
    # The one part of the official client that is used; it takes half a second to import.
    from kubernetes import client, config  # noqa: PLC0415
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415

    settings = client.Configuration()
    try:
        config.load_kube_config_from_dict(dict(kubeconfig), client_configuration=settings)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise CredentialsError(str(error)) from error
    if not (shown := settings.api_key.get("BearerToken", "")):
        raise CredentialsError("its auth-provider oidc has no token that is any good, and got no other")
    return str(shown).removeprefix("Bearer ")


def without_plugin(kubeconfig: Kubeconfig) -> Kubeconfig:
    """The same without a plugin and what it would have shown, for who must not wait for one that does not end."""
    users = [
        {"name": each["name"], "user": {k: v for k, v in each["user"].items() if k != "exec"}}
        for each in kubeconfig["users"]
    ]
    return {**kubeconfig, "users": users}


def _shows_something(user: Mapping[str, Any]) -> bool:
    if file := user.get("tokenFile"):
        try:
            if not Path(file).read_text().strip():
                raise CredentialsError(f"its token file {file} is empty")
        except (OSError, ValueError) as error:
            raise CredentialsError(f"its token file {file} cannot be read: {error}") from error
        return True
    return any(user.get(key) for key in CREDENTIALS)


class _Plugin:
    """One plugin with its arguments; for all threads, one after the other."""

    def __init__(self, plugin: Mapping[str, Any], cluster: Mapping[str, Any]) -> None:
        self._plugin, self._cluster = plugin, cluster
        self._lock = Lock()
        self._answer: _Answer | None = None
        self._failure: CredentialsError | None = None

    def answer(self) -> Mapping[str, str]:
        with self._lock:
            if self._failure is not None:
                raise self._failure
            known = self._answer
            if known is None or (known.until is not None and known.until - FRESH < datetime.now(UTC)):
                try:
                    known = self._answer = _read(self._plugin, _run(self._plugin, self._cluster))
                except CredentialsError as error:
                    # Whoever asks next in this run would wait as long again.
                    self._failure = error
                    raise
            return known.user


@cache
def _plugin(key: str) -> _Plugin:
    plugin, cluster = json.loads(key)
    return _Plugin(plugin, cluster)


def _run(plugin: Mapping[str, Any], cluster: Mapping[str, Any]) -> str:
    command, version = str(plugin.get("command", "")), plugin.get("apiVersion")
    if plugin.get("interactiveMode") == "Always":
        raise CredentialsError(f"its plugin {command} wants a terminal (interactiveMode: Always)")
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = _told_of(cluster)
    info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
    own = {each["name"]: each.get("value") or "" for each in plugin.get("env") or ()}
    try:
        running = subprocess.Popen(
            [command, *(each or "" for each in plugin.get("args") or ())],
            env={**os.environ, **own, "KUBERNETES_EXEC_INFO": info},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        hint = f" ({' '.join(plugin['installHint'].split())})" if plugin.get("installHint") else ""
        raise CredentialsError(f"its plugin {command} cannot be run: {error.strerror}{hint}") from error
    with running:
        try:
            output, errors = running.communicate(timeout=PLUGIN_SECONDS)
        except subprocess.TimeoutExpired:
            raise SilentPluginError(f"its plugin {command} did not end within {PLUGIN_SECONDS} s") from None
        finally:
            # With what it has started itself.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    if running.returncode:
        said = " ".join(errors.split())[-LAST:]
        raise CredentialsError(f"its plugin {command} ended with {running.returncode}{': ' if said else ''}{said}")
    return output


def _told_of(cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    told = {key: value for key, value in cluster.items() if key != "extensions"}
    for each in cluster.get("extensions") or ():
        if each.get("name") == EXTENSION:
            told["config"] = each.get("extension")
    return told


def _read(plugin: Mapping[str, Any], output: str) -> _Answer:
    """What the plugin printed, which is not shown: it may be a secret."""
    command, version = plugin.get("command", ""), plugin.get("apiVersion")
    try:
        told = json.loads(output)
        if told["kind"] != "ExecCredential" or told["apiVersion"] != version:
            raise CredentialsError(f"its plugin {command} did not answer with an ExecCredential of {version}")
        status = told["status"]
        until = datetime.fromisoformat(status["expirationTimestamp"]) if status.get("expirationTimestamp") else None
        if until is not None and until.tzinfo is None:
            raise ValueError("a time of nowhere")
        pems = {"client-certificate-data": "clientCertificateData", "client-key-data": "clientKeyData"}
        user = {key: b64encode(status[name].encode()).decode() for key, name in pems.items() if status.get(name)}
        if status.get("token"):
            user["token"] = status["token"]
        return _Answer(user, until)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CredentialsError(f"its plugin {command} did not answer with an ExecCredential") from None
