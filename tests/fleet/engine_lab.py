"""The built-in engine as a process on this machine, with API servers of its own: a federation API and two members."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from types import MappingProxyType
from typing import Any

import requests
import yaml

from controllers.runtime.api import Api
from federation.engine.builtin import rules
from federation.settings import access
from federation.settings.access import Rights, Rule
from federation.settings.keys import NAMESPACES
from federation.settings.kubeconfig import load, pick, server
from federation.settings.schema import Kind
from lab.fleet.private import write_private
from lab.fleet.waiting import wait_until
from lab.stack import CHECKOUT
from lab.toolbox import tool
from tests.fleet.conftest import FLEET, KUBECTL
from tests.fleet.looking import look

API = "api"
MEMBERS = ("gondor", "rohan")
FEDERATION = "fellowship"
NAMESPACE = "shire"
"""What the tests work in."""
OWN = f"federation-{FEDERATION}"
SYSTEM = "federation-system"
KINDS: Sequence[Kind] = ("Service", "ConfigMap", "Secret", "Deployment", "StatefulSet", "DaemonSet", "Job")
ACCOUNT = "engine"
SERVING = re.compile(r"serving on (127\.0\.0\.1:\d+)")
Json = dict[str, Any]


@dataclass
class Engine:
    """A process of the engine, which is started anew when it ends with 1: the kubelet does so, too.

    It ends so after 7 s without a renewal of its Lease, as when this machine stands still or its API is away. One that
    is killed or terminated stays so.
    """

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    stays_ended: bool = False
    """Set when it is to be started anew no more."""

    def __post_init__(self) -> None:
        self._starting = Lock()
        self.log.write_bytes(b"")
        self.process = self._process()
        Thread(target=self._restart, name=self.log.stem, daemon=True).start()

    @property
    def url(self) -> str:
        """Of its probes; each process has its own."""
        return f"http://{SERVING.findall(self.log.read_text())[-1]}"

    @property
    def leads(self) -> bool:
        try:
            return "\nfederation_leads 1.0" in requests.get(f"{self.url}/metrics", timeout=30).text
        except requests.ConnectionError:
            return False  # It has ended.

    @property
    def led_from(self) -> float:
        """When it began to lead (time.time), by its own log."""
        lines = map(json.loads, self.log.read_text().splitlines())
        began = next(line["time"] for line in lines if line["message"].startswith("leads: "))
        return datetime.fromisoformat(began).timestamp()

    def await_health(self) -> None:
        wait_until("the engine's address", lambda: bool(SERVING.search(self.log.read_text())), 30)
        wait_until("the engine to be healthy", lambda: requests.get(f"{self.url}/healthz", timeout=30).ok, 30)

    def kill(self) -> None:
        with self._starting:
            self.stays_ended = True
            self.process.kill()
        self.process.wait(10)

    def _process(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as file:
            return subprocess.Popen(self.command, cwd=CHECKOUT, stderr=file, env={**os.environ, **self.environment})

    def _restart(self) -> None:
        while self.process.wait() == 1:
            time.sleep(1)
            with self._starting:
                if self.stays_ended:
                    return
                self.process = self._process()


@dataclass
class Lab:
    """The API servers, and the engine once it was started."""

    folder: Path
    kinds: Sequence[Kind] = KINDS
    """What the engine carries, unless it is started with others."""
    engine: Engine | None = None
    """The one that was started first."""
    engines: list[Engine] = field(default_factory=list)
    """All that were started."""

    @property
    def url(self) -> str:
        """Of the engine's probes."""
        assert self.engine is not None
        return self.engine.url

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def log(self) -> Path:
        return self.folder / "engine.log"

    def fleet(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "lab.fleet", "--fleet", f"{FLEET}-engine", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, check=False, text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def kubectl(self, context: str, *arguments: str, stdin: str | None = None) -> str:
        command = [str(tool("kubectl")), "--kubeconfig", str(self.kubeconfig), "--context", context, *arguments]
        environment = os.environ | KUBECTL
        done = subprocess.run(command, input=stdin, check=False, text=True, capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def api(self, context: str) -> Api:
        """Without kubectl, which would be the slowest part of what is measured."""
        file = self.folder / f"{context}.kubeconfig"
        if not file.exists():
            write_private(file, self.kubectl(context, "config", "view", "--raw", "--minify").encode())
        return Api.of_kubeconfig(file)

    def apply(self, context: str, *objects: Json) -> None:
        self.kubectl(context, "apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def get(self, context: str, *what: str) -> Json | None:
        """One object; None if it is not there."""
        return look(self.kubeconfig, context, *what)

    def managers(self, context: str, kind: str, name: str, namespace: str) -> list[Json]:
        """Who manages which fields of the object."""
        found = self.kubectl(context, "get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields")
        entries: list[Json] = json.loads(found)["metadata"]["managedFields"]
        return entries

    def condition(self, member: str, kind: str) -> Json:
        """A condition of the member's Cluster; empty if there is none yet."""
        cluster = self.get(API, "cluster", member) or {}
        conditions: list[Json] = cluster.get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == kind), {})

    def ready(self, member: str) -> Json:
        """The condition Ready of the member's Cluster; empty if there is none yet."""
        return self.condition(member, "Ready")

    def is_ready(self, member: str) -> bool:
        return bool(self.ready(member).get("status") == "True")

    def prepare(self) -> None:
        """Makes in the federation API what the engine needs, and nothing more: its kind, its account."""
        for kind in ("cluster", "propagation"):
            self.kubectl(API, "apply", "-f", str(CHECKOUT / "federation" / "engine" / "builtin" / f"{kind}.yaml"))
        self.kubectl(API, "wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        self.apply(API, _object("v1", "Namespace", SYSTEM), _object("v1", "Namespace", OWN))
        within = {OWN: rules.CREDENTIALS, SYSTEM: rules.LEADING}
        token = self.account(API, rules.everywhere(self.kinds), within)
        config = yaml.safe_load(self.kubectl(API, "config", "view", "--raw", "--minify"))
        config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
        write_private(self.folder / "engine.kubeconfig", yaml.safe_dump(config).encode())

    def start(self, kinds: Sequence[Kind] = ()) -> None:
        """Starts the engine, for these kinds (those of the lab), and waits until it has seen the federation API."""
        self.engine = self.another("engine", kinds)

    def another(
        self, name: str, kinds: Sequence[Kind] = (), environment: Mapping[str, str] = MappingProxyType({})
    ) -> Engine:
        """One more engine, once it is ready: to take over, or since it has seen the federation API."""
        command = [sys.executable, "-m", "controllers.engine", "--kubeconfig", str(self.folder / "engine.kubeconfig")]
        command += ["--federation", FEDERATION, "--kinds", ",".join(kinds or self.kinds), "--listen", "127.0.0.1:0"]
        command += ["--lease-namespace", SYSTEM]
        engine = Engine(command, self.folder / f"{name}.log", environment)
        self.engines.append(engine)
        engine.await_health()
        return engine

    def revive(self) -> None:
        """Waits until the engine holds its Lease again, after its API was away: it may have been started anew."""
        lease = ("lease", rules.CONTROLLER_MANAGER, "-n", SYSTEM)
        before = self.get(API, *lease)
        wait_until("a renewal", lambda: self.get(API, *lease) != before, 60)

    def kill(self) -> None:
        """All engines."""
        for engine in self.engines:
            engine.kill()
        self.engines.clear()

    def stop(self) -> None:
        """Kills all engines, and has the next one lead at once."""
        self.kill()
        self.kubectl(API, "delete", "lease", rules.CONTROLLER_MANAGER, "-n", SYSTEM, "--ignore-not-found")

    def server(self, context: str) -> tuple[str, str]:
        """The URL of the API server, and its authority (PEM)."""
        authority = base64.b64decode(_authority(self.kubeconfig, context)).decode()
        return server(pick(load([self.kubeconfig]), context)), authority

    def join(self, member: str, given: Rights | None = None, behind: tuple[str, str] | None = None) -> None:
        """A Cluster with the credentials of an account that may do what is given (full), and no more.

        `behind` is the URL by which it is reached and the authority there; its own, if there is none.
        """
        given = given or Rights(access.BUILTIN.full)
        token = self.account(member, given.everywhere, dict.fromkeys(given.namespaces, given.within))
        url, authority = behind or self.server(member)
        data = {"caBundle": _base64(authority), "token": _base64(token)}
        self.apply(API, _object("v1", "Secret", member, namespace=OWN) | {"data": data})
        spec = {"syncMode": "Push", "apiEndpoint": url, "secretRef": {"namespace": OWN, "name": member}}
        joined = _object("cluster.karmada.io/v1alpha1", "Cluster", member)
        if given.looks_within:
            joined["metadata"]["annotations"] = {NAMESPACES: ",".join(given.namespaces)}
        self.apply(API, joined | {"spec": spec})

    def join_both(self, seconds: float = 30) -> float:
        """Joins both members, and waits so long at most until they are Ready; how long that was."""
        for member in MEMBERS:
            self.join(member)
        return seconds_until("both Ready", lambda: all(map(self.is_ready, MEMBERS)), seconds)

    def stand_in(self, member: str, url: str) -> None:
        """A Cluster for an API server that takes every token, and whose certificate nobody has signed."""
        self.apply(API, _object("v1", "Secret", member, namespace=OWN) | {"data": {"token": _base64("any")}})
        spec: Json = {"syncMode": "Push", "apiEndpoint": url, "secretRef": {"namespace": OWN, "name": member}}
        spec["insecureSkipTLSVerification"] = True
        self.apply(API, _object("cluster.karmada.io/v1alpha1", "Cluster", member) | {"spec": spec})

    def metric(self, name: str) -> float:
        """The sum of a figure of the engine over all its labels."""
        lines = requests.get(f"{self.url}/metrics", timeout=30).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[ {{]", line))

    def account(
        self, context: str, everywhere: Sequence[Rule], within: Mapping[str, Sequence[Rule]] = MappingProxyType({})
    ) -> str:
        """A new token for an account with these rights, of which some are within namespaces, which must be there."""
        subject = {"kind": "ServiceAccount", "namespace": OWN, "name": ACCOUNT}
        objects = [_object("v1", "Namespace", OWN), _object("v1", "ServiceAccount", ACCOUNT, namespace=OWN)]
        roles = [("Role", {"namespace": namespace}, given) for namespace, given in within.items()]
        for kind, where, given in [("ClusterRole", {}, everywhere), *roles]:
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
        lab.kill()
        lab.fleet("down")


def configmap(name: str, text: str = "1", namespace: str = NAMESPACE, **annotations: str) -> Json:
    """With annotations that speak to the federation."""
    told = {f"federation/{key}": each for key, each in annotations.items()}
    metadata = {"name": name, "namespace": namespace, "annotations": told}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": text}}


def value(lab: Lab, context: str, name: str, namespace: str = NAMESPACE) -> str | None:
    """The text of a ConfigMap there; None if it is not there."""
    found = lab.get(context, "configmap", name, "-n", namespace)
    return None if found is None else found.get("data", {}).get("value")


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
