"""The controller at its edges: API servers that lose connections, histories and credentials, and people who edit."""

from __future__ import annotations

import logging
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic, time

import pytest
from cryptography import x509

import kube.watching
from controllers.names import controller, members
from controllers.names.controller import CLUSTERS, Controller, Settings
from controllers.names.members import SERVICES, SLICES
from controllers.names.metrics import Metrics
from controllers.names.objects import MANAGED_BY_KARMADA
from controllers.names.plan import Addresses
from controllers.names.writer import COLLECTION
from controllers.runtime import probing, watching
from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from federation.settings.keys import CARRIED_BY, LEAVING, NAMESPACES, SEEN
from federation.settings.names import DNS_CONTROLLER, MANAGED_BY, own_namespace
from tests.fleet.self_signed import write_pair
from tests.kube_api import ApiServer, Json

pytestmark = pytest.mark.unit

NAME = "web.default.fellowship.svc"
EVENTS = "/api/v1/events"
IN_REGION = f"{NAME}.middle-earth.example.com"
GLOBAL = f"{NAME}.example.com"
GONDOR, ROHAN = "10.0.0.1", "10.0.0.2"
HOSTS: dict[str, Addresses] = {"lb.gondor.net": frozenset(["10.0.9.1"])}
"""What the look-up of host names finds."""


