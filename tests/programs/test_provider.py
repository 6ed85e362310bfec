"""Our own provider as a process: how it starts, waits and ends, and what the real `pulumi` makes of it."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest
import yaml
from pulumi.runtime.proto import provider_pb2 as protocol
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from lab.fleet.waiting import wait_until
from provider import schema
from provider.values import plain, struct
from tests.programs.projects import PATIENCE, Project, make
from tests.programs.signals import to_another_thread

pytestmark = pytest.mark.programs

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "provider" / "pulumi-resource-federation"
PLUGIN = f"plugins:\n  providers:\n    - {{name: federation, path: {ROOT / 'provider'}}}\n"
URN = "urn:pulumi:dev::tiny::federation:index:{}::{}"
MOST_CPU = 1.0
"""Seconds until it serves; 0.15 on a machine that is not busy, and several times that on hyperthreads that are."""
TTL, MEMBERS = 20, 20
MOST_SECONDS = 5 * TTL
"""In which so many members leave together, with such a TTL; one after the other they would take many of them."""


class Api:
    """A federation API that has every Cluster, and no records, and takes every change."""

    def __init__(self) -> None:
        self.marked = 0
        """How often a Cluster was marked."""
        self.is_marked = False
        """Whether the last change was a mark."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.is_marked = bool(body["metadata"]["annotations"]["federation/leaving"])
                api.marked += api.is_marked
                self._answer({})

            def do_GET(self) -> None:
                self._answer({"metadata": {"resourceVersion": "1"}, "items": []})

            def _answer(self, obj: Mapping[str, Any]) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(obj).encode())

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # Of more than five that come together, some would have to try again, too late.

        self._server = Server(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def kubeconfig(self) -> str:
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self._server.server_address[1]}"}}
        context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
        config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "c", "user": {"token": "mellon"}}]}
        return yaml.safe_dump(config | {"current-context": "c"})

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def api() -> Iterator[Api]:
    started = Api()
    yield started
    started.stop()


