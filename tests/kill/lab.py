"""A small federation, on clusters of its own, whose runs are killed; and what must hold afterwards."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from federation.settings import kubeconfig
from lab.federation import UNATTENDED
from lab.fleet.private import write_private
from lab.fleet.record import fleets
from lab.fleet.waiting import wait_until
from lab.stack import CHECKOUT, Stack
from tests.fleet.conftest import ENGINE, SYSTEM, Clusters
from tests.kill.listing import CANARY, Listing, listing, settles_as
from tests.kill.points import Point
from tests.kill.processes import Process
from tests.kill.run import Killed, Length, Run

FLEET = "-".join(filter(None, (os.environ.get("FEDERATION_TEST_FLEET"), "kill")))
HOST, MEMBER, API = "rivendell", "gondor", "fellowship"
SETTINGS = """
config:
  pulumi:disable-default-providers: ["*"]
  federation:name: {api}
  federation:engine: {engine}
  federation:kubeconfig: {kubeconfig}
  federation:host:
    context: {host}
    etcd: {{replicas: 1, storage: 1Gi}}
  federation:dns:
    provider: coredns
    zone: example.com.
    ttl: {ttl}
    coredns: {{replicas: 1}}
  federation:members:
    - {{name: {member}, context: {member}, region: middle-earth, clusterDns: none, labels: {{ttl: "{ttl}"}}}}
"""
MOST_RUNS = 2
"""How many more a killed one may need."""
ANSWERS_WITHIN = "--request-timeout=3s"
HELPERS_END_WITHIN = 330
"""Seconds: Pulumi's helpers look for their engine every 5 minutes."""


@dataclass(frozen=True)
class Outcome:
    """One killed run, and how it was made good."""

    verb: str
    point: Point
    killed: Killed
    runs: int
    """Further runs until one succeeded."""
    seconds: float
    """Of all of it."""
    canaries: int
    """Objects that were written into the federation API before the end, and were there after it."""

    def __str__(self) -> str:
        runs = f"{self.runs} more run{' s'[self.runs > 1]}"
        end = "" if self.killed.by_us else " (over before)"
        return f"{self.verb:<8}{self.point} {runs} {self.seconds:5.0f} s  after {self.killed.last}{end}"