class World:
    """A federation of two members with one Service, `web`, that has a ready endpoint in both."""

    def __init__(self) -> None:
        self.federation, self.gondor, self.rohan = ApiServer(), ApiServer(), ApiServer()
        self.admin = "admin"
        """The token of the controller's kubeconfig."""
        self.looked_up = 0.0
        """When a host name was last looked up."""
        self._running: list[tuple[Controller, Loop, Thread]] = []
        self.cluster("gondor", zones=["minas-tirith"])
        self.cluster("rohan", zones=["edoras"])
        self.service()
        self.balancers(gondor=GONDOR, rohan=ROHAN)
        for member, server in {"gondor": self.gondor, "rohan": self.rohan}.items():
            self.secret(member)
            self.slice(server, ready=True)

    def server(self, member: str) -> ApiServer:
        return {"gondor": self.gondor, "rohan": self.rohan}[member]

    def cluster(
        self,
        name: str,
        *,
        zones: list[str],
        away: float | None = None,
        leaving: bool = False,
        deleted: bool = False,
        namespaces: str = "",
        **reach: object,
    ) -> None:
        """`away` is since when it is not Ready, in seconds since the epoch; `reach` is more of its spec."""
        since = datetime.fromtimestamp(away or 0, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        ready = {"type": "Ready", "status": "False" if away else "True", "lastTransitionTime": since}
        annotations = {NAMESPACES: namespaces, **({LEAVING: "true"} if leaving else {})}
        ends = {"deletionTimestamp": since} if deleted else {}
        self.federation.put(
            CLUSTERS,
            {
                "metadata": {"name": name, "uid": f"uid-{name}", "annotations": annotations, **ends},
                "spec": {"apiEndpoint": self.server(name).url, "region": "middle-earth", "zones": zones, **reach},
                "status": {"conditions": [ready]},
            },
        )

    def secret(self, member: str, token: str = "secret", ca: str = "-") -> None:
        data = {key: b64encode(text.encode()).decode() for key, text in (("caBundle", ca), ("token", token))}
        namespace = own_namespace("fellowship")
        self.federation.put(
            "/api/v1/secrets", {"metadata": {"namespace": namespace, "name": f"{member}-dns"}, "data": data}
        )

    def service(self, kind: str = "LoadBalancer") -> None:
        metadata = {"namespace": "default", "name": "web", "uid": "uid-web"}
        self.federation.put(SERVICES, {"metadata": metadata, "spec": {"type": kind}})

    def balancers(self, **addresses: str) -> None:
        """Member to the IP address, or the host name, of the load balancer there; the others have none."""
        for member in ("gondor", "rohan"):
            if member in addresses:
                self.balancer(member, addresses[member], {MANAGED_BY_KARMADA: "true"})
            else:
                self.server(member).remove(SERVICES, "default", "web")

    def balancer(self, member: str, address: str, labels: dict[str, str]) -> None:
        ingress = [{"ip" if address.startswith("1") else "hostname": address}]  # No host name here begins so.
        self.server(member).put(
            SERVICES,
            {
                "metadata": {"namespace": "default", "name": "web", "uid": f"uid-{member}", "labels": labels},
                "spec": {"type": "LoadBalancer"},
                "status": {"loadBalancer": {"ingress": ingress}},
            },
        )

    def slice(self, server: ApiServer, *, ready: bool) -> None:
        labels = {"kubernetes.io/service-name": "web"}
        endpoints = [{"addresses": ["10.1.1.1"], "conditions": {"ready": ready}}]
        server.put(
            SLICES, {"metadata": {"namespace": "default", "name": "web-1", "labels": labels}, "endpoints": endpoints}
        )

    def run(self, withdraw_after: float = 0, ttl: int = 30) -> Controller:
        """A controller, as a new process would be one."""

        def connect() -> Api:
            return Api.of_token(self.federation.url, "", self.admin)

        def look_up(host: str) -> Addresses:
            self.looked_up = monotonic()
            if host not in HOSTS:
                raise OSError(f"no address for {host}")
            return HOSTS[host]

        loop = Loop()
        settings = Settings("fellowship", "example.com", ttl, withdraw_after)
        new = Controller(settings, connect, look_up, loop, Metrics())
        new.start()
        thread = Thread(target=loop.run)
        thread.start()
        self._running.append((new, loop, thread))
        return new

    def kill(self) -> None:
        """Ends all controllers, as a kill would."""
        for running, loop, thread in self._running:
            loop.end()
            thread.join(10)
            assert not thread.is_alive()
            running._members.keep({})
            running._hosts._threads.shutdown()
        self._running.clear()

    def close(self) -> None:
        self.kill()
        for server in (self.federation, self.gondor, self.rohan):
            server.stop()

    @property
    def written(self) -> Json:
        obj = self.federation.get(COLLECTION, "default", "web")
        return obj or {"metadata": {}, "spec": {"endpoints": []}}

    def answers(self) -> dict[str, set[str]]:
        """The records as they are in the API: name to targets."""
        return {each["dnsName"]: set(each["targets"]) for each in self.written["spec"]["endpoints"]}

    def await_answer(self, name: str, *targets: str) -> None:
        self.federation.wait(
            lambda: self.answers().get(name, set()) == set(targets), f"{name} to be {targets}, in {self.written}"
        )

    def warned(self, text: str) -> set[tuple[str, str]]:
        """Kind and uid of what has an Event that says so."""
        events = [event for event in self.federation.list(EVENTS, {})["items"] if text in event["message"]]
        involved = [event["involvedObject"] for event in events]
        return {(each["kind"], each["uid"]) for each in involved}

    def writes(self) -> list[tuple[str, str]]:
        return [request for request in self.federation.requests if request[0] != "GET"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(watching, "LONGEST_PAUSE", 0.3)
    new = World()
    yield new
    new.close()


def both_serve(world: World) -> None:
    world.await_answer(GLOBAL, GONDOR, ROHAN)


def test_a_service_gets_its_records(world: World) -> None:
    world.run()
    both_serve(world)
    written = world.written
    assert written["metadata"]["labels"] == {MANAGED_BY: DNS_CONTROLLER}
    assert written["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Service", "name": "web", "uid": "uid-web"}
    ]
    assert world.answers() == {
        GLOBAL: {GONDOR, ROHAN},
        IN_REGION: {GONDOR, ROHAN},
        f"{NAME}.minas-tirith.middle-earth.example.com": {GONDOR},
        f"{NAME}.edoras.middle-earth.example.com": {ROHAN},
    }
    assert {(each["recordType"], each["recordTTL"]) for each in written["spec"]["endpoints"]} == {("A", 30)}


def test_of_a_namespaced_member_only_its_namespaces_are_looked_into(world: World) -> None:
    world.cluster("rohan", zones=["edoras"], namespaces="default,bree")
    world.rohan.forbidden |= {SERVICES, SLICES}
    world.run()
    both_serve(world)
    asked = {path.partition("?")[0] for _, path in world.rohan.requests} - {"/readyz"}
    assert {path.split("/namespaces/")[1].split("/")[0] for path in asked} == {"default", "bree"}
    # What it has elsewhere, the federation did not bring there.
    world.cluster("rohan", zones=["edoras"], namespaces="bree")
    world.await_answer(GLOBAL, GONDOR)


@pytest.mark.parametrize("collection", [SERVICES, CLUSTERS, COLLECTION])
def test_nothing_is_written_before_all_was_seen(world: World, collection: str) -> None:
    world.federation.broken = {collection}
    old = {"metadata": {"namespace": "default", "name": "orphan", "labels": {MANAGED_BY: DNS_CONTROLLER}}, "spec": {}}
    world.federation.put(COLLECTION, old)
    running = world.run()
    requests = world.federation.requests
    world.federation.wait(
        lambda: sum(path.startswith(collection) for _, path in requests) > 2, f"{collection} to be asked for thrice"
    )
    assert running.missing == [collection.rsplit("/", 1)[1]]
    assert world.writes() == []
    world.federation.broken = set()
    both_serve(world)
    world.federation.wait(lambda: not world.federation.get(COLLECTION, "default", "orphan"), "the orphan to be deleted")
    assert running.missing == []


def test_a_service_without_ready_endpoints_points_one_level_up_and_comes_back(world: World) -> None:
    world.run()
    both_serve(world)
    world.slice(world.gondor, ready=False)
    world.await_answer(GLOBAL, ROHAN)
    world.await_answer(f"{NAME}.minas-tirith.middle-earth.example.com", IN_REGION)
    world.gondor.remove(SLICES, "default", "web-1")
    world.slice(world.rohan, ready=False)
    world.await_answer(IN_REGION, GLOBAL)
    world.await_answer(GLOBAL)
    world.slice(world.gondor, ready=True)
    world.await_answer(GLOBAL, GONDOR)


def test_records_go_with_the_service(world: World) -> None:
    world.run()
    both_serve(world)
    world.service("ClusterIP")
    world.federation.wait(lambda: not world.federation.get(COLLECTION, "default", "web"), "the records to go")
    world.service()
    both_serve(world)
    world.federation.remove(SERVICES, "default", "web")
    world.federation.wait(lambda: not world.federation.get(COLLECTION, "default", "web"), "the records to go")


def test_a_member_that_cannot_be_seen_keeps_its_records_also_across_a_restart(world: World) -> None:
    world.run()
    both_serve(world)
    world.gondor.stop()
    world.balancers(gondor=GONDOR, rohan="10.0.0.3")
    world.await_answer(GLOBAL, GONDOR, "10.0.0.3")
    world.kill()
    world.balancers(gondor=GONDOR, rohan="10.0.0.4")
    world.run()
    world.await_answer(GLOBAL, GONDOR, "10.0.0.4")
    world.gondor.remove(SLICES, "default", "web-1")
    world.gondor.start()
    world.await_answer(GLOBAL, "10.0.0.4")


def test_a_load_balancer_that_went_while_its_member_could_not_be_seen_goes_when_it_can(world: World) -> None:
    world.run()
    both_serve(world)
    world.kill()
    world.gondor.broken = {SERVICES}
    world.balancers(rohan="10.0.0.3")
    world.run()
    world.await_answer(GLOBAL, GONDOR, "10.0.0.3")
    world.gondor.broken = set()
    world.await_answer(GLOBAL, "10.0.0.3")


def test_a_service_of_the_same_name_that_the_federation_did_not_bring_there_does_not_count(world: World) -> None:
    world.balancer("gondor", "10.6.6.6", {})
    world.run()
    world.await_answer(GLOBAL, ROHAN)
    world.balancer("gondor", "10.6.6.7", {CARRIED_BY: "another"})
    world.balancer("rohan", "10.0.0.3", {CARRIED_BY: "fellowship"})
    world.await_answer(GLOBAL, "10.0.0.3")
    world.balancer("gondor", GONDOR, {CARRIED_BY: "fellowship"})
    world.await_answer(GLOBAL, GONDOR, "10.0.0.3")
    world.balancer("gondor", GONDOR, {})
    world.await_answer(GLOBAL, "10.0.0.3")


def test_a_member_that_was_never_seen_does_not_serve_yet(world: World) -> None:
    world.gondor.stop()
    world.run()
    world.await_answer(GLOBAL, ROHAN)
    world.await_answer(f"{NAME}.minas-tirith.middle-earth.example.com", IN_REGION)
    world.gondor.start()
    both_serve(world)


def test_the_federation_api_may_go_away_and_come_back(world: World) -> None:
    world.run()
    both_serve(world)
    world.federation.stop()
    world.slice(world.gondor, ready=False)
    world.service()
    world.federation.start()
    world.await_answer(GLOBAL, ROHAN)


def test_what_people_edit_is_put_back(world: World) -> None:
    world.run()
    both_serve(world)
    edited = world.written
    edited["spec"]["endpoints"] = [{"dnsName": "wiki.example.com", "recordType": "A", "targets": ["6.6.6.6"]}]
    edited["metadata"]["annotations"] = {SEEN: "nonsense", "theirs": "stays"}
    world.federation.put(COLLECTION, edited)
    both_serve(world)
    assert world.written["metadata"]["annotations"]["theirs"] == "stays"
    assert world.written["metadata"]["annotations"][SEEN] != "nonsense"
    told = {("Service", "uid-web"), ("DNSEndpoint", edited["metadata"]["uid"])}
    world.federation.wait(lambda: world.warned("somebody wrote over the DNSEndpoint") == told, "Events on both")
    world.federation.remove(COLLECTION, "default", "web")
    both_serve(world)


def test_two_pods_that_want_different_things_do_not_write_as_fast_as_they_can(world: World) -> None:
    first = world.run(ttl=30)
    both_serve(world)
    began = monotonic()

    def patches() -> int:
        return sum(method == "PATCH" for method, _ in world.writes())

    world.run(ttl=60)
    # Between the first two writes of a pod there is a second at least, and then there are two.
    world.federation.wait(lambda: patches() >= 5, "both to have written over each other")
    assert monotonic() - began > 1
    assert first._memory["default", "web"].replaced > 0, "the pauses do not grow"
    assert world.warned("somebody wrote over the DNSEndpoint") == set(), "it is said to be somebody"


def test_an_object_of_others_is_left_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    theirs = {
        "metadata": {"namespace": "default", "name": "web", "labels": {MANAGED_BY: "me"}},
        "spec": {"endpoints": []},
    }
    kept = world.federation.put(COLLECTION, theirs)
    with caplog.at_level(logging.ERROR):
        running = world.run()
        told = {("Service", "uid-web"), ("DNSEndpoint", kept["metadata"]["uid"])}
        somebodys = "DNSEndpoint default/web is somebody else's"
        world.federation.wait(lambda: world.warned(somebodys) == told, "Events on both")
    assert somebodys in caplog.text
    running._loop.post(running._mark)
    world.federation.wait(lambda: caplog.text.count(somebodys) > 1, "another look")
    world.federation.remove(SERVICES, "default", "web")
    other = {"metadata": {"namespace": "default", "name": "api"}, "spec": {"type": "LoadBalancer"}}
    world.federation.put(SERVICES, other)
    world.federation.wait(lambda: world.federation.get(COLLECTION, "default", "api"), "records of another Service")
    assert world.federation.get(COLLECTION, "default", "web") == kept
    assert world.writes().count(("POST", "/api/v1/namespaces/default/events")) == len(told), "it is told at every look"


def test_a_forgotten_history_is_listed_anew(world: World) -> None:
    world.run()
    both_serve(world)
    world.slice(world.gondor, ready=False)
    world.gondor.expire()
    world.await_answer(GLOBAL, ROHAN)
    world.balancers(rohan="10.0.0.9")
    world.federation.expire()
    world.await_answer(GLOBAL, "10.0.0.9")


def test_a_member_that_does_not_answer_is_withdrawn_though_karmada_calls_it_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(members, "SILENT_SECONDS", 0.3)
    world.run()
    both_serve(world)
    world.gondor.stop()
    world.await_answer(GLOBAL, ROHAN)
    world.gondor.start()
    both_serve(world)


def test_while_no_member_answers_none_is_withdrawn_and_then_those_that_stay_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "EVERY_SECONDS", 0.05)
    running = world.run()
    both_serve(world)
    world.federation.wait(lambda: running._members._answers == {"gondor": None, "rohan": None}, "both to be asked")
    nobody_answers(world, monkeypatch)
    wait_for_the_engines_word(world, running)
    assert world.answers()[GLOBAL] == {GONDOR, ROHAN}
    # When the first one is back, the engine does not know it yet.
    monkeypatch.setattr(members, "LATELY_SECONDS", 60.0)
    world.gondor.start()
    world.federation.wait(lambda: running._held_until < inf, "gondor to be heard")
    wait_for_the_engines_word(world, running)
    assert world.answers()[GLOBAL] == {GONDOR, ROHAN}
    world.cluster("gondor", zones=["minas-tirith"])
    running._loop.post(partial(setattr, running, "_held_until", 0.0))
    running._loop.post(running._review)
    world.await_answer(GLOBAL, GONDOR)