@contextmanager
def running() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process, and its port once it serves."""
    pipe = subprocess.PIPE
    command = [str(PROGRAM), "127.0.0.1:1"]
    with subprocess.Popen(command, cwd="/", stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def withdrawal(api: Api, name: str, ttl: int) -> protocol.DeleteRequest:
    state = {"cluster": name, "kubeconfig": api.kubeconfig, "ttl": ttl, "drift": ""}
    return protocol.DeleteRequest(urn=URN.format("Withdrawal", name), properties=struct(state))


def test_it_starts_in_little_time() -> None:
    def cpu() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    took = []
    for _ in range(3):
        before = cpu()
        with running() as (process, _):
            process.terminate()
            process.wait(10)
        took.append(cpu() - before)
    assert min(took) < MOST_CPU, took


@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "end of stdin"])
def test_it_ends_in_the_middle_of_a_request_and_says_nothing(api: Api, ending: str) -> None:
    with running() as (process, port), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        waiting = ResourceProviderStub(channel).Delete.future(withdrawal(api, "gondor", 600))
        wait_until("the Cluster to be marked", lambda: api.marked == 1, 20)
        if ending == "end of stdin":
            assert process.stdin
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[ending])
        assert process.wait(10) == 0
        with pytest.raises(grpc.RpcError):
            waiting.result(timeout=10)
        assert process.stdout
        assert process.stderr
        assert process.stdout.read() + process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_wakes_it_whichever_thread_gets_it(number: signal.Signals) -> None:
    with running() as (process, _):
        to_another_thread(process.pid, number)
        assert process.wait(10) == 0


def test_many_members_leave_together_while_certificates_go_on_being_made(api: Api) -> None:
    async def leave(port: int) -> tuple[float, float]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            provider = ResourceProviderStub(channel)
            start = time.monotonic()
            requests = [withdrawal(api, f"member-{number}", TTL) for number in range(MEMBERS)]
            leaving = [asyncio.ensure_future(provider.Delete(request)) for request in requests]
            slowest = 0.0
            while not all(each.done() for each in leaving):
                asked = time.monotonic()
                made = await provider.Create(protocol.CreateRequest(urn=URN.format("PrivateKey", "key")))
                assert "PRIVATE KEY" in plain(made.properties)["privateKeyPem"]
                slowest = max(slowest, time.monotonic() - asked)
                await asyncio.wait(leaving, timeout=0.2)
            await asyncio.gather(*leaving)
            return time.monotonic() - start, slowest

    with running() as (_, port):
        seconds, slowest = asyncio.run(leave(port))
    assert api.marked == MEMBERS
    assert TTL < seconds < MOST_SECONDS
    # One that waited for a member to have left would have waited that long.
    assert slowest < TTL


def pulumis(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = project.pulumi(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.needs("pulumi")
def test_pulumi_reads_its_schema(tmp_path: Path) -> None:
    project = make(tmp_path, "")
    # From the checkout, as its users do.
    command = [*project.command("package", "get-schema", "./provider")]
    done = subprocess.run(
        command, cwd=ROOT, env=project.environment, check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout).keys() >= {"name", "version", "resources"}
    assert json.loads(done.stdout)["resources"].keys() == schema.KINDS.keys()


CERTIFICATES = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import pulumi
from federation.parts import our_provider, pki
from federation.settings.schema import Certificates
provider = our_provider.provider(())
# Like the load balancer's, it is known only once something has been made.
address = pki.PrivateKey("balancer", pulumi.ResourceOptions(provider=provider)).public_key_pem.apply(
    lambda _: ["localhost", "192.0.2.1"]
)
window = pulumi.Config().get_int("window") or 30
leaf = pki.Leaf("apiserver", "root", "api", [pki.SERVER], names=address)
made = pki.Pki("pki", pki.PkiArgs(provider, {{"root": "root"}}, [leaf], Certificates(renewBeforeDays=window)))
pulumi.export("certificate", made.leaves["apiserver"].certificate)
pulumi.export("key", made.leaves["apiserver"].key)
"""


@pytest.mark.needs("pulumi")
def test_certificates_from_their_preview_to_their_renewal(tmp_path: Path) -> None:
    project = make(tmp_path, CERTIFICATES, PLUGIN)
    steps = {step["urn"].rpartition("::")[2]: step for step in previewed(project)}
    assert {name: step["op"] for name, step in steps.items() if name != "tiny-dev"} == dict.fromkeys(
        ("federation", "balancer", "pki", "root-ca", "apiserver"), "create"
    )
    text = json.dumps(list(steps.values()))
    assert "BEGIN" not in text
    assert not project.pulumi("stack", "export").stdout.count("federation:index")

    done = pulumis(project, "up", "--yes", "--skip-preview")
    assert "warning" not in done.stdout + done.stderr
    assert "PRIVATE KEY" not in done.stdout + done.stderr
    exported = pulumis(project, "stack", "export").stdout
    assert "PRIVATE KEY" not in exported
    assert {step["op"] for step in previewed(project, "--refresh")} <= {"same", "refresh"}
    first = pulumis(project, "stack", "output", "certificate").stdout

    pulumis(project, "config", "set", "window", "365")
    assert changed(project) == {"apiserver": "update"}
    pulumis(project, "up", "--yes", "--skip-preview")
    second = pulumis(project, "stack", "output", "certificate").stdout
    assert second != first

    pulumis(project, "config", "set", "window", "60")
    assert changed(project) == {"apiserver": "update"}
    pulumis(project, "up", "--yes", "--skip-preview")
    assert pulumis(project, "stack", "output", "certificate").stdout == second
    pulumis(project, "destroy", "--yes", "--skip-preview")


def previewed(project: Project, *options: str) -> list[Mapping[str, Any]]:
    steps: list[Mapping[str, Any]] = json.loads(pulumis(project, "preview", "--json", *options).stdout)["steps"]
    return steps


