"""Kubeconfigs that people have: what kubectl, asked beside us, takes is taken, and what it refuses is refused."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from federation.clusters.identity import Unreachable, identify
from federation.settings import kubeconfig
from federation.settings.kubeconfig import KubeconfigError
from lab.federation import UNATTENDED
from lab.fleet.private import write_private
from lab.toolbox import tool
from tests.figures import Figures
from tests.fleet.conftest import Clusters, Federation

CONTEXT = "rohan"
VERSION = "client.authentication.k8s.io/v1beta1"
ACCOUNT = "kubeconfigs"
"""In rohan, with all rights."""
Content = dict[str, Any]


@dataclass(frozen=True)
class Rohan:
    good: Content
    """The kubeconfig of its administrator, by a client certificate, and no other context."""
    token: str
    folder: Path

    def ask(self, *contents: Content | str, files: Mapping[str, str] | None = None) -> tuple[bool, str | Unreachable]:
        """What kubectl makes of a list of kubeconfigs, and what we do; an absent file is told by an empty list."""
        paths = []
        for number, content in enumerate(contents):
            path = self.folder / str(number)
            path.unlink(missing_ok=True)
            if content != "absent":
                write_private(path, (content if isinstance(content, str) else yaml.safe_dump(content)).encode())
            paths.append(path)
        for name, text in (files or {}).items():
            file = self.folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        environment = {**os.environ, "KUBECONFIG": ":".join(map(str, paths))}
        command = [str(tool("kubectl")), "--context", CONTEXT, "get", "namespace", "kube-system", "-o", "name"]
        beside = subprocess.run(command, env=environment, check=False, stdin=subprocess.DEVNULL, capture_output=True)
        try:
            own = kubeconfig.pick(kubeconfig.load(kubeconfig.default_paths(environment)), CONTEXT)
        except KubeconfigError as error:
            return beside.returncode == 0, Unreachable(CONTEXT, "", str(error), refused=True)
        return beside.returncode == 0, identify({CONTEXT: own})[CONTEXT]

    def user(self, **user: Any) -> Content:
        return {**self.good, "users": [{"name": CONTEXT, "user": user}]}

    def cluster(self, **cluster: Any) -> Content:
        old = self.good["clusters"][0]["cluster"]
        new = {key: value for key, value in {**old, **cluster}.items() if value is not None}
        return {**self.good, "clusters": [{"name": CONTEXT, "cluster": new}]}

    def plugin(self, command: str, **more: Any) -> Content:
        return self.user(exec={"apiVersion": VERSION, "command": command, "interactiveMode": "Never", **more})

    @property
    def credential(self) -> str:
        return json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": {"token": self.token}})


@pytest.fixture(scope="module")
def rohan(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rohan]:
    own = kubeconfig.pick(kubeconfig.load([clusters.kubeconfig]), CONTEXT)
    where = ("-n", "kube-system")
    clusters.kubectl(CONTEXT, "create", "serviceaccount", ACCOUNT, *where)
    binding = ("clusterrolebinding", ACCOUNT)
    role = ("--clusterrole=cluster-admin", f"--serviceaccount=kube-system:{ACCOUNT}")
    clusters.kubectl(CONTEXT, "create", *binding, *role)
    token = clusters.kubectl(CONTEXT, "create", "token", ACCOUNT, *where).strip()
    yield Rohan(dict(own), token, tmp_path_factory.mktemp("kubeconfigs"))
    clusters.kubectl(CONTEXT, "delete", *binding)
    clusters.kubectl(CONTEXT, "delete", "serviceaccount", ACCOUNT, *where)


BROKEN: Content = {
    "clusters": [{"name": "m", "cluster": {"server": "https://m", "certificate-authority": "gone.crt"}}],
    "users": [{"name": "null", "user": None}, {"name": "m", "user": {"client-key": "gone.key"}}],
    "contexts": [
        {"name": "m", "context": {"cluster": "m", "user": "m"}},
        {"name": "half", "context": {"user": "null"}},
    ],
}
"""Entries that nobody uses."""
OTHER: Content = {"apiVersion": "v1", "kind": "Config", **BROKEN}


@contextmanager
def _user(federation: Federation, clusters: Clusters, rohan: Content, folder: Path) -> Iterator[None]:
    """The federation with another user for rohan."""
    good, file = federation.stack.settings.read_text(), folder / "kubeconfig"
    changed = yaml.safe_load(clusters.kubeconfig.read_text())
    (user,) = rohan["users"]
    changed["users"] = [user if each["name"] == CONTEXT else each for each in changed["users"]]
    write_private(file, yaml.safe_dump(changed).encode())
    federation.stack.settings.write_text(good.replace(str(clusters.kubeconfig), str(file)))
    try:
        yield
    finally:
        federation.stack.settings.write_text(good)


def without(content: Content, key: str) -> Content:
    return {name: value for name, value in content.items() if name != key}


TAKEN: Mapping[str, Callable[[Rohan], tuple[bool, str | Unreachable]]] = {
    "as it is": lambda r: r.ask(r.good),
    "a list with files that are not there, empty, or another's": lambda r: r.ask("absent", "", OTHER, r.good),
    "entries that nobody uses": lambda r: r.ask({**r.good, **{key: [*r.good[key], *BROKEN[key]] for key in BROKEN}}),
    "without kind": lambda r: r.ask(without(r.good, "kind")),
    "without apiVersion": lambda r: r.ask(without(r.good, "apiVersion")),
    "an empty path": lambda r: r.ask(r.cluster(**{"certificate-authority": ""})),
    "a token": lambda r: r.ask(r.user(token=r.token)),
    "a token file beside it": lambda r: r.ask(r.user(tokenFile="token"), files={"token": r.token}),
    "a token file before a token": lambda r: r.ask(r.user(tokenFile="token", token="x"), files={"token": r.token}),
    "a plugin beside it": lambda r: r.ask(
        r.plugin("bin/plugin.sh"), files={"bin/plugin.sh": f"#!/bin/sh\necho '{r.credential}'\n"}
    ),
    "a plugin in PATH": lambda r: r.ask(r.plugin("printf", args=["%s", r.credential])),
    "as an administrator": lambda r: r.ask(r.user(token=r.token, **{"as": "x", "as-groups": ["a", "system:masters"]})),
    "any certificate": lambda r: r.ask(
        r.cluster(**{"insecure-skip-tls-verify": True, "certificate-authority-data": None})
    ),
    "another name in the certificate": lambda r: r.ask(r.cluster(**{"tls-server-name": "kubernetes.default"})),
}
REFUSED: Mapping[str, Callable[[Rohan], tuple[bool, str | Unreachable]]] = {
    "no file": lambda r: r.ask("absent"),
    "an empty file": lambda r: r.ask(""),
    "another kind": lambda r: r.ask({**r.good, "kind": "Secret"}),
    "an empty token": lambda r: r.ask(r.user(token="")),
    "an empty token file": lambda r: r.ask(r.user(tokenFile="token"), files={"token": ""}),
    "no token file": lambda r: r.ask(r.user(tokenFile="none")),
    "a user that is null": lambda r: r.ask({**r.good, "users": [{"name": CONTEXT, "user": None}]}),
    "an auth-provider of old": lambda r: r.ask(r.user(**{"auth-provider": {"name": "gcp"}})),
    "a plugin that is not there": lambda r: r.ask(r.plugin("not-there")),
    "a plugin that fails": lambda r: r.ask(r.plugin("sh", args=["-c", "echo no >&2; exit 255"])),
    "a plugin without an answer": lambda r: r.ask(r.plugin("true")),
    "a plugin with another answer": lambda r: r.ask(r.plugin("echo", args=["{}"])),
    "a plugin of another version": lambda r: r.ask(
        r.plugin("echo", args=[r.credential], apiVersion="client.authentication.k8s.io/v1")
    ),
    "a name that the certificate has not": lambda r: r.ask(r.cluster(**{"tls-server-name": "elsewhere"})),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_kubectl_takes_is_taken(rohan: Rohan, clusters: Clusters, what: str) -> None:
    by_kubectl, by_us = TAKEN[what](rohan)
    assert by_kubectl
    assert by_us == clusters.get(CONTEXT, "namespace", "kube-system")["metadata"]["uid"]


@pytest.mark.parametrize("what", REFUSED)
def test_what_kubectl_refuses_is_refused(rohan: Rohan, what: str) -> None:
    by_kubectl, by_us = REFUSED[what](rohan)
    assert not by_kubectl
    assert isinstance(by_us, Unreachable)
    assert by_us.refused, by_us


def test_who_is_impersonated_has_its_own_rights_and_no_more(rohan: Rohan) -> None:
    by_kubectl, by_us = rohan.ask(rohan.user(token=rohan.token, **{"as": "frodo"}))
    assert not by_kubectl
    assert isinstance(by_us, Unreachable)
    assert "403" in by_us.reason


def test_a_plugin_that_fails_is_told_and_the_credentials_in_the_state_stay(
    federation: Federation, clusters: Clusters, rohan: Rohan, tmp_path: Path
) -> None:
    told = "cannot be used: its credentials do not work: its plugin not-there cannot be run: No such file or directory"
    with _user(federation, clusters, rohan.plugin("not-there"), tmp_path):
        code, log, _ = federation.pulumi("preview")
        assert code == 0, log
        assert told in log
        code, log, _ = federation.pulumi("up", *UNATTENDED)
        assert code != 0
        assert "rohan: out of reach, as the credentials are refused (see the warning)" in log
        state = json.loads(federation.stack.state("--show-secrets"))["deployment"]["resources"]
        # Of the stack's own outputs one is the kubeconfig as it is configured.
        changed = [each["urn"] for each in state if "not-there" in json.dumps(each.get("inputs"))]
        assert changed == []


def test_a_plugin_that_does_not_end_is_named_within_40_seconds(
    federation: Federation, clusters: Clusters, rohan: Rohan, tmp_path: Path, figures: Figures
) -> None:
    _, _, usual = federation.pulumi("preview")
    with _user(federation, clusters, rohan.plugin("sleep", args=["3600"]), tmp_path):
        code, log, seconds = federation.pulumi("preview")
    figures.add("preview with a plugin that does not end", seconds)
    assert code == 0, log
    assert "cannot be used: its plugin sleep did not end within 40 s" in log
    assert seconds - usual < 60