def test_who_was_withdrawn_before_no_member_answered_stays_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(members, "SILENT_SECONDS", 0.0)
    running = world.run()
    both_serve(world)
    world.gondor.stop()
    world.await_answer(GLOBAL, ROHAN)
    nobody_answers(world, monkeypatch)
    wait_for_the_engines_word(world, running)
    assert world.answers()[GLOBAL] == {ROHAN}


def test_a_new_pod_withdraws_none_while_no_member_answers_but_those_that_leave(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    both_serve(world)
    world.kill()
    nobody_answers(world, monkeypatch)
    wait_for_the_engines_word(world, world.run())
    assert world.answers()[GLOBAL] == {GONDOR, ROHAN}
    world.cluster("gondor", zones=["minas-tirith"], leaving=True)
    world.await_answer(GLOBAL, ROHAN)


def test_a_load_balancer_that_ends_each_handshake_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "EVERY_SECONDS", 0.05)
    with asked_by_a_probe("https") as (connection, told):
        accepted = monotonic()
        # All is read that has come, so that it ends in good order.
        connection.recv(65536)
        connection.close()
        answers, asked = told.get(timeout=30)
        assert not answers
        assert asked < accepted, "the wait for the answer counts on top"


def test_an_answer_for_which_the_engine_waits_is_one_for_the_names_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "EVERY_SECONDS", 0.05)
    with asked_by_a_probe("http") as (connection, told):
        connection.recv(65536)
        connection.settimeout(6)
        with pytest.raises(TimeoutError):  # Who gives up hangs up.
            connection.recv(1)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        answers, _ = told.get(timeout=30)
        assert answers


