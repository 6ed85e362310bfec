"""What a carrier tells of an object that it cannot bring to a member."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any

import pytest

from controllers.engine.carrier import Carrier
from controllers.engine.contract import Wanted
from controllers.engine.manifest import Owner
from controllers.engine.metrics import Metrics
from controllers.engine.reach import Reach
from controllers.engine.refs import namespace_ref
from controllers.runtime.api import Api
from kube.errors import ApiError

pytestmark = pytest.mark.unit

SHIRE = namespace_ref("shire")


class Told:
    """All that a carrier tells, in order: the name of the handler, and what it was given."""

    def __init__(self) -> None:
        self.all: SimpleQueue[tuple[str, Any]] = SimpleQueue()

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.all.put((name, given))


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ApiError(0, "certificate has expired"), ""),
        (ApiError(429, "busy"), ""),
        (ApiError(422, "no such field"), "gondor refuses Namespace shire: 422 no such field"),
    ],
)
def test_a_failure_without_an_answer_is_no_refusal_of_the_object(error: ApiError, problem: str) -> None:
    told: Any = Told()

    def connect() -> Api:
        raise error

    owner = Owner("fellowship", "uid")
    carrier = Carrier("gondor", owner=owner, kinds=(), reach=Reach(), connect=connect, handlers=told, metrics=Metrics())
    try:
        carrier.want(SHIRE, Wanted("1", b"{}", "digest", adopt=False, recreate=False, is_finished=False))
        if problem:
            assert told.all.get(timeout=30) == ("problem", (SHIRE, problem))
        name, (ref, status) = told.all.get(timeout=30)
        assert (name, ref, status.problem) == ("status_changed", SHIRE, problem)
    finally:
        carrier.stop()
