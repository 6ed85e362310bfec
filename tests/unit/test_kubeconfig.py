"""Kubeconfig files: what kubectl would read, as values that work from any folder."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from federation.settings import kubeconfig
from federation.settings.kubeconfig import KubeconfigError

pytestmark = pytest.mark.unit


def config(*contexts: str, server: str = "https://example:6443", **user: Any) -> dict[str, Any]:
    """A kubeconfig in which each context's cluster and user are called `admin`, the first context being current."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "admin", "cluster": {"server": server}}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": each, "context": {"cluster": "admin", "user": "admin"}} for each in contexts],
        "current-context": contexts[0] if contexts else "",
    }


def write(path: Path, content: Mapping[str, Any] | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(dict(content)))
    return path


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def of_cluster(**said: Any) -> dict[str, Any]:
    """A kubeconfig with context gondor, whose cluster says this besides its server."""
    content = config("gondor", token="t")
    content["clusters"][0]["cluster"] |= said
    return content


def test_a_pick_is_one_context_with_all_its_parts_called_after_it() -> None:
    users = [{"name": "other", "user": {"token": "o"}}, {"name": "admin", "user": {"token": "t"}}]
    file = {**config("gondor", "rohan"), "users": users}
    assert kubeconfig.pick(file, "rohan") == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "rohan", "cluster": {"server": "https://example:6443"}}],
        "users": [{"name": "rohan", "user": {"token": "t"}}],
        "contexts": [{"name": "rohan", "context": {"cluster": "rohan", "user": "rohan"}}],
        "current-context": "rohan",
    }


def test_a_pick_keeps_the_contexts_namespace_and_needs_no_user() -> None:
    file = {**config(), "contexts": [{"name": "gondor", "context": {"cluster": "admin", "namespace": "shire"}}]}
    picked = kubeconfig.pick(file, "gondor")
    assert picked["contexts"] == [{"name": "gondor", "context": {"cluster": "gondor", "namespace": "shire"}}]
    assert picked["users"] == []


def test_picks_of_files_with_the_same_names_do_not_clash() -> None:
    gondor, rohan = config("gondor", server="https://gondor"), config("rohan", server="https://rohan")
    merged = kubeconfig.merge([kubeconfig.pick(gondor, "gondor"), kubeconfig.pick(rohan, "rohan")])
    assert kubeconfig.context_names(merged) == ["gondor", "rohan"]
    assert [kubeconfig.server(kubeconfig.pick(merged, name)) for name in ("gondor", "rohan")] == [
        "https://gondor",
        "https://rohan",
    ]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"contexts": []}, "no entry 'gondor' in contexts"),
        ({"clusters": None}, "no entry 'admin' in clusters"),
        ({"users": []}, "no entry 'admin' in users"),
    ],
)
def test_a_pick_of_what_is_not_there_says_what_is_missing(part: Mapping[str, Any], message: str) -> None:
    with pytest.raises(KubeconfigError, match=message):
        kubeconfig.pick({**config("gondor"), **part}, "gondor")


def test_in_a_merge_the_first_of_two_names_stays_and_the_first_current_context() -> None:
    first = {**config("gondor", server="https://first"), "current-context": ""}
    second = config("rohan", "gondor", server="https://second")
    merged = kubeconfig.merge([first, second])
    assert kubeconfig.context_names(merged) == ["gondor", "rohan"]
    assert merged["clusters"] == [{"name": "admin", "cluster": {"server": "https://first"}}]
    assert merged["current-context"] == "rohan"


def test_what_is_dumped_is_read_again(tmp_path: Path) -> None:
    given = kubeconfig.with_client_certificate("fellowship", "https://api:5443", "CA", "CERTIFICATE", "KEY")
    read = kubeconfig.load([write(tmp_path / "config", kubeconfig.dump(given))])
    assert read == given
    assert read["current-context"] == "fellowship"
    assert read["clusters"][0]["cluster"]["certificate-authority-data"] == encoded("CA")
    assert read["users"][0]["user"] == {
        "client-certificate-data": encoded("CERTIFICATE"),
        "client-key-data": encoded("KEY"),
    }


def picked(file: Path) -> Mapping[str, Any]:
    """The user of context gondor."""
    user: Mapping[str, Any] = kubeconfig.pick(kubeconfig.load([file]), "gondor")["users"][0]["user"]
    return user


def test_files_are_read_in_relative_to_the_kubeconfig_and_not_to_where_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    absolute = write(tmp_path / "elsewhere" / "key.pem", "KEY")
    write(tmp_path / "kube" / "pki" / "cert.pem", "CERTIFICATE")
    user = {"client-certificate": "pki/cert.pem", "client-key": str(absolute)}
    assert picked(write(tmp_path / "kube" / "config", config("gondor", **user))) == {
        "client-certificate-data": encoded("CERTIFICATE"),
        "client-key-data": encoded("KEY"),
    }


