"""How the control plane reaches a member: what of its kubeconfig's cluster holds there, and what cannot."""

from __future__ import annotations

from typing import Any

import pytest

from federation.settings import reach
from tests.unit.test_identity import context

pytestmark = pytest.mark.unit

SERVER = "https://gondor.example:6443"
NAMED = {"apiEndpoint": "https://10.0.0.1:6443"}
PROXY_FAULT = "federation:{}.context: the proxy-url of 'c' is not an http or https URL with a host and without"
LOOPBACK_FAULT = "federation:members[0].context: the proxy-url of 'c' leads to {}, which to the control plane's pods is"
OWN = (
    "http://127.0.0.1:3128",
    "http://127.8.9.10",
    "https://localhost:3128/",
    "HTTP://LOCALHOST.:3128",
    "http://tunnel.localhost:1",
    "http://localhost.localdomain:1",
    "http://[::1]:3128",
    "http://[::ffff:127.0.0.1]:3128",
    "http://0.0.0.0:3128",
    "http://[::]:3128",
)
"""Proxies of one machine alone."""
UNUSABLE = (
    "socks5://10.0.0.1:1080",
    "ftp://10.0.0.1",
    "10.0.0.1:3128",
    "proxy:3128",
    "http://",
    "http://:3128",
    "http://[::1",
    "http://10.0.0.1:x",
    "http://10.0.0.1:0",
    "http://10.0.0.1 :3128",
    "http://10.0.0.1:3128\n",
    "http://frodo:secret@10.0.0.1:3128",
)
FAR = ("http://10.0.0.1:3128", "https://proxy.example", "http://localhost.example.com:1", "http://[fd00::1]:3128")

LOOPBACK_SERVERS = (
    "https://127.0.0.1:6443",
    "https://127.1.2.3",
    "https://localhost:6443/k8s/clusters/c-1",
    "https://LocalHost:6443",
    "https://[::1]:6443",
    "https://0.0.0.0:6443",
    "https://kubernetes.localhost",
)
"""As kind, minikube's docker driver, k3d and tunnels have them."""
FAR_SERVERS = (
    SERVER,
    "https://10.0.0.1",
    "https://[fd00::1]:6443",
    "https://[::1",
    "https://:6443",
)
"""With what is no URL, which is for others to judge."""


def problems(member: Any, **said: object) -> list[str]:
    """Of a member whose context is `c`, whose cluster says this."""
    return told({"members": [{"context": "c", **member}]}, **said)


def told(given: Any, **said: object) -> list[str]:
    config = context(SERVER)
    config["clusters"][0]["cluster"].update(said)
    return list(reach.problems(given, {"c": config}))


@pytest.mark.parametrize("proxy", OWN)
def test_a_proxy_on_loopback_is_refused_for_a_member_with_what_to_set_instead(proxy: str) -> None:
    (problem,) = problems({}, **{"proxy-url": proxy})
    assert problem.startswith(LOOPBACK_FAULT.format(proxy))
    assert problem.endswith(
        f"; allowed: in the kubeconfig a proxy that they reach, or apiEndpoint, which they reach "
        f"without a proxy, such as {SERVER}"
    )


@pytest.mark.parametrize("proxy", OWN)
def test_a_proxy_on_loopback_is_ours_to_use(proxy: str) -> None:
    assert problems(NAMED, **{"proxy-url": proxy}) == []
    assert told({"host": {"context": "c"}}, **{"proxy-url": proxy}) == []


@pytest.mark.parametrize("proxy", UNUSABLE)
def test_a_proxy_that_we_could_not_use_is_refused_for_all_and_its_password_is_not_shown(proxy: str) -> None:
    for where, given in (
        ("host", {"host": {"context": "c"}}),
        ("members[0]", {"members": [{"context": "c"}]}),
        ("members[0]", {"members": [{"context": "c", **NAMED}]}),
    ):
        (problem,) = told(given, **{"proxy-url": proxy})
        assert problem.startswith(PROXY_FAULT.format(where))
        assert "secret" not in problem


