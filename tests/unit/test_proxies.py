"""The proxy of the environment for a server: the answers are those of Go's http.ProxyFromEnvironment."""

from __future__ import annotations

import pytest

from federation.clusters.proxies import proxy_for

pytestmark = pytest.mark.unit

SERVER, PROXY = "https://gondor.example:6443", "http://proxy.example:3128"


def reached(server: str = SERVER, **environment: str) -> str | None:
    return proxy_for(server, environment)


def is_direct(server: str, no_proxy: str) -> bool:
    return reached(server, HTTPS_PROXY=PROXY, HTTP_PROXY=PROXY, NO_PROXY=no_proxy) is None


def test_without_a_proxy_it_is_reached_directly() -> None:
    assert reached() is None
    assert reached(HTTPS_PROXY="", NO_PROXY="") is None
    assert reached(ALL_PROXY=PROXY, all_proxy=PROXY) is None


@pytest.mark.parametrize("server", ["gondor.example:6443", "ftp://gondor.example", ""])
def test_what_is_neither_https_nor_http_has_none(server: str) -> None:
    assert reached(server, HTTPS_PROXY=PROXY, HTTP_PROXY=PROXY) is None


def test_each_scheme_has_its_own_variable_and_capitals_come_first() -> None:
    assert reached(HTTPS_PROXY=PROXY) == reached(https_proxy=PROXY) == PROXY
    assert reached(HTTP_PROXY=PROXY) is None
    assert reached("http://gondor.example:8080", HTTPS_PROXY=PROXY) is None
    assert reached("http://gondor.example:8080", HTTP_PROXY=PROXY) == PROXY
    assert reached(HTTPS_PROXY=PROXY, https_proxy="http://other.example") == PROXY
    assert reached(HTTPS_PROXY="", https_proxy=PROXY) == PROXY
    assert reached(HTTPS_PROXY=PROXY, NO_PROXY="other.example", no_proxy="gondor.example") == PROXY
    assert reached(HTTPS_PROXY=PROXY, NO_PROXY="", no_proxy="gondor.example") is None


@pytest.mark.parametrize(
    ("proxy", "url"),
    [
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("10.0.0.1:3128", "http://10.0.0.1:3128"),
        ("proxy.example", "http://proxy.example"),
        ("https://proxy.example", "https://proxy.example"),
        ("socks5://proxy.example:1080", "socks5://proxy.example:1080"),
        ("http://frodo:secret@proxy.example:3128", "http://frodo:secret@proxy.example:3128"),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128"),
        ("http://[fd00::1", "http://[fd00::1"),
    ],
)
def test_a_proxy_may_lack_its_scheme_and_is_else_given_back_as_it_is(proxy: str, url: str) -> None:
    assert reached(HTTPS_PROXY=proxy) == url


@pytest.mark.parametrize(
    "server", ["https://localhost:6443", "https://127.0.0.1", "https://127.9.9.9:1", "https://[::1]:6443"]
)
def test_loopback_never_goes_by_a_proxy(server: str) -> None:
    assert is_direct(server, "")


@pytest.mark.parametrize(
    ("no_proxy", "direct", "by_proxy"),
    [
        ("*", "https://gondor.example https://10.0.0.1 https://[fd00::1]", ""),
        (
            "example.com",
            "https://example.com https://a.example.com:6443 https://a.b.EXAMPLE.com",
            "https://anexample.com https://example.com.org https://example.org",
        ),
        (".example.com", "https://a.example.com https://a.b.example.com", "https://example.com"),
        ("*.example.com", "https://a.example.com", "https://example.com"),
        ("*example.com", "", "https://example.com https://a.example.com"),
        ("example.com:6443", "https://example.com:6443 https://a.example.com:6443", "https://example.com"),
        ("example.com:443", "https://example.com", "http://example.com"),
        ("10.0.0.1", "https://10.0.0.1:6443 https://[::ffff:10.0.0.1]", "https://10.0.0.10 https://110.0.0.1"),
        ("10.0.0.1:6443", "https://10.0.0.1:6443", "https://10.0.0.1"),
        ("10.0.0.0/8", "https://10.1.2.3:6443", "https://11.0.0.1 https://ten.example https://[fd00::a]"),
        ("10.9.9.9/8", "https://10.1.2.3", ""),
        ("fd00::/8", "https://[fd00::1]:6443", "https://[fe00::1] https://10.0.0.1"),
        ("fd00::1", "https://[fd00::1] https://[fd00:0::0001]:6443", "https://[fd00::2]"),
        ("[fd00::1]:6443", "https://[fd00::1]:6443", "https://[fd00::1]"),
        ("[fd00::1]", "", "https://[fd00::1]"),
        (" A.example , , 10.0.0.1 ", "https://a.example https://10.0.0.1", "https://b.example"),
        ("0.0.1", "", "https://10.0.0.1"),
        (":6443,,10.0.0.0/99,/8,nothing/8", "", "https://10.0.0.1:6443 https://gondor.example:6443"),
    ],
)
def test_what_no_proxy_names_is_reached_directly_and_nothing_else(no_proxy: str, direct: str, by_proxy: str) -> None:
    assert [server for server in direct.split() if not is_direct(server, no_proxy)] == []
    assert [server for server in by_proxy.split() if is_direct(server, no_proxy)] == []
