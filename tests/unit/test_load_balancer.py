"""What a cluster says of a Service that gets no address."""

from typing import Any

import pytest

from federation.parts.load_balancer import said

pytestmark = pytest.mark.unit


def event(kind: str, name: str, type_: str, message: str) -> Any:
    return {"involvedObject": {"kind": kind, "name": name}, "type": type_, "reason": "Sync", "message": message}


def test_it_is_the_last_warning_about_that_service() -> None:
    events = [
        event("Service", "api", "Warning", "no quota"),
        event("Service", "api", "Warning", "no subnet"),
        event("Service", "api", "Normal", "ensuring"),
        event("Service", "dns", "Warning", "another Service"),
        event("Pod", "api", "Warning", "a Pod"),
    ]
    assert said(events, "api") == "Sync: no subnet"


def test_where_nobody_says_anything_nobody_gives_addresses() -> None:
    assert said([event("Service", "api", "Normal", "ensuring")], "api") == "nothing in the cluster gives it one"
