"""A zone with secondaries, and one that is signed: what each has more than the dev topology, and who sees its keys."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from federation.dns import zone_key
from tests.component.cloud import ZONE_KEY_NUMBER
from tests.component.program import run
from tests.component.recording import Record, Secret, opened
from tests.component.test_golden import GOLDEN, compare, lines
from tests.component.test_secrets import revealed

pytestmark = pytest.mark.component

SECONDARIES = ["192.0.2.53", "2001:DB8::53"]


@pytest.fixture(scope="module")
def transferred(tmp_path_factory: pytest.TempPathFactory) -> Record:
    changes = {"federation:dns.coredns.transferTo": SECONDARIES}
    return run(tmp_path_factory.mktemp("transferred"), changes, engine="builtin")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return run(tmp_path_factory.mktemp("signed"), {"federation:dns.coredns.dnssec": True}, engine="builtin")


@pytest.mark.parametrize("which", ["transferred", "signed"])
def test_it_adds_one_key_and_renames_nothing(builtin: Record, request: pytest.FixtureRequest, which: str) -> None:
    before, after = set(lines(builtin)), set(lines(request.getfixturevalue(which)))
    assert before - after == set()
    compare(GOLDEN / f"{which}.txt", sorted(f"+ {line}" for line in after - before))


@pytest.mark.parametrize("which", ["transferred", "signed"])
def test_coredns_is_told_what_is_on_record(request: pytest.FixtureRequest, which: str) -> None:
    record = request.getfixturevalue(which)
    compare(GOLDEN / f"Corefile.{which}", files(record)["Corefile"].splitlines(keepends=True))


def test_the_key_of_transfers_is_in_the_file_and_the_output_and_hidden_in_both(transferred: Record) -> None:
    shown = transferred.exports["transferKey"]
    assert (shown["name"], shown["algorithm"]) == ("transfer.example.com.", "hmac-sha256")
    assert isinstance(shown["secret"], Secret)
    assert files(transferred)["transfer.key"].split() == [
        *("key", '"transfer.example.com."', "{"),
        *("algorithm", "hmac-sha256;"),
        *("secret", f'"{opened(shown["secret"])}";'),
        "};",
    ]


def test_who_asks_is_seen_where_transfers_are_for_some_alone(builtin: Record, transferred: Record) -> None:
    policies = [
        each.one("Service", "federation-dns").inputs["spec"].get("externalTrafficPolicy")
        for each in (builtin, transferred)
    ]
    assert policies == [None, "Local"]


def test_the_ds_record_is_of_the_key_that_signs_and_no_secret(signed: Record) -> None:
    key = signed.one("PrivateKey", "zone-key").outputs
    assert signed.exports["ds"] == [zone_key.ds("example.com.", key["publicKeyPem"])]
    found = files(signed)
    assert found["zone.key"] == zone_key.public_file("example.com.", key["publicKeyPem"])
    assert base64.b64encode(ZONE_KEY_NUMBER).decode() in found["zone.private"]


@pytest.mark.parametrize("which", ["transferred", "signed"])
def test_no_key_is_in_the_clear(request: pytest.FixtureRequest, which: str) -> None:
    record = request.getfixturevalue(which)
    assert {str(each): path for each in record.resources for path in revealed([each.inputs, each.outputs])} == {}
    assert list(revealed(record.exports)) == []
    carriers = {each.name for each in record.resources if any(True for _ in revealed(opened([each.outputs])))}
    # A key in PEM hides the canary, the files that are made of it do not.
    assert carriers >= {"federation-dns-files"} | ({"transfer-key"} if which == "transferred" else set())


@pytest.mark.parametrize("which", ["transferred", "signed"])
def test_another_key_rolls_the_pods(builtin: Record, request: pytest.FixtureRequest, which: str) -> None:
    digests = [
        each.one("Deployment", "federation-dns").inputs["spec"]["template"]["metadata"]["annotations"]
        for each in (builtin, request.getfixturevalue(which))
    ]
    assert digests[0] != digests[1]


def test_neither_output_is_there_where_nothing_of_it_is_asked(builtin: Record, tmp_path: Path) -> None:
    none = run(tmp_path, {"federation:dns.coredns": {"transferTo": [], "dnssec": False}}, engine="builtin")
    assert none.exports == builtin.exports
    assert not {"ds", "transferKey"} & none.exports.keys()
    assert lines(none) == lines(builtin)


def files(record: Record) -> dict[str, str]:
    return dict(opened(record.one("Secret", "federation-dns-files").inputs["stringData"]))
