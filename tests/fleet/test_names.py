"""The names of federated Services, asked for with real queries, while what they stand for changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from dns.exception import DNSException

from federation.settings.names import ServiceNames
from lab.federation import UNATTENDED
from lab.fleet.waiting import wait_until
from lab.zone import Zone
from tests.documented import Shell, commands
from tests.figures import Figures
from tests.fleet.conftest import EXAMPLE, EXIT_CHANGES, HOST, MEMBERS, NAMES, SYSTEM, Clusters, Federation

REGION, CITADEL, HALL = "middle-earth", "minas-tirith", "edoras"
"""The region of both members, gondor's zone, rohan's zone."""
GLOBAL, SHORT = "web.default.fellowship.svc.example.com", "web.default.fellowship"


@pytest.fixture(scope="module")
def clients(federation: Federation) -> Iterator[None]:
    """In each member a pod that has nothing to do with the federation."""
    for context in MEMBERS.values():
        sleeping = ("--image=busybox:1.36", "--image-pull-policy=IfNotPresent", "--", "sleep", "infinity")
        federation.clusters.kubectl(context, "run", "client", *sleeping)
    for context in MEMBERS.values():
        federation.clusters.kubectl(context, "wait", "pod/client", "--for=condition=Ready", "--timeout=60s")
    yield
    for context in MEMBERS.values():
        federation.clusters.kubectl(context, "delete", "pod", "client", "--grace-period=0", "--force")


@pytest.fixture(scope="module")
def gondor_and_rohan(federation: Federation, zone: Zone, figures: Figures) -> Iterator[tuple[str, str]]:
    """The example in both members; the addresses of its load balancers."""
    federation.clusters.kubectl("fellowship", "apply", "-f", EXAMPLE)
    seconds = wait_until(
        "an address from each member", lambda: zone.agrees(lambda: len(zone.addresses()) == len(MEMBERS)), 60
    )
    figures.add("example applied, until its global name had both", seconds)
    gondor, rohan = (_balancer(federation, context) for context in MEMBERS.values())
    yield gondor, rohan
    federation.clusters.kubectl("fellowship", "delete", "--ignore-not-found", "-f", EXAMPLE)


def test_every_level_has_its_name(zone: Zone, gondor_and_rohan: tuple[str, str]) -> None:
    gondor, rohan = gondor_and_rohan
    assert zone.addresses() == {gondor, rohan}
    assert zone.addresses(REGION) == {gondor, rohan}
    assert zone.addresses(CITADEL, REGION) == {gondor}
    assert zone.addresses(HALL, REGION) == {rohan}
    assert zone.leads_to(CITADEL, REGION) is None


def test_a_name_is_asked_for_and_a_record_made_as_the_page_says(
    federation: Federation, shell: Shell, zone: Zone, gondor_and_rohan: tuple[str, str]
) -> None:
    assert set(shell.run(commands("dns.md", "Names", __file__)).split()) == set(gondor_and_rohan)
    shell.run(commands("dns.md", "What is answered when", __file__))
    wait_until("a record of one's own", lambda: zone.agrees(lambda: zone.rcode("wiki.example.com") == "NOERROR"), 30)
    federation.clusters.kubectl("fellowship", "delete", "dnsendpoint", "mine")
    printed = shell.run(commands("dns.md", "Where to look", __file__)).splitlines()
    # Of two pods kubectl chooses one, and says so first.
    logged = [json.loads(line) for line in printed if not line.startswith("Found 2 pods, ")]
    assert {line["level"] for line in logged} <= {"info", "warning"}


def test_answers_have_the_configured_ttl_over_udp_and_tcp(zone: Zone, gondor_and_rohan: tuple[str, str]) -> None:
    for tcp in (False, True):
        (rrset,) = zone.ask(GLOBAL, tcp=tcp).answer
        assert rrset.ttl == 30


def test_the_zone_is_whole(federation: Federation, zone: Zone, gondor_and_rohan: tuple[str, str]) -> None:
    (name_server,) = zone.ask("example.com", "NS").answer[0]
    assert str(zone.ask(str(name_server)).answer[0][0]) == zone.server
    assert str(zone.ask("example.com", "SOA").answer[0][0]).startswith(str(name_server))
    endpoint = federation.stack.output("apiEndpoint")
    assert str(zone.ask("api.fellowship.example.com").answer[0][0]) in endpoint
    assert zone.rcode("nothing.default.fellowship.svc.example.com") == "NXDOMAIN"
    assert (zone.rcode(GLOBAL, "AAAA"), zone.ask(GLOBAL, "AAAA").answer) == ("NOERROR", [])
    # What is stored below an inner name of the tree is not its own.
    assert zone.ask("default.fellowship.svc.example.com").answer == []


def test_pods_of_each_member_get_the_page_of_their_own(
    federation: Federation, gondor_and_rohan: tuple[str, str], clients: None
) -> None:
    for name, context in MEMBERS.items():
        # A cluster's DNS hears of a new Corefile only after a while.
        wait_until(f"a pod in {name} to get its page", partial(_gets_its_page, federation, name), 90)
        assert "Served by a pod in" in _page(federation, context, GLOBAL)


def test_without_a_ready_pod_in_gondor_its_names_lead_to_rohan(
    federation: Federation, zone: Zone, gondor_and_rohan: tuple[str, str], clients: None, figures: Figures
) -> None:
    gondor, rohan = gondor_and_rohan
    _take_pods_from_gondor(federation)
    seconds = wait_until("only rohan in the global name", lambda: zone.agrees(lambda: zone.addresses() == {rohan}), 30)
    figures.add("no ready pod in gondor, until out of the global name", seconds)
    assert seconds < 10
    wait_until(
        "gondor's zone to lead to its region",
        lambda: zone.agrees(lambda: zone.leads_to(CITADEL, REGION) == _name(REGION)),
        10,
    )
    assert zone.addresses(CITADEL, REGION) == zone.addresses(REGION) == {rohan}
    # Its own Service is still there, without endpoints; the short name passes over it.
    in_gondor = MEMBERS["gondor"]
    wait_until("pods in gondor to be led to rohan", lambda: "in rohan" in _page(federation, in_gondor, SHORT), 45)
    federation.clusters.kubectl(MEMBERS["gondor"], "uncordon", "gondor")
    seconds = wait_until("gondor to be back", lambda: zone.agrees(lambda: zone.addresses() == {gondor, rohan}), 60)
    figures.add("and back", seconds)


def test_an_object_edited_by_hand_is_put_back(
    federation: Federation, zone: Zone, gondor_and_rohan: tuple[str, str]
) -> None:
    wrong = json.dumps([{"op": "replace", "path": "/spec/endpoints/0/targets", "value": ["192.0.2.98"]}])
    federation.clusters.kubectl("fellowship", "patch", "dnsendpoint", "web", "--type=json", f"--patch={wrong}")

    def targets() -> list[str]:
        endpoint = federation.clusters.get("fellowship", "dnsendpoint", "web", "-n", "default")["spec"]["endpoints"][0]
        return sorted(endpoint["targets"])

    wait_until("the object to be as it was", lambda: targets() == sorted(gondor_and_rohan), 30)
    wait_until("the right addresses", lambda: zone.agrees(lambda: zone.addresses() == set(gondor_and_rohan)), 30)


FOREIGN = """
apiVersion: externaldns.k8s.io/v1alpha1
kind: DNSEndpoint
metadata: {name: foreign, namespace: default}
spec:
  endpoints:
    - {dnsName: foreign.example.com, recordType: A, targets: [192.0.2.1]}
    - {dnsName: web.default.fellowship.svc.example.com, recordType: A, targets: [192.0.2.99]}
