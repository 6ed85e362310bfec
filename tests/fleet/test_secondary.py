"""BIND outside the host cluster, on rohan's node, as secondary of the zone; and the zone signed instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import pytest

from lab.fleet.cluster import Cluster
from lab.fleet.ownership import existing
from lab.fleet.sandbox import ONLY_NETWORK
from lab.fleet.waiting import wait_until
from lab.zone import QUESTIONS, Zone
from tests.figures import Figures
from tests.fleet.conftest import FLEET, HOST, NAMES, SYSTEM, Clusters, Federation
from tests.fleet.settings import configured
from tests.programs import bind

NEW = """
apiVersion: externaldns.k8s.io/v1alpha1
kind: DNSEndpoint
metadata: {{name: new, namespace: default}}
spec: {{endpoints: [{{dnsName: new.example.com, recordType: A, targets: [{address}]}}]}}
"""


@dataclass(frozen=True)
class Lab:
    clusters: Clusters
    federation: Federation
    primary: Zone
    secondary: Zone
    key: Mapping[str, str]
    log: Path


@pytest.fixture(scope="module")
def lab(
    clusters: Clusters, federation: Federation, zone: Zone, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    fleet = existing(FLEET)
    host, rohan = (Cluster(fleet, fleet.member(name)) for name in (HOST, "rohan"))
    # Pods of the host are seen from outside by their node's address.
    place = bind.Place(address=str(rohan.address), primary=zone.server, notified_by=str(host.address))
    folder, within = tmp_path_factory.mktemp("secondary") / "bind", rohan.sandbox.inside([], ONLY_NETWORK)
    with configured(federation, _coredns(transferTo=[place.address])):
        # Those of before know no key, and BIND whom one of them answers asks again after a minute only.
        wait_until("the end of the name servers of before", lambda: not _ending(clusters), 60)
        key = json.loads(federation.stack.output("transferKey"))
        with bind.secondary(folder, place, key, within=within) as log:
            wait_until("the secondary's first transfer", lambda: bind.TAKEN in log.read_text(), 120)
            yield Lab(clusters, federation, zone, Zone(place.address, NAMES), key, log)
    assert policy(clusters) == ("Cluster", None)


def _coredns(**settings: Any) -> Callable[[dict[str, Any]], None]:
    """A change of the name servers' settings."""
    return lambda config: config["federation:dns"].update(coredns=settings)


def _ending(clusters: Clusters) -> list[str]:
    """The pods of name servers that are on their way out."""
    pods = [pod["metadata"] for pod in clusters.get(HOST, "pods", "-n", SYSTEM, "-l", "app=federation-dns")["items"]]
    return [pod["name"] for pod in pods if "deletionTimestamp" in pod]


def policy(clusters: Clusters) -> tuple[str, int | None]:
    spec = clusters.get(HOST, "service", "federation-dns", "-n", SYSTEM)["spec"]
    return spec["externalTrafficPolicy"], spec.get("healthCheckNodePort")


def transfer(server: str, key: Mapping[str, str]) -> str:
    """How a request for the whole zone ends that comes from this machine, which is no secondary."""
    query = dns.message.make_query("example.com", "AXFR")
    query.use_tsig(dns.tsigkeyring.from_text({key["name"]: key["secret"]}), algorithm=dns.tsig.HMAC_SHA256)
    return dns.rcode.to_text(dns.query.tcp(query, server, timeout=5).rcode())


def test_it_has_the_zone_of_the_name_servers(lab: Lab) -> None:
    for name, kind in (("example.com", "SOA"), ("example.com", "NS"), ("api.fellowship.example.com", "A")):
        ours, theirs = (side.ask(name, kind).answer for side in (lab.primary, lab.secondary))
        assert theirs == ours != []


def test_each_change_reaches_it_within_seconds(lab: Lab, figures: Figures) -> None:
    took = []
    for address in ("192.0.2.101", "192.0.2.102", "192.0.2.103"):
        lab.federation.apply(NEW.format(address=address))

        def is_there(address: str = address) -> bool:
            return [str(each) for rrset in lab.secondary.ask("new.example.com").answer for each in rrset] == [address]

        took.append(wait_until(f"{address} on the secondary", is_there, 30))
    figures.add(
        "changed DNSEndpoint to changed answer of a secondary on another cluster's node, longest of 3", max(took)
    )
    lab.federation.clusters.kubectl("fellowship", "delete", "dnsendpoint", "new", "-n", "default")
    wait_until("the name to be gone", lambda: lab.secondary.rcode("new.example.com") == "NXDOMAIN", 30)
    assert "refused notify" not in lab.log.read_text()


def test_another_address_is_refused_with_the_key_too(lab: Lab) -> None:
    assert policy(lab.clusters)[0] == "Local"
    assert transfer(lab.primary.server, lab.key) == "REFUSED"


def test_the_key_is_shown_on_purpose_only(lab: Lab) -> None:
    stack = lab.federation.stack
    assert lab.key["secret"] in stack.state("--show-secrets")
    hidden = stack.state()
    # Found first: pytest would show what is looked through.
    shown = lab.key["secret"] in hidden
    assert not shown


def test_nothing_differs_afterwards(lab: Lab) -> None:
    code, log, _ = lab.federation.pulumi("preview", "--refresh", "--expect-no-changes")
    assert code == 0, log


def test_the_zone_is_signed_instead(federation: Federation, lab: Lab, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors"
    with configured(federation, _coredns(dnssec=True)):
        (ds,) = json.loads(federation.stack.output("ds"))
        anchors.write_text(bind.anchors(ds))

        def is_signed(name: str, kind: str) -> bool:
            return "; fully validated" in bind.delv(anchors, name, kind, server=lab.primary.server)

        # kube-proxy may lead to the name servers of before for a moment.
        wait_until("the signed zone", lambda: all(is_signed("example.com", "SOA") for _ in range(QUESTIONS)), 60)
        assert is_signed("api.fellowship.example.com", "A")
        denied = bind.delv(anchors, "nothing.example.com", "A", server=lab.primary.server)
        assert "; negative response, fully validated" in denied
        code, log, _ = federation.pulumi("preview", "--refresh", "--expect-no-changes")
        assert code == 0, log