@pytest.mark.parametrize(
    ("command", "found"), [("bin/plugin.sh", "kube/bin/plugin.sh"), ("/bin/plugin", "/bin/plugin"), ("aws", "aws")]
)
def test_a_plugin_lies_beside_the_file_or_in_path(tmp_path: Path, command: str, found: str) -> None:
    users = [{"name": "admin", "user": {"exec": {"command": command}}}]
    file = write(tmp_path / "kube" / "config", {**config("gondor"), "users": users})
    assert picked(file)["exec"]["command"] == (str(tmp_path / found) if "kube" in found else found)


def test_a_token_file_lies_beside_the_file_stays_a_file_and_comes_before_a_token(tmp_path: Path) -> None:
    file = write(tmp_path / "kube" / "config", config("gondor", tokenFile="token", token="old"))
    assert picked(file) == {"tokenFile": str(tmp_path / "kube" / "token")}


def test_data_in_the_file_comes_before_a_file_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "key.pem", "FILE")
    user = {"client-key": "key.pem", "client-key-data": encoded("DATA")}
    assert picked(write(tmp_path / "config", config("gondor", **user))) == {"client-key-data": encoded("DATA")}


def test_a_file_that_an_entry_names_and_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    file = write(tmp_path / "config", config("gondor", **{"client-key": "none.pem"}))
    with pytest.raises(KubeconfigError, match=rf"{tmp_path}/none.pem \(client-key of the kubeconfig\): No such file"):
        picked(file)


ODD: Mapping[str, Any] = {
    "clusters": [
        {"name": "minikube", "cluster": {"server": "https://m", "certificate-authority": "gone.crt"}},
        {"name": "nothing", "cluster": None},
    ],
    "users": [{"name": "null", "user": None}, {"name": "minikube", "user": {"client-key": "gone.key"}}],
    "contexts": [
        {"name": "minikube", "context": {"cluster": "minikube", "user": "minikube"}},
        {"name": "no-cluster", "context": {"user": "null"}},
        {"name": "null", "context": None},
    ],
}
"""Entries that cannot be used."""


def test_what_the_context_does_not_use_may_be_as_it_is(tmp_path: Path) -> None:
    own = config("gondor", token="t")
    own["clusters"][0]["cluster"]["certificate-authority"] = ""
    file = write(tmp_path / "config", {**own, **{section: [*own[section], *ODD[section]] for section in ODD}})
    assert picked(file) == {"token": "t"}
    for context, message in (("minikube", "gone.crt"), ("no-cluster", "'no-cluster' lacks its cluster")):
        with pytest.raises(KubeconfigError, match=message):
            kubeconfig.pick(kubeconfig.load([file]), context)


@pytest.mark.parametrize(
    "said",
    [
        {"insecure-skip-tls-verify": None, "proxy-url": "", "tls-server-name": None},
        {"insecure-skip-tls-verify": False, "certificate-authority-data": "Q0E="},
        {"insecure-skip-tls-verify": True, "certificate-authority": "", "certificate-authority-data": ""},
        {"proxy-url": "http://proxy:3128", "tls-server-name": "kubernetes"},
    ],
)
def test_what_a_cluster_says_of_the_way_to_it_stays_and_may_be_empty(tmp_path: Path, said: Mapping[str, Any]) -> None:
    file = write(tmp_path / "config", of_cluster(**said))
    kept = kubeconfig.cluster(kubeconfig.pick(kubeconfig.load([file]), "gondor"))
    assert {key: value for key, value in kept.items() if value} == {
        "server": "https://example:6443",
        **{key: value for key, value in said.items() if value},
    }


