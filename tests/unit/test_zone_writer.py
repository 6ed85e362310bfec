"""The writer of the zone file: which serial it writes where the federation API goes back or another pod is faster."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from controllers.runtime.api import Api
from controllers.runtime.loop import Loop
from controllers.runtime.objects import Key
from controllers.runtime.watching import News
from controllers.zone.contents import written_in
from controllers.zone.endpoints import Source, read_source
from controllers.zone.metrics import Metrics
from controllers.zone.serial import Seen
from controllers.zone.writer import COLLECTION, Settings, Writer
from federation.settings.names import OWN_RECORDS
from tests.kube_api import ApiServer
from tests.unit.test_dns_process import kubeconfig_of
from tests.unit.test_zone_contents import OWN, ZONE, endpoint, entry

pytestmark = pytest.mark.unit


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(ZONE, tmp_path / "db", "federation-system", None)


@pytest.fixture
def connect(federation: ApiServer, tmp_path: Path) -> Any:
    return partial(Api.of_kubeconfig, kubeconfig_of(federation.url, tmp_path))


def started(settings: Settings, connect: Any) -> Writer:
    """Its loop does not run: a test says what is done, and when."""
    return Writer(settings, connect, Loop(), Metrics(), lambda: None)


def news(address: str, version: int) -> News[Source]:
    obj = endpoint(entry("web.example.com", "A", address))
    key: Key = ("default", "x")
    return News({key: read_source("example.com", OWN, obj)}, complete=True, version=str(version))


def test_the_programs_own_object_is_that_of_the_namespace_that_has_the_serial(
    federation: ApiServer, settings: Settings, connect: Any
) -> None:
    own = endpoint(entry("api.example.com", "A", "192.0.2.1"), name=OWN_RECORDS)
    own["metadata"]["namespace"] = settings.namespace
    federation.put(COLLECTION, own)
    federation.put(COLLECTION, endpoint(entry("api.example.com", "A", "192.0.2.2"), created="2025-01-01"))
    loop = Loop()
    Writer(settings, connect, loop, Metrics(), loop.end).start()
    loop.run()
    assert settings.file.read_text().splitlines()[2:] == ["api.example.com. 30 IN A 192.0.2.1"]


def serial(settings: Settings) -> int:
    found = written_in(settings.file.read_text())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_after_a_restored_snapshot_the_serial_grows_on(
    federation: ApiServer, settings: Settings, connect: Any, *, is_restarted: bool
) -> None:
    writer = started(settings, connect)
    writer._take(news("192.0.2.1", 10))
    writer._renew()
    snapshot = federation.snapshot()
    for i in range(2, 9):
        writer._take(news(f"192.0.2.{i}", 10 + i))
        writer._renew()
    served = serial(settings)
    federation.restore(snapshot)
    if is_restarted:
        writer = started(settings, connect)
    # What was there at the snapshot, which has a serial there.
    writer._take(news("192.0.2.1", 1000))
    writer._renew()
    assert serial(settings) == served + 1
    # The other pods agree.
    ours = writer._contents
    assert ours is not None
    assert writer._serials.ask(Seen(ours.digest, 1000, True, False, ("theirs", served))) == served + 1


def test_a_content_that_is_past_gets_no_second_serial(settings: Settings, connect: Any) -> None:
    writer = started(settings, connect)
    writer._take(news("192.0.2.1", 10))
    writer._renew()
    before, first = settings.file.read_text(), serial(settings)
    # Another pod was faster with a change that this one has heard of, and not yet put together.
    assert writer._serials.ask(Seen("new", 20, True, False)) == first + 1
    writer._take(news("192.0.2.2", 21))
    writer._look()
    assert settings.file.read_text() == before
    writer._renew()
    assert serial(settings) == first + 2
