"""A CloudDnsZone against mock-cloud-dns, the Cloud DNS API in memory. Needs no cluster."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.federation import UNATTENDED
from lab.stack import CHECKOUT, Stack
from tests.figures import Figures
from tests.fleet.conftest import EXIT_CHANGES
from tests.fleet.google import Google, mock_cloud_dns

EXIT_ERROR = 1
SERVERS = [f"ns-cloud-c{i}.googledomains.com." for i in range(1, 5)]
API = "api.fellowship.example.com."
PROGRAM = """
import json
from pathlib import Path

import pulumi

from federation.dns.cloud_dns import CloudDnsZone, CloudDnsZoneArgs, google_provider
from federation.settings import GoogleCloudDns

given = json.loads(Path("zone.json").read_text())
settings = GoogleCloudDns.model_validate(given["settings"])
args = CloudDnsZoneArgs(
    provider=google_provider(settings),
    settings=settings,
    zone="example.com",
    federation="fellowship",
    api_address=pulumi.Output.from_input(given["address"]),
    ttl=30,
    protect=given["protect"],
)
zone = CloudDnsZone("zone", args)
pulumi.export("zone", zone.zone)
pulumi.export("nameServers", zone.name_servers)
"""


@dataclass(frozen=True)
class Zone:
    """A stack with one CloudDnsZone in it, and nothing else."""

    google: Google
    stack: Stack

    def configure(self, *, address: str = "192.0.2.10", protect: bool = False, **settings: Any) -> None:
        google = {"project": "my-project", "dnsCustomEndpoint": self.google.endpoint, **settings}
        given = {"settings": google, "address": address, "protect": protect}
        (self.stack.home / "zone.json").write_text(json.dumps(given))

    def pulumi(self, verb: str, *arguments: str, expect: int = 0) -> tuple[str, float]:
        """Output and seconds of a command, which must end with the expected code."""
        start = time.monotonic()
        command = (verb, *self.stack.options, *arguments, "--color", "never")
        done = self.stack.pulumi(*command, folder=self.stack.home, check=False, capture=True)
        log = done.stdout + done.stderr
        assert done.returncode == expect, log[-4000:]
        return log, time.monotonic() - start

    def up(self, *arguments: str) -> float:
        return self.pulumi("up", *UNATTENDED, *arguments)[1]

    def settled(self) -> float:
        """Nothing differs, in Google or in the program."""
        return self.pulumi("preview", "--refresh", "--expect-no-changes")[1]

    def urn(self, end: str) -> str:
        """Of the one resource whose URN ends with its type and name."""
        resources = json.loads(self.stack.state())["deployment"]["resources"]
        (urn,) = [each["urn"] for each in resources if each["urn"].endswith(end)]
        return str(urn)


@pytest.fixture
def google() -> Iterator[Google]:
    with mock_cloud_dns() as running:
        yield running


@pytest.fixture
def zone(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zone:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    # Any token will do: the mock asks for none, but the provider does not start without.
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "mock")
    python = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "federation", "runtime": python}))
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "passphrase").write_text("mock")
    stack = Stack("test", tmp_path, tmp_path / "no-kubeconfig")
    stack.settings.write_text(yaml.safe_dump({"config": {"pulumi:disable-default-providers": ["*"]}}))
    stack.pulumi("stack", "init", stack.name, folder=tmp_path, capture=True)
    return Zone(google, stack)


@pytest.mark.needs("cloud-dns mock", "gcp plugin")
def test_a_zone_is_made_watched_mended_and_taken_away_with_its_records(zone: Zone, figures: Figures) -> None:
    zone.google.make_zone("com", "com.")
    zone.configure(parentZone="com", labels={"team": "dns"}, dnssec=True)
    figures.add("zone: up, to Cloud DNS", zone.up())
    made = zone.google.ask("GET", "/example-com").json()
    assert (made["dnsName"], made["visibility"]) == ("example.com.", "public")
    assert {"team": "dns", "federation": "fellowship"}.items() <= made["labels"].items()
    assert made["dnssecConfig"]["state"] == "on"
    assert zone.google.records("example-com") == {(API, "A"): (30, ["192.0.2.10"])}
    assert zone.google.records("com") == {("example.com.", "NS"): (21600, SERVERS)}
    assert zone.stack.output("zone").strip() == "example.com."
    assert json.loads(zone.stack.output("nameServers")) == SERVERS

    # What external-dns writes is none of Pulumi's business.
    service = "web.default.fellowship.svc.example.com."
    zone.google.put("example-com", service, "192.0.2.20")
    figures.add("zone: preview --refresh, no change", zone.settled())

    zone.google.put("example-com", API, "192.0.2.66")
    zone.google.ask("PUT", "/example-com", {**made, "labels": {"federation": "somebodys"}}).raise_for_status()
    log, _ = zone.pulumi("preview", "--refresh", "--expect-no-changes", expect=EXIT_CHANGES)
    assert "RecordSet zone-api update" in log
    assert "ManagedZone zone update" in log
    zone.up("--refresh")
    assert zone.google.records("example-com")[API, "A"] == (30, ["192.0.2.10"])
    mended = zone.google.ask("GET", "/example-com").json()
    assert (mended["id"], mended["labels"]["federation"]) == (made["id"], "fellowship")

    zone.google.ask("DELETE", f"/example-com/rrsets/{API}/A").raise_for_status()
    zone.google.ask("DELETE", "/com/rrsets/example.com./NS").raise_for_status()
    zone.pulumi("preview", "--refresh", "--expect-no-changes", expect=EXIT_CHANGES)
    figures.add("zone: up --refresh, two to restore", zone.up("--refresh"))
    assert zone.google.records("example-com")[API, "A"] == (30, ["192.0.2.10"])
    assert zone.google.records("com") == {("example.com.", "NS"): (21600, SERVERS)}

    zone.configure(parentZone="com", address="balancer.example.net")
    zone.up()
    changed = zone.google.ask("GET", "/example-com").json()
    assert ("team" in changed["labels"], changed["dnssecConfig"]["state"]) == (False, "off")
    assert set(zone.google.records("example-com")) == {(API, "CNAME"), (service, "A")}
    assert zone.google.records("example-com")[API, "CNAME"] == (30, ["balancer.example.net."])
    zone.settled()

    _, seconds = zone.pulumi("destroy", "--yes", "--skip-preview")
    figures.add("zone: destroy, with a record in it", seconds)
    assert zone.google.ask("GET", "/example-com").status_code == 404
    assert zone.google.records("example-com") == {}
    assert zone.google.records("com") == {}


@pytest.mark.needs("cloud-dns mock", "gcp plugin")
def test_an_existing_zone_is_used_and_stays_with_what_others_put_into_it(zone: Zone) -> None:
    zone.google.make_zone("shire", "example.com.")
    zone.google.put("shire", "mail.example.com.", "192.0.2.30")
    others = {("mail.example.com.", "A"): (30, ["192.0.2.30"])}
    zone.configure(createZone=False, zoneName="shire")
    zone.up()
    assert zone.google.records("shire") == others | {(API, "A"): (30, ["192.0.2.10"])}
    assert json.loads(zone.stack.output("nameServers")) == SERVERS
    zone.settled()
    zone.pulumi("destroy", "--yes", "--skip-preview")
    assert zone.google.records("shire") == others
    assert zone.google.ask("GET", "/shire").json()["description"] == "not ours"


@pytest.mark.needs("cloud-dns mock", "gcp plugin")
def test_a_zone_of_another_domain_is_refused_in_a_line_and_nothing_is_made(zone: Zone) -> None:
    zone.google.make_zone("mordor", "mordor.example.org.")
    zone.configure(createZone=False, zoneName="mordor")
    log, _ = zone.pulumi("preview", expect=EXIT_ERROR)
    assert "zoneName: managed zone mordor of project my-project is for mordor.example.org.; it must be for" in log
    assert "Traceback" not in log
    assert zone.google.records("mordor") == {}


@pytest.mark.needs("cloud-dns mock", "gcp plugin")
def test_a_protected_zone_is_neither_replaced_nor_deleted_until_protection_is_taken_off(zone: Zone) -> None:
    zone.configure(protect=True)
    zone.up()
    log, _ = zone.pulumi("preview", "--target-replace", zone.urn("ManagedZone::zone"), expect=EXIT_ERROR)
    assert set(re.findall(r'unable to replace resource "\S*:(\w+::[^":]+)"', log)) == {"ManagedZone::zone"}
    zone.pulumi("destroy", "--yes", "--skip-preview", expect=EXIT_ERROR)
    assert zone.google.ask("GET", "/example-com").status_code == 200
    zone.configure(protect=False)
    zone.up()
    zone.pulumi("destroy", "--yes", "--skip-preview")
    assert zone.google.ask("GET", "/example-com").status_code == 404
