"""The search for secrets finds a planted one in each dress, and nothing where there is none."""

import base64
import json

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from federation.settings import kubeconfig
from tests.leaks import SHORTEST, blunted, key_headers, leaks, needles, private_parts

pytestmark = pytest.mark.unit

CANARY = 'canary-4f1d8e"\n<&>é/07c2b95a6e3'
NOISE = st.text(st.characters(codec="utf-8", exclude_characters="c"), max_size=40)


@given(NOISE, NOISE, st.text(st.characters(codec="ascii", min_codepoint=33), min_size=SHORTEST, max_size=60))
def test_a_secret_is_found_wherever_it_stands(before: str, after: str, secret: str) -> None:
    text = f"{before}{secret}{after}"
    once, twice = _base64(text), _base64(f"{after}{_base64(text)}")
    for dressed in (text, json.dumps(text), json.dumps(json.dumps(text)), once, twice, _base64(f"x{twice}")):
        assert leaks(f"{after}{dressed}{before}", needles({"secret": secret}))


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("how", ["as it is", "in JSON", "in JSON in JSON"])
def test_it_is_said_which_and_how(shift: int, how: str) -> None:
    text = CANARY
    for _ in range(how.count("JSON")):
        text = json.dumps(text)
    signs = needles({"the canary": CANARY, "another": "another-9b0c6d2e8f41a7d35"})
    assert leaks(f"before {text} after", signs) == [f"the canary, {how}"]
    assert leaks(_base64("x" * shift + text), signs) == [f"the canary, {how}, in base64"]


def test_gos_json_is_json_too() -> None:
    text = '"canary-4f1d8e\\"\\n\\u003c\\u0026\\u003eé/07c2b95a6e3"'
    assert json.loads(text) == CANARY
    assert leaks(text, needles({"the canary": CANARY})) == ["the canary, in JSON"]


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_key_is_found_in_a_kubeconfig_in_a_secret_but_not_in_its_certificate(kind: str, form: PrivateFormat) -> None:
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    file = kubeconfig.dump(kubeconfig.with_client_certificate("x", "https://x", "ca", "certificate", pem))
    (part,) = private_parts(_base64(file))
    assert [part] == list(private_parts(pem)) == list(private_parts(json.dumps({"private_key": pem})))
    signs = needles({"key": part})
    for place in (pem, file, json.dumps({"kubeconfig": file}), yaml.safe_dump({"data": _base64(file)})):
        assert leaks(place, signs), place
        assert leaks(place, key_headers()), place
    assert leaks(pem[:40], key_headers())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert leaks(f"{public}{_base64(public)}", key_headers()) == []
    der = key.private_bytes(Encoding.DER, form, NoEncryption())
    assert leaks(base64.b64encode(der).decode(), signs)
    other = (ec.generate_private_key(ec.SECP256R1())).private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    assert leaks(other, signs) == []
    for place in (pem, file, json.dumps({"private_key": pem}), yaml.safe_dump({"data": _base64(file)})):
        assert len(blunted(place)) == len(place)
        assert leaks(blunted(place), signs) == []


def test_a_token_is_found_by_its_signature() -> None:
    token = ".".join(base64.urlsafe_b64encode(part * 9).decode().rstrip("=") for part in (b'{"a"', b'{"b"', b"sign"))
    (part,) = private_parts(f"users: [{{token: {token}}}]")
    assert leaks(f"Bearer {token}", needles({"token": part})) == ["token, as it is"]
    assert leaks(f"Bearer {token.rpartition('.')[0]}", needles({"token": part})) == []


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