class Lab:
    """Clusters, and a stack on them that is empty at first."""

    def __init__(self, folder: Path) -> None:
        """Starts the clusters; logs and kubeconfigs go to `folder`."""
        self._folder = folder
        self._clusters = Clusters(folder / "clusters")
        self._given = Clusters(folder / "federation")
        self._ttl = 1
        self._canaries = 0
        self._helpers: list[Process] = []
        self._lengths: dict[str, Length] = {}
        self._logs = 0
        fleet("down")
        try:
            fleet("up", "--cluster", HOST, "--api-only", MEMBER, "--kubeconfig", str(self._clusters.kubeconfig))
        except BaseException:
            # Whoever has no lab cannot take it down.
            fleet("down")
            raise
        self._stack = Stack(FLEET, fleets() / FLEET / "stack", self._clusters.kubeconfig)
        self._configure()
        self._before = self._outside()
        self._with: dict[str, Listing] = {}
        self._urns: list[str] = []

    def reference(self) -> None:
        """Bring it up undisturbed, and keep what is there then: every later run must end in the same."""
        self._lengths["up"] = self._undisturbed("up", *UNATTENDED)
        self._unchanged()
        self._with = self._everywhere()
        self._urns = self._in_state()
        self._write_canary()
        assert self._canaries, "the federation API answers, and yet no object was written into it"

    def reference_update(self) -> None:
        self._change()
        self._lengths["update"] = self._undisturbed("up", *UNATTENDED, *self._new_certificate())

    def reference_destroy(self) -> None:
        self._lengths["destroy"] = self._undisturbed("destroy", "--yes", "--skip-preview")
        self._gone()

    def up(self, point: Point) -> Outcome:
        """Kill `pulumi up` on nothing, then bring it up."""
        return self._cycle("up", point, ["up", *UNATTENDED], ["up", "--refresh", *UNATTENDED])

    def update(self, point: Point) -> Outcome:
        """Kill a `pulumi up` that rolls etcd and the DNS controller, and changes the Cluster; then bring it up."""
        self._change()
        begun = ["up", *UNATTENDED, *self._new_certificate()]
        return self._cycle("update", point, begun, ["up", "--refresh", *UNATTENDED])

    def destroy(self, point: Point) -> Outcome:
        """Kill `pulumi destroy`, then destroy."""
        destroy = ["destroy", "--yes", "--skip-preview"]
        return self._cycle("destroy", point, destroy, destroy)

    def abandon(self, point: Point) -> Outcome:
        """Kill `pulumi up` on nothing, then destroy what there is."""
        return self._cycle("abandon", point, ["up", *UNATTENDED], ["destroy", "--yes", "--skip-preview"])

    def take_down(self, *, wait_for_helpers: bool) -> None:
        """Take the clusters away; nothing of any run may live on."""
        fleet("down")
        try:
            if wait_for_helpers:
                helpers = self._helpers
                wait_until(f"{helpers} to end", lambda: not any(map(Process.alive, helpers)), HELPERS_END_WITHIN)
        finally:
            for helper in self._helpers:
                helper.kill()

    def _cycle(self, verb: str, point: Point, begun: Sequence[str], further: Sequence[str]) -> Outcome:
        start = time.monotonic()
        killed = self._run(*begun).kill(point, self._length(verb))
        self._helpers += killed.helpers
        if further[0] == "up":
            self._write_canary()
        runs = self._converge(*further)
        if further[0] == "up":
            self._complete()
        else:
            self._gone()
        return Outcome(verb, point, killed, runs, time.monotonic() - start, self._canaries)

    def _converge(self, *arguments: str) -> int:
        for runs in range(1, MOST_RUNS + 1):
            self._stack.pick_up()
            ended_well = self._run(*arguments).to_its_end() == 0
            # A destroy that runs the program on a stack that is empty by then leaves its providers in the state.
            if ended_well and not (arguments[0] == "destroy" and self._in_state()):
                return runs
        left = self._in_state()
        raise AssertionError(f"{arguments[0]} did not come to its end in {MOST_RUNS} runs; left {left}: {self._tail()}")

    def _complete(self) -> None:
        """The end state is that of the undisturbed run, and what was written in between is there."""
        self._unchanged()
        settles_as(self._with, self._everywhere)
        urns = self._in_state()
        assert urns == self._urns, set(urns) ^ set(self._urns)
        written = {f"role.rbac.authorization.k8s.io/{CANARY}-{number}" for number in range(self._canaries)}
        kept = set(self._given.kubectl(API, "get", "roles", "-o", "name").split())
        assert written <= kept, f"lost: {written - kept}"

    def _gone(self) -> None:
        assert not (left := self._in_state()), f"left in the state: {left}"
        settles_as(self._before, self._outside)
        self._canaries = 0
        self._given.kubeconfig.unlink(missing_ok=True)

    def _unchanged(self) -> None:
        """Pulumi finds nothing to do, and the member is Ready."""
        code = self._run("preview", "--refresh", "--expect-no-changes").to_its_end()
        assert code == 0, self._tail()
        write_private(self._given.kubeconfig, self._stack.output("kubeconfig").encode())
        conditions = self._given.get(API, "cluster", MEMBER)["status"]["conditions"]
        assert [each["status"] for each in conditions if each["type"] == "Ready"] == ["True"], conditions

    def _outside(self) -> dict[str, Listing]:
        return {context: listing(self._clusters, context) for context in (HOST, MEMBER)}

    def _everywhere(self) -> dict[str, Listing]:
        return {**self._outside(), API: listing(self._given, API)}

    def _in_state(self) -> list[str]:
        """The URNs in the state, each as often as it is there; nothing is pending."""
        deployment = json.loads(self._stack.state())["deployment"]
        assert not deployment.get("pending_operations"), deployment["pending_operations"]
        return sorted(resource["urn"] for resource in deployment.get("resources", []))

    def _write_canary(self) -> None:
        """Write an object into the federation API, if it answers; the kubeconfig is one that its programs use."""
        found = self._clusters.kubectl(HOST, "get", "secret,service", "-n", SYSTEM, "-o", "json", check=False)
        objects = {item["metadata"]["name"]: item for item in json.loads(found or '{"items": []}')["items"]}
        secret, service = objects.get("kube-controller-manager-api"), objects.get("federation-apiserver")
        addresses = service["status"].get("loadBalancer", {}).get("ingress") if service else None
        if not secret or not addresses:
            return
        config = yaml.safe_load(base64.b64decode(secret["data"]["kubeconfig"]))
        config["clusters"][0]["cluster"]["server"] = f"https://{addresses[0]['ip']}:5443"
        inside = Clusters(self._folder / "inside")
        write_private(inside.kubeconfig, kubeconfig.dump(config).encode())
        canary = ("role", f"{CANARY}-{self._canaries}")
        inside.kubectl(
            API, "create", *canary, "--verb=get", "--resource=pods", "-n", "default", ANSWERS_WITHIN, check=False
        )
        if inside.kubectl(API, "get", *canary, "-n", "default", "-o", "name", ANSWERS_WITHIN, check=False):
            self._canaries += 1

    def _new_certificate(self) -> Sequence[str]:
        """Options for `up` that give etcd a new certificate, so that it rolls."""
        urn = next(urn for urn in self._in_state() if urn.endswith("Certificate::etcd-server"))
        return "--replace", urn

    def _change(self) -> None:
        self._ttl = 3 - self._ttl
        self._configure()

    def _configure(self) -> None:
        values = {"api": API, "engine": ENGINE, "host": HOST, "member": MEMBER, "ttl": self._ttl}
        self._stack.prepare(SETTINGS.format(**values, kubeconfig=self._clusters.kubeconfig))

    def _length(self, verb: str) -> Length:
        """A kind of run that was not measured is taken to be as long as the first `up`; an update, as its beginning.

        A `destroy`, as three fifths of it: the rest is in the control plane's Namespace, and goes from the state within
        a moment once the Namespace has gone, which leaves no time to kill the run in.
        """
        up = self._lengths["up"]
        most = Length(up.seconds, up.moments[: up.events * 3 // 5])
        guessed = {"abandon": up, "destroy": most, "update": Length(up.seconds / 2, up.moments[:20])}
        return self._lengths.get(verb) or guessed[verb]

    def _undisturbed(self, *arguments: str) -> Length:
        run = self._run(*arguments)
        code = run.to_its_end()
        assert code == 0, self._tail()
        return run.length()

    def _run(self, *arguments: str) -> Run:
        self._logs += 1
        return Run(self._stack, self._log, *arguments)

    @property
    def _log(self) -> Path:
        return self._folder / f"{self._logs:03}.log"

    def _tail(self) -> str:
        return f"{self._log}\n{self._log.read_text()[-4000:]}"


def fleet(*arguments: str) -> None:
    command = [sys.executable, "-m", "lab.fleet", "--fleet", FLEET, *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
