"""One serial for one content, whoever asks for it and however often."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from controllers.runtime.api import Api
from controllers.zone.serial import Given, Seen, Serials, following, is_due
from tests.kube_api import ApiServer
from tests.unit.test_dns_process import kubeconfig_of

pytestmark = pytest.mark.unit

COLLECTION = "/api/v1/namespaces/federation-system/configmaps"


def serials(federation: ApiServer, folder: Path) -> Serials:
    return Serials(partial(Api.of_kubeconfig, kubeconfig_of(federation.url, folder)), "federation-system")


def seen(digest: str, version: int, *, is_new: bool = True, is_late: bool = False) -> Seen:
    return Seen(digest, version, is_new, is_late)


def test_one_content_has_one_serial_and_the_next_a_greater_one(federation: ApiServer, tmp_path: Path) -> None:
    one, other = serials(federation, tmp_path), serials(federation, tmp_path)
    first = one.ask(seen("a", 10))
    assert first == 1767225600, "it begins with the API's clock, in seconds since the epoch"
    assert other.ask(seen("a", 10)) == first
    assert other.ask(seen("b", 11)) == first + 1
    assert one.ask(seen("b", 11)) == first + 1
    assert one.ask(seen("a", 12)) == first + 2


def test_who_lags_behind_waits_and_gives_no_past_content_a_serial_of_the_future(
    federation: ApiServer, tmp_path: Path
) -> None:
    ahead, behind = serials(federation, tmp_path), serials(federation, tmp_path)
    ahead.ask(seen("new", 20))
    assert behind.ask(seen("old", 10)) is None
    assert behind.ask(seen("old", 10, is_late=True)) is not None


def test_many_that_ask_at_once_agree(federation: ApiServer, tmp_path: Path) -> None:
    told: list[tuple[str, int | None]] = []

    def ask(own: Serials) -> None:
        for i in range(10):
            told.append((f"{i}", own.ask(seen(f"{i}", 10 + i))))

    threads = [Thread(target=ask, args=(serials(federation, tmp_path),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    given = {(digest, serial) for digest, serial in told if serial is not None}
    assert len({digest for digest, _ in given}) == len({serial for _, serial in given}) == len(given) == 10


def test_two_contents_of_one_version_have_their_say_once() -> None:
    given = Given(5, "theirs", 10)
    assert is_due(seen("ours", 10), given)
    assert not is_due(seen("ours", 10, is_new=False), given)
    assert is_due(seen("ours", 11, is_new=False), given)
    assert not is_due(seen("ours", 9, is_new=False, is_late=True), given)


def test_serials_go_round_and_leave_out_0() -> None:
    assert (following(5), following(2**32 - 1)) == (6, 1)
