"""The same names from Google Cloud DNS: the zone by Pulumi, the records of Services by external-dns."""

from __future__ import annotations

import pytest

from federation.settings.names import ServiceNames
from lab.fleet.waiting import wait_until
from tests.figures import Figures
from tests.fleet.conftest import EXAMPLE, MEMBERS, Federation, googles_key
from tests.fleet.google import Google
from tests.leaks import leaks

ZONE = "example-com"
WEB = f"{ServiceNames('web', 'default', 'fellowship', 'example.com').at()}."


@pytest.mark.needs("cloud-dns mock", "gcp plugin", "external-dns")
def test_the_zone_is_there_with_the_apis_name(federation: Federation, google: Google) -> None:
    assert google.ask("GET", f"/{ZONE}").json()["dnsName"] == "example.com."
    _, (address,) = google.records(ZONE)["api.fellowship.example.com.", "A"]
    assert address in federation.stack.output("apiEndpoint")


@pytest.mark.needs("cloud-dns mock", "gcp plugin", "external-dns")
def test_nothing_differs_afterwards(federation: Federation, google: Google) -> None:
    code, log, _ = federation.pulumi("preview", "--refresh", "--expect-no-changes")
    assert code == 0, log


@pytest.mark.needs("cloud-dns mock", "gcp plugin", "external-dns")
def test_the_state_shows_googles_key_on_purpose_only(federation: Federation, google: Google) -> None:
    signs = googles_key(federation)
    shown, hidden = federation.stack.state("--show-secrets"), federation.stack.state()
    # Found first: pytest would show what is looked through.
    on_purpose, leaked = leaks(shown, signs), leaks(hidden, signs)
    assert on_purpose
    assert leaked == []


@pytest.mark.needs("cloud-dns mock", "gcp plugin", "external-dns")
def test_the_records_of_a_service_come_and_go(federation: Federation, google: Google, figures: Figures) -> None:
    federation.clusters.kubectl("fellowship", "apply", "-f", EXAMPLE)

    def both() -> bool:
        _, addresses = google.records(ZONE).get((WEB, "A"), (0, []))
        return len(addresses) == len(MEMBERS)

    seconds = wait_until("the example's global name in Cloud DNS", both, 90)
    figures.add("example applied, until its global name was in Cloud DNS", seconds)
    ttl, _ = google.records(ZONE)[WEB, "A"]
    assert ttl == 30
    owners = [text for (_, kind), (_, texts) in google.records(ZONE).items() if kind == "TXT" for text in texts]
    assert owners
    assert all("external-dns/owner=fellowship" in text for text in owners)
    federation.clusters.kubectl("fellowship", "delete", "-f", EXAMPLE)
    wait_until(
        "only the API's name in Cloud DNS",
        lambda: list(google.records(ZONE)) == [("api.fellowship.example.com.", "A")],
        90,
    )
