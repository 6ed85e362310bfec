"""The zone's name servers: what they are asked at, and what they answer from."""

import pytest

from federation.dns import name_servers
from provider.cluster_dns.server_blocks import ServerBlock, parse
from tests.component.recording import Record, opened

pytestmark = pytest.mark.component


def server_block(record: Record) -> ServerBlock:
    (block,) = parse(opened(record.one("Secret", "federation-dns-files").inputs["stringData"])["Corefile"]).blocks
    return block


def test_the_zone_is_answered_from_its_file_which_is_looked_at_twice_a_second(karmada: Record) -> None:
    block = server_block(karmada)
    assert block.keys == ("example.com:1053",)
    (file,) = (each for each in block.plugins if each.words[0] == "file")
    assert file.words == ("file", name_servers.ZONE_FILE)
    assert file.options == (("reload", "500ms"),)


def test_a_name_server_is_asked_for_its_health_where_it_answers(karmada: Record) -> None:
    containers = karmada.one("Deployment", "federation-dns").inputs["spec"]["template"]["spec"]["containers"]
    (container,) = (each for each in containers if each["name"] == "federation-dns")
    asked = {
        name: (container[f"{probe}Probe"]["httpGet"]["path"], container[f"{probe}Probe"]["httpGet"]["port"])
        for name, probe in (("ready", "readiness"), ("health", "liveness"))
    }
    answers = {
        each.words[0]: (f"/{each.words[0]}", float(each.words[1].removeprefix(":")))
        for each in server_block(karmada).plugins
        if each.words[0] in asked
    }
    assert asked == answers
    ports = karmada.one("Service", "federation-dns").inputs["spec"]["ports"]
    assert {(each["protocol"], each["port"], each["targetPort"]) for each in ports} == {
        ("UDP", 53, 1053),
        ("TCP", 53, 1053),
    }


def test_no_two_containers_of_the_pod_listen_on_one_port(karmada: Record) -> None:
    containers = karmada.one("Deployment", "federation-dns").inputs["spec"]["template"]["spec"]["containers"]
    server, writer = ({each["name"]: each for each in containers}[name] for name in ("federation-dns", "zone-writer"))
    ports = {server[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")}
    assert f"--listen=0.0.0.0:{name_servers.WRITER_PORT}" in writer["command"]
    assert len({*ports, name_servers.POD_PORT, name_servers.WRITER_PORT}) == 4
