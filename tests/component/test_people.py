"""People who call the federation API: a short certificate each, and a kubeconfig that leads there alone."""

from __future__ import annotations

import pytest
import yaml

from tests.component.program import run
from tests.component.recording import Record, Secret

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    users = [{"name": "frodo@shire.example", "groups": ["bearers", "hobbits"]}, {"name": "gollum"}]
    return run(tmp_path_factory.mktemp("people"), {"federation:users": users})


def test_a_certificate_says_name_and_groups_for_30_days_and_is_renewed_in_the_last_ten(record: Record) -> None:
    frodo, gollum = (record.one("Certificate", f"person-{name}").inputs for name in ("frodo@shire.example", "gollum"))
    assert (frodo["commonName"], frodo["organizations"]) == ("frodo@shire.example", ["bearers", "hobbits"])
    assert "organizations" not in gollum
    for each in (frodo, gollum):
        assert (each["uses"], each["validityDays"], each["renewBeforeDays"]) == (["client_auth"], 30, 10)


def test_each_gets_a_kubeconfig_that_is_secret_and_leads_to_the_federation_api_from_outside(record: Record) -> None:
    given = record.exports["userKubeconfigs"]
    assert set(given) == {"frodo@shire.example", "gollum"}
    for each in given.values():
        assert isinstance(each, Secret)
        file = yaml.safe_load(each.value)
        assert [context["name"] for context in file["contexts"]] == ["fellowship"]
        assert file["clusters"][0]["cluster"]["server"] == record.exports["apiEndpoint"]


def test_what_is_short_anyway_is_no_warning_and_no_first_end(record: Record, karmada: Record) -> None:
    assert record.exports["certificateExpiry"] == karmada.exports["certificateExpiry"]
    assert not [each for each in record.warnings if "person" in each]