@pytest.mark.parametrize("without", ["kind", "apiVersion", "current-context"])
def test_a_file_need_not_say_what_it_is(tmp_path: Path, without: str) -> None:
    content = {key: value for key, value in config("gondor", token="t").items() if key != without}
    assert picked(write(tmp_path / "config", content)) == {"token": "t"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("kind: Config\na: b: c", r"not YAML \(line 2\)$"),
        ("\x00", "not YAML"),
        ("- a list", "not a kubeconfig"),
        ("kind: Secret", "not a kubeconfig"),
        ({**config("gondor"), "clusters": [{"cluster": {}}]}, "an entry of clusters lacks its name"),
        ({**config("gondor"), "users": [{"name": "admin", "user": 5}]}, "'admin' in users has a user that is no map"),
        ({**config("gondor"), "contexts": ["gondor"]}, "an entry of contexts lacks its name"),
        ({**config("gondor"), "contexts": 5}, "contexts is not a list"),
        ({**config("gondor"), "contexts": [{"name": ["gondor"], "context": {}}]}, "contexts"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_told_by_its_path_and_fault(
    tmp_path: Path, content: Mapping[str, Any] | str, message: str
) -> None:
    file = write(tmp_path / "config", content)
    with pytest.raises(KubeconfigError, match=message) as refusal:
        kubeconfig.load([file])
    assert str(file) in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**config("gondor"), "contexts": [{"name": "gondor", "context": {"user": "admin"}}]}, "lacks its cluster"),
        ({**config("gondor"), "clusters": [{"name": "admin", "cluster": {}}]}, "'admin' in clusters lacks its server"),
        (config("gondor", **{"client-key": {}}), "lacks its client-key"),  # type: ignore[arg-type]
        (of_cluster(**{"proxy-url": 5}), "'admin' in clusters lacks its proxy-url, or it is no text"),
        (of_cluster(**{"tls-server-name": ["x"]}), "'admin' in clusters lacks its tls-server-name, or it is no text"),
        # Each of these would pass for true somewhere.
        *(
            (of_cluster(**{"insecure-skip-tls-verify": value}), "insecure-skip-tls-verify that is neither true nor")
            for value in ("false", "true", 0, 1, [True])
        ),
        (
            of_cluster(**{"insecure-skip-tls-verify": True, "certificate-authority-data": "Q0E="}),
            "'admin' in clusters has a certificate-authority, and insecure-skip-tls-verify too; keep one",
        ),
    ],
)
def test_a_context_that_cannot_be_used_is_told_by_its_fault(
    tmp_path: Path, content: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(KubeconfigError, match=message):
        picked(write(tmp_path / "config", content))


@pytest.mark.parametrize(
    ("name", "message"), [("none", "No such file"), (".", "Is a directory"), ("a" * 300, "too long")]
)
def test_a_file_that_cannot_be_read_is_told_by_its_path_and_why(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(KubeconfigError, match=message) as refusal:
        kubeconfig.load([tmp_path / name])
    assert str(tmp_path / name) in str(refusal.value)


def test_of_several_files_those_that_are_not_there_or_empty_are_skipped(tmp_path: Path) -> None:
    good = write(tmp_path / "good", config("gondor", token="t"))
    empty = write(tmp_path / "empty", "")
    assert kubeconfig.context_names(kubeconfig.load([tmp_path / "none", empty, good])) == ["gondor"]
    assert kubeconfig.context_names(kubeconfig.load([empty])) == []
    with pytest.raises(KubeconfigError, match="Is a directory"):
        kubeconfig.load([tmp_path, good])


@pytest.mark.parametrize("text", ["\ttoken: {}", "  token: {}: x", "  token: [{}", "  token: !{} x", "  token: *{}"])
def test_of_what_is_not_yaml_nothing_is_shown(tmp_path: Path, text: str) -> None:
    secret = "eyJhbGciOiJSUzI1NiJ9"
    file = write(tmp_path / "config", f"users:\n- name: admin\n  user:\n{text.format(secret)}\n")
    with pytest.raises(KubeconfigError, match=r"not YAML \(line \d\)$") as refusal:
        kubeconfig.load([file])
    assert secret not in str(refusal.value)


def test_bytes_that_are_no_text_are_not_yaml(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(KubeconfigError, match="not YAML"):
        kubeconfig.load([tmp_path / "config"])


def test_several_files_are_one_as_kubectl_reads_them(tmp_path: Path) -> None:
    files = [write(tmp_path / name, config(name, server=f"https://{name}")) for name in ("gondor", "rohan")]
    merged = kubeconfig.load(files)
    assert kubeconfig.context_names(merged) == ["gondor", "rohan"]
    assert kubeconfig.server(merged) == "https://gondor"


@pytest.mark.parametrize(
    ("environment", "paths"),
    [
        ({"KUBECONFIG": "/a"}, ["/a"]),
        ({"KUBECONFIG": "/a::/b:"}, ["/a", "/b"]),
        ({"KUBECONFIG": ""}, ["/home/frodo/.kube/config"]),
        ({}, ["/home/frodo/.kube/config"]),
    ],
)
def test_the_default_is_every_file_of_kubeconfig_else_the_one_at_home(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], paths: list[str]
) -> None:
    monkeypatch.setenv("HOME", "/home/frodo")
    assert kubeconfig.default_paths(environment) == [Path(path) for path in paths]


SHAPES: list[tuple[dict[str, Any], str]] = [
    *(({key: 12345}, f"'admin' in users has a {key} that is no text") for key in ("token", "password", "as", "as-uid")),
    ({"client-key-data": b"x"}, "has a client-key-data that is no text"),
    ({"as-groups": "dev"}, "has as-groups that are no list of texts"),
    ({"as-groups": [5]}, "has as-groups that are no list of texts"),
    ({"as-user-extra": {"a": "b"}}, "has an as-user-extra that is no map of lists"),
    ({"auth-provider": "oidc"}, "has an auth-provider that is no map"),
    ({"exec": "aws"}, "has an exec that is no map"),
    ({"exec": {}}, "the exec of 'admin' in users lacks its command"),
    ({"exec": {"command": "aws", "args": ["-n", 5]}}, "has args that are no list of texts; a number is one in quotes"),
    ({"exec": {"command": "aws", "args": "get"}}, "has args that are no list of texts"),
    ({"exec": {"command": "aws", "env": {"A": "b"}}}, "has an env that is no list of names and values"),
    ({"exec": {"command": "aws", "env": [{"value": "b"}]}}, "has an env that is no list of names and values"),
    (
        {"exec": {"command": "aws", "env": [{"name": "A", "value": 5}]}},
        "has an env that is no list of names and values",
    ),
]
"""Of users; kubectl refuses each."""


@pytest.mark.parametrize(("user", "message"), SHAPES)
def test_what_kubectl_cannot_read_of_a_user_is_told(tmp_path: Path, user: dict[str, Any], message: str) -> None:
    content = config("gondor", **user)
    with pytest.raises(KubeconfigError, match=message):
        picked(write(tmp_path / "config", content))
    # As long as nobody uses it, it is nobody's concern.
    content["users"].append({"name": "good", "user": {"token": "t"}})
    content["contexts"][0]["context"]["user"] = "good"
    assert picked(write(tmp_path / "config", content)) == {"token": "t"}


def test_what_is_null_is_not_there(tmp_path: Path) -> None:
    content = of_cluster(**{"tls-server-name": None, "proxy-url": None, "insecure-skip-tls-verify": None})
    content["users"][0]["user"] |= {"exec": None, "as-groups": None, "auth-provider": None, "password": None}
    content["contexts"][0]["context"]["namespace"] = None
    found = kubeconfig.pick(kubeconfig.load([write(tmp_path / "config", content)]), "gondor")
    assert found["clusters"][0]["cluster"] == {"server": "https://example:6443"}
    assert found["users"][0]["user"] == {"token": "t"}
    assert found["contexts"][0]["context"] == {"cluster": "gondor", "user": "gondor"}


def test_a_date_is_a_text(tmp_path: Path) -> None:
    text = yaml.safe_dump(config("NAME", exec={"command": "x", "args": ["NAME"]})).replace("NAME", "2026-01-01")
    found = kubeconfig.pick(kubeconfig.load([write(tmp_path / "config", text)]), "2026-01-01")
    assert found["users"][0]["user"]["exec"]["args"] == ["2026-01-01"]
    assert yaml.safe_load(kubeconfig.dump(found)) == found


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("after", ["", "\n---\nkind: Config\ncontexts: []\n"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_of_windows_and_the_first_of_several_documents(
    tmp_path: Path, before: str, after: str, line_end: str
) -> None:
    text = before + yaml.safe_dump(config("gondor", token="t")) + after
    file = tmp_path / "config"
    file.write_bytes(text.replace("\n", line_end).encode())
    assert picked(file) == {"token": "t"}


def test_json_may_be_indented_by_tabs(tmp_path: Path) -> None:
    assert picked(write(tmp_path / "config", json.dumps(config("gondor", token="t"), indent="\t"))) == {"token": "t"}


def test_paths_hold_from_any_folder_though_the_file_is_named_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "sub" / "config", config("gondor", tokenFile="token"))
    assert picked(Path("sub/config")) == {"tokenFile": str(tmp_path / "sub" / "token")}


@pytest.mark.parametrize(
    ("server", "said", "user", "url"),
    [
        ("gondor:6443", {}, {"token": "t"}, "http://gondor:6443"),
        ("gondor:6443", {"certificate-authority-data": "Q0E="}, {"token": "t"}, "https://gondor:6443"),
        ("[fd00::1]:6443", {"insecure-skip-tls-verify": True}, {"token": "t"}, "https://[fd00::1]:6443"),
        ("gondor", {}, {"client-certificate-data": "Qw==", "client-key-data": "Sw=="}, "https://gondor"),
        ("HTTPS://Gondor/k8s/clusters/c-xyz", {}, {}, "https://Gondor/k8s/clusters/c-xyz"),
    ],
)
def test_a_server_may_be_without_its_scheme(
    tmp_path: Path, server: str, said: dict[str, Any], user: dict[str, Any], url: str
) -> None:
    content = config("gondor", server=server, **user)
    content["clusters"][0]["cluster"] |= said
    assert kubeconfig.server(kubeconfig.pick(kubeconfig.load([write(tmp_path / "c", content)]), "gondor")) == url
