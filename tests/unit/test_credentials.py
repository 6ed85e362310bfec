"""What a context's user shows: plugins as kubectl asks them, and nobody who is nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from federation.clusters import credentials
from federation.clusters.credentials import SilentPluginError, resolved
from kube.errors import CredentialsError
from lab.fleet.waiting import wait_until

pytestmark = [pytest.mark.unit, pytest.mark.programs]

VERSION = "client.authentication.k8s.io/v1"


def config(user: Mapping[str, Any] | None, **cluster: Any) -> dict[str, Any]:
    users = [] if user is None else [{"name": "x", "user": user}]
    return {
        "clusters": [{"name": "x", "cluster": {"server": "https://example:6443", **cluster}}],
        "users": users,
        "contexts": [{"name": "x", "context": {"cluster": "x", **({"user": "x"} if users else {})}}],
        "current-context": "x",
    }


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    """A user whose plugin is this shell script."""
    file = folder / "plugin.sh"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return config({"exec": {"apiVersion": VERSION, "command": str(file), **more}})


def credential(**status: str) -> str:
    return json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": status})


def user(found: Mapping[str, Any]) -> Mapping[str, Any]:
    own: Mapping[str, Any] = found["users"][0]["user"]
    return own


def test_a_token_stands_in_the_place_of_its_plugin_which_is_asked_once(tmp_path: Path) -> None:
    given = plugin(tmp_path, f"echo asked >> {tmp_path}/asked; echo '{credential(token='t')}'")
    for _ in range(3):
        assert user(resolved(given)) == {"token": "t"}
    assert (tmp_path / "asked").read_text().split() == ["asked"]


def test_an_answer_that_is_over_is_asked_for_again(tmp_path: Path) -> None:
    over = credential(token="t", expirationTimestamp="2020-01-01T00:00:00Z")
    given = plugin(tmp_path, f"echo asked >> {tmp_path}/asked; echo '{over}'")
    for _ in range(2):
        resolved(given)
    assert (tmp_path / "asked").read_text().split() == ["asked", "asked"]


def test_a_certificate_is_encoded_as_a_kubeconfig_has_it(tmp_path: Path) -> None:
    given = plugin(tmp_path, f"echo '{credential(clientCertificateData='C', clientKeyData='K')}'")
    assert user(resolved(given)) == {"client-certificate-data": "Qw==", "client-key-data": "Sw=="}


def test_a_plugin_is_told_what_kubectl_tells_it(tmp_path: Path) -> None:
    told, script = (
        tmp_path / "told",
        f"echo \"$KUBERNETES_EXEC_INFO $REGION $1\" > {tmp_path}/told; echo '{credential(token='t')}'",
    )
    given = plugin(tmp_path, script, args=["get"], env=[{"name": "REGION", "value": "shire"}], provideClusterInfo=True)
    extension = {"name": credentials.EXTENSION, "extension": {"audience": "a"}}
    given["clusters"][0]["cluster"]["extensions"] = [extension, {"name": "other", "extension": 1}]
    resolved(given)
    info, rest = told.read_text().rsplit("} ", 1)
    assert json.loads(info + "}") == {
        "apiVersion": VERSION,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://example:6443", "config": {"audience": "a"}}},
    }
    assert rest.split() == ["shire", "get"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo no >&2; exit 255", "ended with 255: no"),
        ("echo nonsense", "did not answer with an ExecCredential"),
        ("echo '{}'", "did not answer with an ExecCredential"),
        (f"echo '{credential(token='')}'", "no credentials"),
        (f"echo '{credential(token='t').replace('v1', 'v1beta1')}'", "ExecCredential of client"),
    ],
)
def test_a_plugin_that_fails_says_why_and_is_not_asked_again(tmp_path: Path, script: str, message: str) -> None:
    given = plugin(tmp_path, f"echo asked >> {tmp_path}/asked; {script}")
    for _ in range(2):
        with pytest.raises(CredentialsError, match=message):
            resolved(given)
    assert (tmp_path / "asked").read_text().split() == ["asked"]


def test_a_plugin_gets_an_empty_text_for_what_says_nothing(tmp_path: Path) -> None:
    """As from kubectl: `None` would be a profile of that name."""
    script = f"echo \"[$AWS_PROFILE] [$REGION] [$1] [$2]\" > {tmp_path}/told; echo '{credential(token='t')}'"
    given = plugin(tmp_path, script, args=[None, "b"], env=[{"name": "AWS_PROFILE", "value": None}, {"name": "REGION"}])
    resolved(given)
    assert (tmp_path / "told").read_text().strip() == "[] [] [] [b]"


def test_an_answer_is_over_at_a_time_of_somewhere(tmp_path: Path) -> None:
    over = credential(token="t", expirationTimestamp="2020-01-01T00:00:00")
    with pytest.raises(CredentialsError, match="did not answer with an ExecCredential"):
        resolved(plugin(tmp_path, f"echo '{over}'"))


def test_a_plugin_that_is_not_there_says_how_to_get_it() -> None:
    missing = {"apiVersion": VERSION, "command": "not-there", "installHint": "try\n apt"}
    with pytest.raises(CredentialsError, match=r"not-there cannot be run: No such file or directory \(try apt\)"):
        resolved(config({"exec": missing}))


def test_a_plugin_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "PLUGIN_SECONDS", 3)
    given = plugin(tmp_path, f"sleep 3600 & echo $! > {tmp_path}/child; wait")
    for _ in range(2):
        with pytest.raises(SilentPluginError, match="did not end within 3 s"):
            resolved(given)
    child = int((tmp_path / "child").read_text())
    wait_until("its child to end", lambda: not _runs(child), 10)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("given", [{}, {"token": ""}, {"as": "frodo"}, {"auth-provider": {"name": "gcp"}}])
def test_who_shows_nothing_is_told_so(given: Mapping[str, Any]) -> None:
    with pytest.raises(CredentialsError):
        resolved(config(given))


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_token_file_that_says_nothing_is_told(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CredentialsError, match=f"token file {file}"):
        resolved(config({"tokenFile": str(file)}))


def test_a_context_without_a_user_is_nobody_on_purpose() -> None:
    given = config(None)
    assert resolved(given) == given


def test_what_shows_something_else_needs_no_plugin() -> None:
    given = {"token": "t", "exec": {"apiVersion": VERSION, "command": "not-there"}}
    assert user(resolved(config(given))) == {"token": "t"}
