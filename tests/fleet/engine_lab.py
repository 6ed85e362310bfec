"""The built-in engine as a process on this machine, with API servers of its own: a federation API and two members."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from embedded.stack import CHECKOUT
from federation import access, names
from federation.access import Rights, Rule
from federation.engine.builtin import rules
from federation.kubeconfig import load, pick, server
from federation.settings import Kind
from fleet.private import write_private
from fleet.waiting import wait_until
from tests.fleet.conftest import FLEET
from toolbox import tool

API = "api"
MEMBERS = ("gondor", "rohan")
FEDERATION = "fellowship"
OWN = f"federation-{FEDERATION}"
KINDS: Sequence[Kind] = ("Service", "ConfigMap", "Secret", "Deployment", "StatefulSet", "DaemonSet", "Job")
ACCOUNT = "engine"
Json = dict[str, Any]


@dataclass
class Lab:
    """The API servers, and the engine once it was started."""

    folder: Path
    kinds: Sequence[Kind] = KINDS
    """What the engine carries, unless it is started with others."""
    process: subprocess.Popen[bytes] | None = None
    url: str = ""
    """Of the engine's probes."""

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def log(self) -> Path:
        return self.folder / "engine.log"

    def fleet(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "fleet", "--fleet", f"{FLEET}-engine", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, check=False, text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def kubectl(self, context: str, *arguments: str, stdin: str | None = None) -> str:
        command = [str(tool("kubectl")), "--kubeconfig", str(self.kubeconfig), "--context", context, *arguments]
        done = subprocess.run(command, input=stdin, check=False, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, context: str, *objects: Json) -> None:
        self.kubectl(context, "apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def get(self, context: str, *what: str) -> Json | None:
        """One object; None if it is not there."""
        found = self.kubectl(context, "get", *what, "--ignore-not-found", "-o", "json")
        return json.loads(found) if found.strip() else None

    def managers(self, context: str, kind: str, name: str, namespace: str) -> list[Json]:
        """Who manages which fields of the object."""
        found = self.kubectl(context, "get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields")
        entries: list[Json] = json.loads(found)["metadata"]["managedFields"]
        return entries

    def ready(self, member: str) -> Json:
        """The condition Ready of the member's Cluster; empty if there is none yet."""
        cluster = self.get(API, "cluster", member) or {}
        conditions: list[Json] = cluster.get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == "Ready"), {})

    def prepare(self) -> None:
        """Makes in the federation API what the engine needs, and nothing more: its kind, its account."""
        for kind in ("cluster", "propagation"):
            self.kubectl(API, "apply", "-f", str(CHECKOUT / "federation" / "engine" / "builtin" / f"{kind}.yaml"))
        self.kubectl(API, "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        token = self.account(API, rules.everywhere(self.kinds), rules.CREDENTIALS)
        config = yaml.safe_load(self.kubectl(API, "config", "view", "--raw", "--minify"))
        config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
        write_private(self.folder / "engine.kubeconfig", yaml.safe_dump(config).encode())

    def start(self, kinds: Sequence[Kind] = ()) -> None:
        """Starts the engine and waits until it has seen the federation API."""
        command = [sys.executable, "-m", "controllers.engine", "--kubeconfig", str(self.folder / "engine.kubeconfig")]
        command += ["--federation", FEDERATION, "--kinds", ",".join(kinds or self.kinds), "--listen", "127.0.0.1:0"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=CHECKOUT, stderr=log)
        wait_until("the engine's address", lambda: "127.0.0.1:" in self.log.read_text(), 30)
        found = re.search(r"127\.0\.0\.1:\d+", self.log.read_text())
        assert found is not None
        self.url = f"http://{found[0]}"
        wait_until("the engine to be healthy", lambda: requests.get(f"{self.url}/healthz", timeout=5).ok, 30)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def join(self, member: str, given: Rights | None = None) -> None:
        """A Cluster with the credentials of an account that may do what is given (full), and no more."""
        given = given or Rights(access.BUILTIN.full)
        token = self.account(member, given.everywhere, given.within, given.namespaces)
        cluster = pick(load([self.kubeconfig]), member)
        data = {"caBundle": _authority(self.kubeconfig, member), "token": _base64(token)}
        self.apply(API, _object("v1", "Secret", member, namespace=OWN) | {"data": data})
        spec = {"syncMode": "Push", "apiEndpoint": server(cluster), "secretRef": {"namespace": OWN, "name": member}}
        joined = _object("cluster.karmada.io/v1alpha1", "Cluster", member)
        if given.looks_within:
            joined["metadata"]["annotations"] = {names.NAMESPACES: ",".join(given.namespaces)}
        self.apply(API, joined | {"spec": spec})

    def stand_in(self, member: str, url: str) -> None:
        """A Cluster for an API server that takes every token, and whose certificate nobody has signed."""
        self.apply(API, _object("v1", "Secret", member, namespace=OWN) | {"data": {"token": _base64("any")}})
        spec: Json = {"syncMode": "Push", "apiEndpoint": url, "secretRef": {"namespace": OWN, "name": member}}
        spec["insecureSkipTLSVerification"] = True
        self.apply(API, _object("cluster.karmada.io/v1alpha1", "Cluster", member) | {"spec": spec})

    def metric(self, name: str) -> float:
        """The sum of a figure of the engine over all its labels."""
        lines = requests.get(f"{self.url}/metrics", timeout=5).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[ {{]", line))

    def account(
        self, context: str, everywhere: Sequence[Rule], within: Sequence[Rule] = (), namespaces: Sequence[str] = (OWN,)
    ) -> str:
        """A new token for an account with these rights: `within` these namespaces, which must be there."""
        subject = {"kind": "ServiceAccount", "namespace": OWN, "name": ACCOUNT}
        objects = [_object("v1", "Namespace", OWN), _object("v1", "ServiceAccount", ACCOUNT, namespace=OWN)]
        places = [("Role", {"namespace": each}, within) for each in namespaces or (OWN,)]
        for kind, where, given in (("ClusterRole", {}, everywhere), *places):
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": ACCOUNT}
            objects.append(
                _object("rbac.authorization.k8s.io/v1", kind, ACCOUNT, **where)
                | {"rules": [_rule(rule) for rule in given]}
            )
            objects.append(
                _object("rbac.authorization.k8s.io/v1", f"{kind}Binding", ACCOUNT, **where)
                | {"roleRef": reference, "subjects": [subject]}
            )
        self.apply(context, *objects)
        return self.kubectl(context, "create", "token", ACCOUNT, "-n", OWN, "--duration=1h").strip()


@contextmanager
def running(folder: Path, members: Sequence[str] = MEMBERS, kinds: Sequence[Kind] = KINDS) -> Iterator[Lab]:
    """The API servers, newly started, and the engine running; they end with the block. No member is joined."""
    lab = Lab(folder, kinds)
    # What a killed run left behind says nothing about this checkout.
    lab.fleet("down")
    try:
        servers = [argument for name in (API, *members) for argument in ("--api-only", name)]
        lab.fleet("up", *servers, "--kubeconfig", str(lab.kubeconfig))
        lab.prepare()
        lab.start()
        yield lab
    finally:
        lab.stop()
        lab.fleet("down")


def seconds_until(what: str, condition: Callable[[], Any], timeout: float = 30) -> float:
    """How long it takes; kubectl is asked, which adds a tenth of a second."""
    began = time.monotonic()
    wait_until(what, lambda: bool(condition()), timeout)
    return time.monotonic() - began


def _object(version: str, kind: str, name: str, **metadata: str) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}


def _rule(rule: Mapping[str, Any]) -> Json:
    keys = {"api_groups": "apiGroups", "non_resource_urls": "nonResourceURLs", "resource_names": "resourceNames"}
    return {keys.get(key, key): list(value) for key, value in rule.items()}


def _authority(kubeconfig: Path, context: str) -> str:
    config = yaml.safe_load(kubeconfig.read_text())
    used = next(each["context"]["cluster"] for each in config["contexts"] if each["name"] == context)
    found = next(each["cluster"] for each in config["clusters"] if each["name"] == used)
    return str(found["certificate-authority-data"])


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
