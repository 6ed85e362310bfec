"""Keys and tokens on the mocks all hold a canary: it must be nowhere in the clear, and in all that carry one."""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from federation.settings.config import ConfigError
from tests.component.cloud import CANARY
from tests.component.program import run
from tests.component.recording import Record, opened

pytestmark = pytest.mark.component


def test_no_key_or_token_is_in_the_state_in_the_clear(karmada: Record) -> None:
    found = {str(each): path for each in karmada.resources for path in revealed([each.inputs, each.outputs])}
    assert found == {}
    assert list(revealed(karmada.exports)) == []


def test_the_canary_would_be_found_in_all_that_carry_keys_or_tokens(karmada: Record) -> None:
    carriers = {
        each.name for each in karmada.resources if any(True for _ in revealed(opened([each.inputs, each.outputs])))
    }
    assert {
        "host",
        "api",
        "member-gondor",
        "root-ca",
        "service-account",
        "federation-apiserver-files",
        "karmada-scheduler-api",
        "etcd-files",
        "gondor-engine-token",
        "gondor-credentials",
        "gondor-impersonation",
        "federation-dns-api",
        "dns-controller-api",
        "gondor-federation-dns-token",
        "gondor-dns",
        "gondor-cluster-dns",
    } <= carriers
    assert sorted(revealed(opened(karmada.exports))) == ["/kubeconfig", "/memberKubeconfig"]


def test_the_program_hears_of_pulumi_what_is_secret_in_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", '["federation:host"]')
    with pytest.raises(ConfigError, match=r"federation:host.namespace: what is given is not a DNS label"):
        run(tmp_path, {"federation:host.namespace": "_"})


def revealed(value: Any, path: str = "") -> Iterator[str]:
    """Where the canary stands in a text that is not secret."""
    match value:
        case str() if any(CANARY in text for text in decoded(value)):
            yield path
        case dict():
            for key, part in value.items():
                yield from revealed(part, f"{path}/{key}")
        case list():
            for part in value:
                yield from revealed(part, path)


def decoded(text: str) -> Iterator[str]:
    """The text, and all texts in base64 within it, at any depth."""
    yield text
    for run_ in re.findall(r"[A-Za-z0-9+/]{8,}={0,2}", text):
        try:
            inner = base64.b64decode(run_, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        yield from decoded(inner)
