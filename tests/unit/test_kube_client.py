"""The client of an API server: what it shows, what it takes for an answer, and what it leaves behind."""

from __future__ import annotations

import ssl
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.exceptions import HTTPError

from kube.client import Client
from kube.errors import ApiError, CredentialsError
from tests.fleet.self_signed import pem, write_pair

pytestmark = pytest.mark.unit

SECONDS = (10, 20)
LOOPBACK = x509.IPAddress(IPv4Address("127.0.0.1"))


@contextmanager
def server(
    status: int = 200, body: bytes = b"{}", tls: ssl.SSLContext | None = None, wait: float = 0
) -> Iterator[tuple[str, list[Any]]]:
    """Its URL, and the requests that it has had; every answer is the same."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self)
            time.sleep(wait)
            self.send_response(status, "Said")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The requests are kept."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        running.socket = tls.wrap_socket(running.socket, server_side=True, do_handshake_on_connect=False)
    Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{running.server_address[1]}", asked
    finally:
        running.shutdown()
        running.server_close()


@pytest.fixture
def secure(tmp_path: Path) -> tuple[ssl.SSLContext, Mapping[str, str], Mapping[str, str]]:
    """A server's TLS, what a cluster's entry says of it, and a user with the same certificate."""
    certificate = write_pair(tmp_path / "both", LOOPBACK)
    key = (tmp_path / "both").read_text().removeprefix(certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "both")
    tls.load_verify_locations(cadata=certificate)
    tls.verify_mode = ssl.CERT_REQUIRED
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    return tls, {"certificate-authority-data": encoded(certificate)}, user


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ({"token": "t"}, {"Authorization": ["Bearer t"]}),
        ({"username": "u", "password": "p"}, {"Authorization": ["Basic dTpw"]}),
        ({"token": "t", "as": "frodo"}, {"Authorization": ["Bearer t"], "Impersonate-User": ["frodo"]}),
        ({"as-groups": ["a", "b"], "as-uid": 7}, {"Impersonate-Group": ["a", "b"], "Impersonate-Uid": ["7"]}),
        ({"as-user-extra": {"a/b": ["1", "2"]}}, {"Impersonate-Extra-a%2Fb": ["1", "2"]}),
        ({}, {"Authorization": None}),
    ],
)
def test_it_shows_what_the_entry_of_the_user_says(user: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    with server() as (url, asked), Client({"server": url}, user) as api:
        assert api.ask("GET", "/api", seconds=SECONDS) == {}
    assert {name: asked[0].headers.get_all(name) for name in shown} == shown


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    with server() as (url, asked), Client({"server": url}, {"tokenFile": str(tmp_path / "token")}) as api:
        api.ask("GET", "/api", seconds=SECONDS)
    assert asked[0].headers["Authorization"] == "Bearer t"


def test_a_server_may_have_a_path() -> None:
    with server() as (url, asked), Client({"server": f"{url}/k8s/clusters/c-xyz/"}, {}) as api:
        api.ask("GET", "/api", seconds=SECONDS, query={"a": "b c"})
    assert asked[0].path == "/k8s/clusters/c-xyz/api?a=b+c"


def test_an_answer_that_is_no_success_is_an_error_with_its_words() -> None:
    with (
        server(403, b'{"message": "no"}') as (url, _),
        Client({"server": url}, {}) as api,
        pytest.raises(ApiError) as caught,
    ):
        api.ask("GET", "/api", seconds=SECONDS)
    assert (caught.value.status, caught.value.reason, caught.value.body) == (403, "Said", '{"message": "no"}')


def test_an_answer_may_take_longer_than_the_connection() -> None:
    with server(wait=0.3) as (url, _), Client({"server": url}, {}) as api:
        assert api.ask("GET", "/api", seconds=(0.1, 5)) == {}
        with pytest.raises(HTTPError):
            api.ask("GET", "/api", seconds=(5, 0.1))


def test_a_redirection_is_not_followed_with_the_credentials() -> None:
    with server(302) as (url, asked), Client({"server": url}, {"token": "t"}) as api, pytest.raises(ApiError) as caught:
        api.ask("GET", "/api", seconds=SECONDS)
    assert (caught.value.status, len(asked)) == (302, 1)


def test_where_nobody_is_there_is_no_answer() -> None:
    with server() as (url, _):
        pass
    with Client({"server": url}, {}) as api, pytest.raises(HTTPError):
        api.ask("GET", "/api", seconds=SECONDS)


def test_a_certificate_is_shown_and_the_servers_is_checked_and_no_key_stays_in_a_file(
    secure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    tls, cluster, user = secure
    with server(tls=tls) as (url, _), Client({"server": url, **cluster}, user) as api:
        assert api.ask("GET", "/api", seconds=SECONDS) == {}
        assert list(temporary.iterdir()) == []


def test_a_certificate_of_another_authority_is_a_failure_of_tls(secure: Any, tmp_path: Path) -> None:
    tls, _, user = secure
    other = write_pair(tmp_path / "other", LOOPBACK)
    cluster = {"certificate-authority-data": encoded(other)}
    with (
        server(tls=tls) as (url, _),
        Client({"server": url, **cluster}, user) as api,
        pytest.raises(ApiError) as caught,
    ):
        api.ask("GET", "/api", seconds=SECONDS)
    assert (caught.value.status, "CERTIFICATE_VERIFY_FAILED" in str(caught.value.reason)) == (0, True)


def authority(file: Path, issuer: str, *, identified: bool, name: x509.GeneralName = LOOPBACK, days: int = 1) -> str:
    """The certificate (PEM) of the authority `ours`, by the issuer; that of a server, and its key, go into the file.

    `identified` are certificates with identifiers of their keys; with negative `days` the server's has ended.
    """
    above, ours, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    keys = {issuer: above, "ours": ours}
    found = []
    for subject, key, by, ends in (("ours", ours, issuer, 1), ("server", server, "ours", days)):
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, by)]),
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]),
            key.public_key(),
            x509.random_serial_number(),
            datetime.now(UTC) - timedelta(days=9),
            datetime.now(UTC) + timedelta(days=ends),
        ).add_extension(x509.BasicConstraints(ca=subject == "ours", path_length=None), critical=True)
        if subject == "server":
            builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        if identified:
            signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[by].public_key())
            own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            builder = builder.add_extension(signer, critical=False).add_extension(own, critical=False)
        made = builder.sign(keys[by], hashes.SHA256())
        found.append(made.public_bytes(serialization.Encoding.PEM).decode())
    file.write_text(found[1] + pem(server))
    return found[0]


@pytest.mark.parametrize(
    ("how", "refusal"),
    [
        # Without VERIFY_X509_PARTIAL_CHAIN this is refused before Python 3.13.
        ({"issuer": "the company's", "identified": True}, ""),
        # With VERIFY_X509_STRICT, urllib3's own choice from Python 3.13 on, this is refused.
        ({"issuer": "ours", "identified": False}, ""),
        ({"issuer": "the company's", "identified": False}, ""),
        ({"issuer": "the company's", "identified": True, "days": -1}, "certificate has expired"),
        ({"issuer": "the company's", "identified": True, "name": x509.DNSName("other")}, "IP address mismatch"),
    ],
)
def test_an_authority_is_taken_as_kubectl_does_and_what_it_signed_is_checked(
    tmp_path: Path, how: Mapping[str, Any], refusal: str
) -> None:
    trusted = authority(tmp_path / "pair", **how)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "pair")
    with server(tls=tls) as (url, _):
        entry = {"server": url, "certificate-authority-data": encoded(trusted)}
        with Client(entry, {"token": "t"}) as api:
            if not refusal:
                assert api.ask("GET", "/api", seconds=SECONDS) == {}
                return
            with pytest.raises(ApiError) as caught:
                api.ask("GET", "/api", seconds=SECONDS)
    assert (caught.value.status, refusal in str(caught.value.reason)) == (0, True)


def test_what_an_authority_of_the_same_name_signed_is_refused(tmp_path: Path) -> None:
    how: Mapping[str, Any] = {"issuer": "the company's", "identified": False}
    authority(tmp_path / "pair", **how)
    other = authority(tmp_path / "other", **how)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "pair")
    with (
        server(tls=tls) as (url, _),
        Client({"server": url, "certificate-authority-data": encoded(other)}, {"token": "t"}) as api,
        pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        api.ask("GET", "/api", seconds=SECONDS)


@pytest.mark.parametrize(
    ("how", "works"),
    [
        ({"insecure-skip-tls-verify": True}, True),
        ({"tls-server-name": "127.0.0.1"}, True),
        ({"tls-server-name": "other.example.com"}, False),
    ],
)
def test_the_name_and_the_check_are_as_the_cluster_says(how: Mapping[str, Any], works: bool, secure: Any) -> None:
    tls, cluster, user = secure
    trusted = {} if "insecure-skip-tls-verify" in how else cluster
    with server(tls=tls) as (url, _), Client({"server": url, **trusted, **how}, user) as api:
        if works:
            assert api.ask("GET", "/api", seconds=SECONDS) == {}
        else:
            with pytest.raises(ApiError):
                api.ask("GET", "/api", seconds=SECONDS)


@pytest.mark.parametrize(
    ("cluster", "user", "words"),
    [
        ({"certificate-authority-data": encoded("no PEM")}, {}, "certificate-authority cannot be used"),
        ({"certificate-authority-data": "%"}, {}, "certificate-authority-data is no PEM in base64"),
        ({}, {"client-certificate-data": encoded("x"), "client-key-data": encoded("y")}, "client-key cannot be used"),
        ({}, {"client-certificate-data": 7}, "client-certificate-data is no PEM in base64"),
        ({}, {"tokenFile": "/not/there"}, "token file /not/there cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_asked(
    cluster: Mapping[str, Any], user: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(CredentialsError, match=words):
        Client({"server": "https://example.com", **cluster}, user)


@pytest.mark.parametrize("token", ["se\ncret", "secret\n", "secret\r", "\ufeffsecret", "\x00secret"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(tmp_path: Path, token: str) -> None:
    with pytest.raises(CredentialsError, match="what no header can") as refusal:
        Client({"server": "http://127.0.0.1:1"}, {"token": token})
    (tmp_path / "token").write_text(f"{token}x")
    with pytest.raises(CredentialsError, match="what no header can"):
        Client({"server": "http://127.0.0.1:1"}, {"tokenFile": str(tmp_path / "token")})
    assert "cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "remark", ["\ufeff", "# Főtanúsítvány\n", "# Z\u00fcrich\n".encode("latin-1"), "\r\n\r\n", "subject=/CN=x\n"]
)
def test_a_bundle_may_have_remarks_in_any_letters(tmp_path: Path, remark: str | bytes) -> None:
    pair = tmp_path / "pair.pem"
    first = write_pair(tmp_path / "other.pem", x509.DNSName("other")).replace("\n", "\r\n")
    remark = remark.encode() if isinstance(remark, str) else remark
    bundle = remark + first.encode() + remark + write_pair(pair, LOOPBACK).encode() + remark
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair)
    with server(tls=tls) as (url, _):
        entry = {"server": url, "certificate-authority-data": b64encode(bundle).decode()}
        assert Client(entry, {"token": "t"}).ask("GET", "/x", seconds=SECONDS) == {}
