"""What leads the engine to a member: its Cluster and the Secret with the credentials, as they are, change or lack."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from controllers.engine import heartbeat
from controllers.engine.api_writer import Condition
from tests.fleet.self_signed import write_pair
from tests.kube_api import ApiServer
from tests.unit.test_engine_controller import MAPS, OWN, SECRETS, World, world

__all__ = ["world"]

pytestmark = pytest.mark.unit


def test_a_new_token_needs_no_restart(world: World) -> None:
    for server in world.members.values():
        server.tokens = {"good"}
    world.start()
    world.wait(["1", "1"])
    world.members["gondor"].tokens = {"new"}
    world.wait_for_ready("gondor", "False")
    assert world.condition("gondor")["message"].startswith("401")
    world.secret("gondor", "new")
    world.wait_for_ready("gondor", "True")
    world.write("ring", "2")
    world.wait(["2", "2"])


def test_a_member_is_reached_as_its_cluster_says(world: World, tmp_path: Path) -> None:
    world.secret("rohan", ca=write_pair(tmp_path / "other.pem", x509.DNSName("rohan.example")))
    write_pair(tmp_path / "pair.pem", x509.DNSName("another.example"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "pair.pem")
    world.members["rohan"].stop()
    rohan = world.members["rohan"] = ApiServer(tls)
    # The server is its own proxy: it is asked by whole URLs then.
    gondor = {"apiEndpoint": "http://gondor.invalid", "proxyURL": world.members["gondor"].url}
    world.reach("gondor", **gondor)
    world.reach("rohan", apiEndpoint=rohan.url)
    world.start()
    world.wait(["1", None])
    world.wait_for_ready("rohan", "False")
    assert "certificate verify failed" in world.condition("rohan")["message"]
    world.secret("rohan", ca="")
    world.reach("rohan", apiEndpoint=rohan.url, insecureSkipTLSVerification=True)
    world.wait(["1", "1"])
    assert all(path.startswith("http://gondor.invalid/") for _, path in world.members["gondor"].requests)


def test_a_secret_that_is_not_there_is_named(world: World) -> None:
    world.federation.remove(SECRETS, OWN, "gondor")
    world.start()
    world.wait_for_ready("gondor", "False")
    assert world.condition("gondor")["message"] == f"Secret {OWN}/gondor in the federation API is not there"


@pytest.mark.parametrize(
    ("secret", "spec", "words"),
    [
        ({"token": "good\n"}, {}, f"Secret {OWN}/gondor in the federation API cannot be used: its token holds what no"),
        ({"ca": "no PEM"}, {}, f"Secret {OWN}/gondor in the federation API cannot be used: its certificate-authority"),
        (
            {"ca": ""},
            {"proxyURL": "socks5://x"},
            "the Cluster's spec.proxyURL cannot be used: Proxy URL had unsupported",
        ),
    ],
)
def test_what_cannot_be_used_ends_ready_and_holds_up_no_deletion(
    world: World, monkeypatch: pytest.MonkeyPatch, secret: dict[str, str], spec: dict[str, object], words: str
) -> None:
    monkeypatch.setattr(heartbeat, "FRESH_SECONDS", 0.1)
    world.start()
    world.wait(["1", "1"])
    url = world.members["gondor"].url.replace("http", "https")
    world.secret("gondor", **secret)
    world.reach("gondor", apiEndpoint=url, insecureSkipTLSVerification="ca" not in secret or bool(spec), **spec)
    world.wait_for_ready("gondor", "False")
    assert world.condition("gondor")["message"].startswith(words)
    world.delete(MAPS, "shire", "ring")
    world.federation.wait(lambda: world.federation.get(MAPS, "shire", "ring") is None, "it to go")
    assert list(world.owed("gondor").values()) == ["ConfigMap shire/ring"]


@pytest.mark.parametrize("deleted", [False, True])
def test_a_ready_member_that_is_reached_otherwise_has_all_that_it_is_to_have(world: World, deleted: bool) -> None:
    """What was before is put back there, too, and what the old way did not take back goes by the new one."""
    world.start()
    world.wait(["1", "1"])
    old, new = world.members["gondor"], ApiServer()
    try:
        new.restore(old.snapshot())
        if deleted:
            old.broken.add("/api/v1/namespaces")
            world.delete(MAPS, "shire", "ring")
            world.wait(["1", None])
        else:
            new.remove(MAPS, "shire", "ring")
        world.members["gondor"] = new
        world.reach("gondor", apiEndpoint=new.url)
        world.wait([None, None] if deleted else ["1", "1"])
        world.federation.wait(lambda: (world.federation.get(MAPS, "shire", "ring") is None) == deleted, "it to go here")
    finally:
        old.stop()


def test_a_write_of_the_engines_own_hides_no_other_way_to_a_member(world: World) -> None:
    """Its answer has the change before the event does."""
    controller = world.start()
    world.wait(["1", "1"])
    old, new = world.members["gondor"], ApiServer()
    told = Condition("Orphans", "True", "Found", "something")

    def change() -> None:
        world.reach("gondor", apiEndpoint=new.url)
        assert controller._members
        controller._members.remark("gondor", controller._members._members["gondor"], told, is_well=False)

    try:
        world.members["gondor"] = new
        controller._loop.post(change)
        world.wait(["1", "1"])
    finally:
        old.stop()
