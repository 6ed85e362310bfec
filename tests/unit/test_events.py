"""Events on objects with names as long as they may be."""

from __future__ import annotations

import pytest

from controllers.runtime import events
from controllers.runtime.api import Api
from federation.settings.syntax import is_domain
from tests.kube_api import ApiServer

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["a", "a" * 63, f"{'a.' * 126}a", f"a{'-' * 60}a.{'b-' * 95}b", f"a{'-' * 198}--b"])
def test_its_own_name_is_one_that_an_api_takes(name: str) -> None:
    server = ApiServer()
    involved = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "shire", "name": name, "uid": "1"}
    with Api.of_token(server.url, "", "t") as api:
        events.warn(api, "test", involved, reason="NotPropagated", text="x")
    (found,) = server.list("/api/v1/events", {})["items"]
    server.stop()
    parts = found["metadata"]["name"].split(".")
    # A subdomain of RFC 1123, whose labels Kubernetes does not count.
    assert all(is_domain(part[:1] + part[-1:]) for part in parts)
    assert len(found["metadata"]["name"]) <= 253
    assert found["involvedObject"]["name"] == name
