"""People who call the federation API as themselves: who they are, what they may do, and for how long."""

from __future__ import annotations

import datetime
import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from cryptography import x509

from lab.fleet.private import write_private
from tests.documented import Shell, commands
from tests.fleet.conftest import Clusters, Federation
from tests.fleet.settings import configured

USERS = [{"name": "frodo@shire.example", "groups": ["bearers", "hobbits"]}, {"name": "gollum"}]
NAMESPACE = "mordor"


@pytest.fixture(scope="module")
def people(federation: Federation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Clusters]]:
    """Each of them, with a kubeconfig of his own; frodo is the user of docs/access.md."""
    folder = tmp_path_factory.mktemp("people")
    with configured(federation, lambda config: config.update({"federation:users": USERS})):
        given = json.loads(federation.stack.output("userKubeconfigs"))
        for name, text in given.items():
            write_private(folder / name, text.encode())
        yield {name: Clusters(folder / name) for name in given}


def whoami(person: Clusters) -> Mapping[str, Any]:
    said: Mapping[str, Any] = json.loads(person.kubectl("fellowship", "auth", "whoami", "-o", "json"))
    return dict(said["status"]["userInfo"])


def may(person: Clusters, *what: str) -> bool:
    return person.run("fellowship", "auth", "can-i", *what, check=False).stdout.strip() == "yes"


def test_each_is_who_he_is_called_in_his_groups_and_nobody_else(people: Mapping[str, Clusters]) -> None:
    frodo, gollum = (whoami(people[name]) for name in ("frodo@shire.example", "gollum"))
    assert (frodo["username"], sorted(frodo["groups"])) == (
        "frodo@shire.example",
        ["bearers", "hobbits", "system:authenticated"],
    )
    assert (gollum["username"], gollum["groups"]) == ("gollum", ["system:authenticated"])


def test_he_may_do_what_he_is_bound_to_and_no_more(
    federation: Federation, people: Mapping[str, Clusters], shell: Shell
) -> None:
    frodo, gollum = people["frodo@shire.example"], people["gollum"]
    for each in (frodo, gollum):
        assert not may(each, "create", "deployments", "-n", NAMESPACE)
    api = federation.clusters
    printed = shell.run(commands("access.md", "Let somebody in", __file__))
    try:
        assert "frodo@shire.example" in printed
        assert api.exists("fellowship", "configmap", "ring", "-n", NAMESPACE)
        assert may(frodo, "create", "deployments", "-n", NAMESPACE)
        assert not may(frodo, "create", "deployments", "-n", "default")
        assert not may(frodo, "get", "secrets", "-A")
        assert not may(gollum, "create", "deployments", "-n", NAMESPACE)
    finally:
        api.kubectl("fellowship", "delete", "namespace", NAMESPACE)


def test_his_certificate_is_good_for_30_days_and_leads_nowhere_else(people: Mapping[str, Clusters]) -> None:
    for each in people.values():
        config = yaml.safe_load(each.kubeconfig.read_text())
        assert [context["name"] for context in config["contexts"]] == ["fellowship"]
        pem = b64decode(config["users"][0]["user"]["client-certificate-data"])
        left = x509.load_pem_x509_certificate(pem).not_valid_after_utc - datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(days=29) < left <= datetime.timedelta(days=30)


def test_nothing_differs_afterwards(federation: Federation, people: Mapping[str, Clusters]) -> None:
    code, log, _ = federation.pulumi("preview", "--expect-no-changes")
    assert code == 0, log