@contextmanager
def asked_by_a_probe(scheme: str) -> Iterator[tuple[socket.socket, SimpleQueue[tuple[bool, float]]]]:
    """The member's end of the first connection of a probe, and what the probe tells."""
    told: SimpleQueue[tuple[bool, float]] = SimpleQueue()
    stopped = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"

        def tell(answers: bool, asked: float) -> None:
            told.put((answers, asked))

        probing.probe("gondor", lambda: Api.of_token(url, "", "secret", insecure=True), tell, stopped)
        try:
            connection, _ = listening.accept()
            with connection:
                yield connection, told
        finally:
            stopped.set()


def nobody_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All members are out of reach, for the engine too."""
    monkeypatch.setattr(members, "LATELY_SECONDS", 0.0)
    for member, zone in {"gondor": "minas-tirith", "rohan": "edoras"}.items():
        world.server(member).stop()
        world.cluster(member, zones=[zone], away=time())


def wait_for_the_engines_word(world: World, running: Controller) -> None:
    """That no member is Ready has come to the controller, and all that follows from it."""

    def has_come() -> bool:
        clusters = running._clusters or {}
        return bool(clusters) and all(each.not_ready_since is not None for each in clusters.values())

    world.federation.wait(has_come, "no member to be Ready")
    name = f"after-{len(world.writes())}"
    world.federation.put(
        SERVICES, {"metadata": {"namespace": "default", "name": name}, "spec": {"type": "LoadBalancer"}}
    )
    world.federation.wait(lambda: world.federation.get(COLLECTION, "default", name), "what follows from it")


def test_a_rotated_token_is_read_again(world: World) -> None:
    world.gondor.tokens = {"secret"}
    world.run()
    both_serve(world)
    world.gondor.tokens = {"fresh"}
    world.gondor.stop()
    world.gondor.start()
    world.slice(world.gondor, ready=False)
    world.gondor.wait(lambda: world.gondor.refused, "the old token to be refused")
    assert GONDOR in world.answers()[GLOBAL]
    world.secret("gondor", "fresh")
    world.await_answer(GLOBAL, ROHAN)


def test_a_member_that_went_silent_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube.watching, "WATCH_SECONDS", 1)
    monkeypatch.setattr(kube.watching, "GRACE_SECONDS", 1)
    world.run()
    both_serve(world)
    world.gondor.silent = True
    world.slice(world.gondor, ready=False)
    world.await_answer(GLOBAL, ROHAN)


def test_a_member_that_is_not_ready_is_withdrawn_in_time_and_comes_back(world: World) -> None:
    world.run(withdraw_after=2.5)
    both_serve(world)
    began = monotonic()
    world.cluster("gondor", zones=["minas-tirith"], away=time())
    world.await_answer(GLOBAL, ROHAN)
    assert monotonic() - began > 1  # the API counts in whole seconds
    world.await_answer(f"{NAME}.minas-tirith.middle-earth.example.com", IN_REGION)
    world.cluster("gondor", zones=["minas-tirith"], away=time())
    world.cluster("gondor", zones=["minas-tirith"])
    both_serve(world)


def test_a_clock_that_is_behind_publishes_no_dead_member(world: World) -> None:
    world.run(withdraw_after=1)
    both_serve(world)
    world.cluster("gondor", zones=["minas-tirith"], away=time() + 3600)
    world.await_answer(GLOBAL, ROHAN)


def test_a_clock_that_is_set_back_meanwhile_neither(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run(withdraw_after=2)
    both_serve(world)
    world.cluster("gondor", zones=["minas-tirith"], away=time())
    monkeypatch.setattr("controllers.names.controller.time", lambda: time() - 3600)
    world.await_answer(GLOBAL, ROHAN)


def test_a_condition_that_changes_while_the_member_is_away_does_not_bring_it_back(world: World) -> None:
    world.run(withdraw_after=60)
    both_serve(world)
    world.cluster("gondor", zones=["minas-tirith"], away=time() - 100)
    world.await_answer(GLOBAL, ROHAN)
    world.cluster("gondor", zones=["minas-tirith"], away=time())
    world.balancers(gondor=GONDOR, rohan="10.0.0.3")
    world.await_answer(GLOBAL, "10.0.0.3")


def test_who_was_withdrawn_as_silent_stays_so_when_the_engine_sees_it_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "EVERY_SECONDS", 0.05)
    # As if it had been silent so long when it was first asked.
    monkeypatch.setattr(members, "SILENT_SECONDS", -60.0)
    running = world.run(withdraw_after=60)
    both_serve(world)
    world.gondor.stop()
    world.await_answer(GLOBAL, ROHAN)
    world.cluster("gondor", zones=["minas-tirith"], away=time())
    world.federation.wait(
        lambda: (running._clusters or {})["gondor"].not_ready_since is not None, "the engine's word on gondor"
    )
    world.balancers(gondor=GONDOR, rohan="10.0.0.3")
    world.federation.wait(lambda: "10.0.0.3" in world.answers().get(GLOBAL, set()), "rohan's new address")
    assert world.answers()[GLOBAL] == {"10.0.0.3"}


def test_a_member_that_leaves_takes_its_names_along(world: World) -> None:
    world.run()
    both_serve(world)
    world.cluster("gondor", zones=["minas-tirith"], deleted=True)
    rohans = [GLOBAL, IN_REGION, f"{NAME}.edoras.middle-earth.example.com"]
    world.federation.wait(lambda: world.answers() == {name: {ROHAN} for name in rohans}, "only rohan's names")


def test_while_a_member_leaves_the_names_that_its_pods_ask_for_lead_to_the_others(world: World) -> None:
    world.run()
    both_serve(world)
    world.cluster("gondor", zones=["minas-tirith"], leaving=True)
    world.await_answer(GLOBAL, ROHAN)
    assert world.answers()[f"{NAME}.minas-tirith.middle-earth.example.com"] == {IN_REGION}
    assert "gondor" not in world.written["metadata"]["annotations"][SEEN]
    # A leave that is interrupted takes the mark off.
    world.cluster("gondor", zones=["minas-tirith"])
    both_serve(world)


def test_a_member_that_moves_is_followed_to_its_new_address(world: World) -> None:
    world.run()
    both_serve(world)
    world.gondor.stop()
    world.gondor = ApiServer()
    world.gondor.broken = {SERVICES, SLICES}
    world.cluster("gondor", zones=["minas-tirith"])
    world.gondor.wait(lambda: world.gondor.requests, "to be asked at the new address")
    world.balancers(gondor=GONDOR, rohan="10.0.0.3")
    world.await_answer(GLOBAL, GONDOR, "10.0.0.3")
    world.gondor.broken = set()
    world.await_answer(GLOBAL, "10.0.0.3")
    world.slice(world.gondor, ready=True)
    world.await_answer(GLOBAL, GONDOR, "10.0.0.3")


def test_a_member_is_reached_by_the_proxy_of_its_cluster_from_when_it_is_said(world: World) -> None:
    world.run()
    both_serve(world)
    asked = len(world.gondor.requests)
    # The server is its own proxy: it is asked by whole URLs then.
    elsewhere = "http://gondor.invalid"
    world.cluster("gondor", zones=["minas-tirith"], apiEndpoint=elsewhere, proxyURL=world.gondor.url)
    world.gondor.wait(
        lambda: any(path.startswith(elsewhere) for _, path in world.gondor.requests[asked:]), "to be asked as a proxy"
    )
    world.balancers(gondor="10.0.0.3", rohan=ROHAN)
    world.await_answer(GLOBAL, "10.0.0.3", ROHAN)


@pytest.mark.parametrize("ca", ["unreadable", ""])
def test_a_members_certificate_is_checked_unless_its_cluster_takes_any(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, ca: str
) -> None:
    world.secret("gondor", ca=write_pair(tmp_path / "other.pem", x509.DNSName("gondor.example")))
    write_pair(tmp_path / "pair.pem", x509.DNSName("another.example"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "pair.pem")
    world.gondor.stop()
    world.gondor = ApiServer(tls)
    world.balancers(gondor=GONDOR, rohan=ROHAN)
    world.slice(world.gondor, ready=True)
    world.cluster("gondor", zones=["minas-tirith"])
    world.run()
    world.federation.wait(lambda: "certificate verify failed" in caplog.text, "gondor to be refused")
    assert world.gondor.requests == []
    world.secret("gondor", ca=ca)
    world.cluster("gondor", zones=["minas-tirith"], insecureSkipTLSVerification=True)
    both_serve(world)


def test_a_host_name_is_resolved_and_its_addresses_survive_a_restart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.balancers(gondor="LB.gondor.net.", rohan=ROHAN)
    world.run()
    world.await_answer(GLOBAL, "10.0.9.1", ROHAN)
    world.await_answer(f"{NAME}.minas-tirith.middle-earth.example.com", "10.0.9.1")
    world.kill()
    monkeypatch.delitem(HOSTS, "lb.gondor.net")
    world.balancers(gondor="lb.gondor.net", rohan="10.0.0.3")
    world.run()
    world.await_answer(GLOBAL, "10.0.9.1", "10.0.0.3")


def test_addresses_of_host_names_are_refreshed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "FASTEST_LOOKUPS", 0.2)
    world.balancers(gondor="lb.gondor.net", rohan=ROHAN)
    world.run(ttl=0)
    world.await_answer(GLOBAL, "10.0.9.1", ROHAN)
    monkeypatch.setitem(HOSTS, "lb.gondor.net", frozenset(["10.0.9.2"]))
    world.await_answer(GLOBAL, "10.0.9.2", ROHAN)
    world.service("ClusterIP")
    world.federation.wait(lambda: monotonic() - world.looked_up > 0.5, "an end of the lookups")


def test_the_kubeconfig_is_read_again_when_it_does_not_work_any_more(world: World) -> None:
    world.run()
    both_serve(world)
    world.admin = "fresh"
    world.federation.tokens = {"fresh"}
    world.slice(world.gondor, ready=False)
    world.await_answer(GLOBAL, ROHAN)


def test_a_write_that_fails_is_repeated(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.run()
    both_serve(world)
    world.federation.broken = {f"{COLLECTION.rsplit('/', 1)[0]}/namespaces"}
    world.slice(world.gondor, ready=False)
    world.federation.wait(
        lambda: "records are not written, and will be tried again: 500 broken by the test" in caplog.text, "a warning"
    )
    world.federation.broken = set()
    world.await_answer(GLOBAL, ROHAN)


def test_what_stays_the_same_is_not_written_again(world: World) -> None:
    world.run(withdraw_after=60)
    both_serve(world)
    before = len(world.writes())
    world.service()
    world.slice(world.gondor, ready=True)
    world.cluster("gondor", zones=["minas-tirith"], away=time())
    world.federation.put(
        SERVICES, {"metadata": {"namespace": "default", "name": "api"}, "spec": {"type": "LoadBalancer"}}
    )
    world.federation.wait(lambda: world.federation.get(COLLECTION, "default", "api"), "records of another Service")
    assert len(world.writes()) == before + 1