"""


def test_somebodys_own_record_is_published_and_never_over_ours(
    federation: Federation, zone: Zone, gondor_and_rohan: tuple[str, str]
) -> None:
    federation.apply(FOREIGN)
    wait_until("the foreign name", lambda: zone.agrees(lambda: zone.rcode("foreign.example.com") == "NOERROR"), 30)
    assert str(zone.ask("foreign.example.com").answer[0][0]) == "192.0.2.1"
    assert zone.addresses() == set(gondor_and_rohan)
    # Its owner hears whose the name is, once, though two name servers leave it out.
    select = ("-n", "default", "--field-selector", "involvedObject.name=foreign,reason=NotPublished")
    wait_until("an Event", lambda: bool(federation.clusters.get("fellowship", "events", *select)["items"]), 30)
    (event,) = federation.clusters.get("fellowship", "events", *select)["items"]
    assert event["message"] == f"{GLOBAL} A is left out: the name is that of DNSEndpoint default/web"
    federation.clusters.kubectl("fellowship", "delete", "dnsendpoint", "foreign", "-n", "default")
    wait_until(
        "the foreign name to be gone", lambda: zone.agrees(lambda: zone.rcode("foreign.example.com") == "NXDOMAIN"), 30
    )


@pytest.mark.parametrize("program", ["federation-dns", "dns-controller"])
def test_a_program_that_is_killed_takes_no_record_with_it(
    federation: Federation, zone: Zone, gondor_and_rohan: tuple[str, str], clusters: Clusters, program: str
) -> None:
    gondor, rohan = gondor_and_rohan
    pods = ("pods", "-n", SYSTEM, "-l", f"app={program}")
    _take_pods_from_gondor(federation)
    clusters.kubectl(HOST, "delete", *pods, "--grace-period=0", "--force")
    wait_until("only rohan in the global name", lambda: zone.agrees(lambda: _answer(zone) == {rohan}), 60)
    federation.clusters.kubectl(MEMBERS["gondor"], "uncordon", "gondor")
    clusters.kubectl(HOST, "delete", *pods, "--grace-period=0", "--force")

    def both() -> bool:
        found = _answer(zone)
        assert found is None or rohan in found
        return found == {gondor, rohan}

    wait_until("gondor to be back", lambda: zone.agrees(both), 60)


def test_a_namespace_that_is_deleted_and_made_again_has_its_names_back(
    federation: Federation, zone: Zone, gondor_and_rohan: tuple[str, str], figures: Figures
) -> None:
    again = replace(zone, names=ServiceNames("web", "bree", "fellowship", "example.com"))
    # Busybox as the first process of a pod does not heed the signal to end: its Namespace would go after 30 s.
    ends_at_once = "    spec:\n      terminationGracePeriodSeconds: 1\n      containers:"
    example = Path(EXAMPLE).read_text().replace("namespace: default", "namespace: bree")
    example = example.replace("    spec:\n      containers:", ends_at_once)

    def has_names() -> bool:
        """By the status of the Service that is there now: a name of before may still be answered."""
        status = federation.clusters.get("fellowship", "service", "web", "-n", "bree")["status"]
        balancers = {each["ip"] for each in status["loadBalancer"].get("ingress") or ()}
        return len(balancers) == len(MEMBERS) and again.agrees(lambda: again.addresses() == balancers)

    def make() -> float:
        federation.clusters.kubectl("fellowship", "create", "namespace", "bree")
        federation.apply(example)
        return wait_until("an address from each member", has_names, 60)

    figures.add("Namespace with a Service made, until its name had both", make())
    federation.clusters.kubectl("fellowship", "delete", "namespace", "bree", "--timeout=60s")
    seconds = make()
    figures.add("Namespace deleted and made again, until its Service's name had both", seconds)
    assert seconds < 20
    federation.clusters.kubectl("fellowship", "delete", "namespace", "bree", "--timeout=60s")
    wait_until("the name to be gone", lambda: again.agrees(lambda: again.rcode(again.names.at()) == "NXDOMAIN"), 30)


def test_what_somebody_changed_in_a_members_cluster_dns_is_drift_and_put_back(
    federation: Federation, gondor_and_rohan: tuple[str, str]
) -> None:
    rohan = MEMBERS["rohan"]
    ours = federation.clusters.corefile(rohan)
    assert ours.startswith(federation.corefiles[rohan])
    changed = json.dumps({"data": {"Corefile": ours.replace("denial 9984 5", "denial 9984 600")}})
    patch = ("patch", "configmap", "coredns", "-n", "kube-system", "--type=merge", f"--patch={changed}")
    federation.clusters.kubectl(rohan, *patch)
    code, log, _ = federation.pulumi("preview", "--refresh", "--expect-no-changes")
    assert code == EXIT_CHANGES, log
    assert "rohan-cluster-dns" in log
    code, log, _ = federation.pulumi("up", "--refresh", *UNATTENDED)
    assert code == 0, log
    assert federation.clusters.corefile(rohan) == ours


def test_names_go_with_the_service(
    federation: Federation, zone: Zone, gondor_and_rohan: tuple[str, str], figures: Figures
) -> None:
    federation.clusters.kubectl("fellowship", "delete", "service", "web")
    seconds = wait_until(
        "the global name to be gone", lambda: zone.agrees(lambda: zone.rcode(GLOBAL) == "NXDOMAIN"), 30
    )
    figures.add("Service deleted, until its name was gone", seconds)
    for place in ((REGION,), (CITADEL, REGION), (HALL, REGION)):
        wait_until(f"the name at {place} to be gone", lambda p=place: zone.rcode(_name(*p)) == "NXDOMAIN", 30)  # type: ignore[misc]


def _take_pods_from_gondor(federation: Federation) -> None:
    """Leave the example without a pod there until the node is uncordoned; its Service stays."""
    context = MEMBERS["gondor"]
    federation.clusters.kubectl(context, "cordon", "gondor")
    federation.clusters.kubectl(context, "delete", "pods", "-l", "app=web", "--grace-period=0", "--force")


def _answer(zone: Zone) -> set[str] | None:
    """The addresses of the global name; None while no name server answers, as all of them were killed."""
    with suppress(DNSException, OSError):
        return zone.addresses()
    return None


def _name(*place: str) -> str:
    return NAMES.at(*place)


def _balancer(federation: Federation, context: str) -> str:
    status = federation.clusters.get(context, "service", "web", "-n", "default")["status"]
    return str(status["loadBalancer"]["ingress"][0]["ip"])


def _gets_its_page(federation: Federation, name: str) -> bool:
    return _page(federation, MEMBERS[name], SHORT) == f"Served by a pod in {name}."


def _page(federation: Federation, context: str, name: str) -> str:
    """The last line of the page at http://name, as a pod in the member gets it; empty if it gets none."""
    fetch = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 5 nc {name} 80 | tail -n 1"
    return federation.clusters.kubectl(context, "exec", "client", "--", "sh", "-c", fetch, check=False).strip()