@pytest.mark.parametrize("proxy", FAR)
def test_a_proxy_elsewhere_is_the_control_planes_too(proxy: str) -> None:
    assert problems({}, **{"proxy-url": proxy}) == []


@pytest.mark.parametrize("server", LOOPBACK_SERVERS)
def test_a_server_on_loopback_is_refused_for_a_member_with_what_to_set_instead(server: str) -> None:
    (problem,) = problems({}, server=server)
    assert problem.startswith(
        f"federation:members[0].apiEndpoint: is missing; 'c' leads to {server}, which to the control plane's pods is"
    )
    assert "; allowed: the URL by which pods in the host cluster reach the member, such as https://10.0.0." in problem
    assert problems(NAMED, server=server) == []
    assert told({"host": {"context": "c"}}, server=server) == []


def test_a_server_on_loopback_is_the_proxys_own_where_there_is_one() -> None:
    server = LOOPBACK_SERVERS[0]
    assert problems({}, **{"server": server, "proxy-url": FAR[0]}) == []
    (problem,) = problems({}, **{"server": server, "proxy-url": OWN[0]})
    assert problem.startswith(LOOPBACK_FAULT.format(OWN[0]))
    assert problem.endswith("or apiEndpoint, which they reach without a proxy")


@pytest.mark.parametrize("server", LOOPBACK_SERVERS)
def test_an_endpoint_on_loopback_is_refused_whatever_the_context_says(server: str) -> None:
    start = f"federation:members[0].apiEndpoint: {server!r} is on loopback, which to the control plane's pods is them"
    for said in ({}, {"proxy-url": FAR[0]}, {"server": server}):
        (problem,) = problems({"apiEndpoint": server}, **said)
        assert problem.startswith(start)
    (problem,) = told({"members": [{"context": "mordor", "apiEndpoint": server}]})
    assert problem.startswith(start)


@pytest.mark.parametrize("server", FAR_SERVERS)
def test_a_server_elsewhere_is_the_control_planes_too(server: str) -> None:
    assert problems({}, server=server) == []
    assert problems({"apiEndpoint": server}) == []


@pytest.mark.parametrize("insecure", [False, True])
def test_another_name_in_the_certificate_is_refused_where_a_cluster_cannot_say_it(insecure: bool) -> None:
    said: dict[str, object] = {"tls-server-name": "kubernetes", "insecure-skip-tls-verify": insecure}
    (problem,) = problems({}, **said)
    assert problem.startswith(
        "federation:members[0].context: 'c' has the tls-server-name 'kubernetes', which a Cluster"
    )
    assert problem.endswith("allowed: an apiEndpoint whose host is a name, or an address, that is in the certificate")
    assert problems(NAMED, **said) == []
    assert told({"host": {"context": "c"}}, **said) == []


def test_all_that_is_wrong_with_a_member_is_told() -> None:
    assert len(problems({}, **{"proxy-url": OWN[0], "tls-server-name": "kubernetes"})) == 2


@pytest.mark.parametrize(
    "given",
    [{}, {"members": "x"}, {"members": [{"context": ["c"], "apiEndpoint": 5}, 5]}, {"host": {"context": 5}}],
)
def test_what_has_another_shape_is_not_ours_to_judge(given: Any) -> None:
    assert told(given, **{"proxy-url": "x"}) == []


def test_what_is_empty_has_no_field() -> None:
    config = context(SERVER)
    config["clusters"][0]["cluster"].update({"insecure-skip-tls-verify": False, "proxy-url": ""})
    assert reach.fields(config, None) == {"apiEndpoint": SERVER}


def test_a_member_is_reached_by_https() -> None:
    server = {"server": "http://10.0.0.1:8080"}
    (problem,) = problems({}, **server)
    assert problem.startswith("federation:members[0].context: the server of 'c' is http://10.0.0.1:8080, where")
    assert problems(NAMED, **server) == told({"host": {"context": "c"}}, **server) == []
