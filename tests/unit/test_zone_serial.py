"""One serial for one content, whoever asks for it and however often."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from controllers.runtime.api import Api
from controllers.zone.serial import Given, Seen, Serials, following, is_after, is_due
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


def test_who_has_served_a_greater_serial_gives_out_the_one_after_it(federation: ApiServer, tmp_path: Path) -> None:
    own = serials(federation, tmp_path)
    first = own.ask(seen("a", 10))
    assert first is not None

    def ask(digest: str, version: int, served: tuple[str, int]) -> int | None:
        return own.ask(replace(seen(digest, version), served=served))

    assert ask("a", 10, ("a", first)) == first
    assert ask("a", 9, ("b", first + 50)) == first + 51
    assert ask("a", 9, ("a", first)) == first + 51
    assert ask("b", 11, ("a", first + 60)) == first + 61
    assert ask("old", 10, ("a", first + 70)) is None, "who lags behind waits all the same"
    assert ask("b", 11, ("c", first + 61)) == first + 62, "with this serial it has served another content"


def test_a_serial_is_after_another_as_secondaries_see_it() -> None:
    assert is_after(1, 2**32 - 1)
    assert is_after(2**31, 1)
    assert not is_after(5, 5)
    assert not is_after(1, 2)
    assert not is_after(2**31 + 1, 1)


def test_serials_go_round_and_leave_out_0() -> None:
    assert (following(5), following(2**32 - 1)) == (6, 1)