def changed(project: Project) -> dict[str, str]:
    """What a preview would change, by name."""
    return {step["urn"].rpartition("::")[2]: step["op"] for step in previewed(project) if step["op"] != "same"}


LEAVING = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import pulumi
from federation.parts import our_provider
from federation.dns.withdrawal import Withdrawal
config = pulumi.Config()
if config.get_bool("stays"):
    options = pulumi.ResourceOptions(provider=our_provider.provider(()))
    kubeconfig = config.require_secret("kubeconfig")
    Withdrawal("gondor-withdrawal", "gondor", kubeconfig, config.require_int("ttl"), options)
"""


@pytest.fixture
def joined(api: Api, tmp_path: Path) -> Project:
    """A stack with a member, whose names may be remembered for a day after it has left the names."""
    project = make(tmp_path, LEAVING, PLUGIN)
    pulumis(project, "config", "set", "--secret", "kubeconfig", "--", api.kubeconfig)
    pulumis(project, "config", "set", "ttl", "86400")
    pulumis(project, "config", "set", "stays", "true")
    pulumis(project, "up", "--yes", "--skip-preview")
    assert "mellon" not in "".join(file.read_text() for file in (tmp_path / "state").rglob("*.json"))
    return project


@pytest.mark.needs("pulumi")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_pulumi_ends_while_a_member_leaves(api: Api, joined: Project, number: signal.Signals) -> None:
    """Nothing of it runs on, and the next run does what was left.

    An interrupted leave takes its mark off; one that was killed leaves it to a refresh.
    """
    command = joined.command("destroy", "--yes", "--skip-preview")
    log = joined.folder / "log"
    with (
        log.open("w") as said,
        subprocess.Popen(
            command, cwd=joined.folder, env=joined.environment, stdout=said, stderr=said, start_new_session=True
        ) as process,
    ):
        try:
            wait_until("the user to be told", lambda: "before the TTL of 86400 s is over" in log.read_text(), PATIENCE)
            assert api.marked == 1
            # Its helpers are in groups of their own: the signal reaches `pulumi` alone.
            process.send_signal(number)
            process.wait(PATIENCE)
        finally:
            # It would go on for 16 minutes, and be waited for.
            process.kill()
    wait_until(f"the provider to end: {log.read_text()}", lambda: not providers(process.pid), 30)
    if number == signal.SIGINT:
        assert "gondor-withdrawal: interrupted; the next run does it again" in log.read_text()
    else:
        pulumis(joined, "cancel", "--yes")
    assert "Traceback" not in log.read_text()
    assert "mellon" not in log.read_text()
    assert api.is_marked == (number == signal.SIGKILL)

    pulumis(joined, "config", "set", "ttl", "0")
    pulumis(joined, "up", "--yes", "--skip-preview")
    pulumis(joined, "config", "set", "stays", "false")
    pulumis(joined, "up", "--yes", "--skip-preview")
    assert api.marked == 2


def providers(session: int) -> list[str]:
    """The processes of our provider in this session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] not in "ZX" and "provider.__main__" in command:
            found.append(f"{entry.name} {command}")
    return found


@pytest.mark.needs("pulumi")
def test_an_error_reaches_the_user_as_one_sentence(tmp_path: Path) -> None:
    project = make(tmp_path, LEAVING, PLUGIN)
    for key, value in {"kubeconfig": "token: [mellon", "ttl": "1", "stays": "true"}.items():
        pulumis(project, "config", "set", *(["--secret"] if key == "kubeconfig" else []), key, value)
    done = project.pulumi("up", "--yes", "--skip-preview")
    assert done.returncode != 0
    errors = [line.strip() for line in done.stdout.splitlines() if "error: " in line]
    assert "error: gondor-withdrawal: the kubeconfig for the federation API is not YAML" in errors
    assert "mellon" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
