"""Who is behind a context: asked of small servers that answer, refuse, or keep silent."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pulumi
import pytest

from federation.clusters import connection, identity
from federation.clusters.identity import Unreachable
from federation.settings.config import ConfigError, Refusal
from federation.settings.kubeconfig import Kubeconfig
from federation.settings.schema import Member
from operate.drift import digest

pytestmark = pytest.mark.unit

Answer = tuple[int, str]
KUBE_SYSTEM = json.dumps({"kind": "Namespace", "metadata": {"name": "kube-system", "uid": "uid-1"}})


@contextmanager
def api(answer: Callable[[str], Answer]) -> Iterator[str]:
    """The URL of an API server that gives this answer to each path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def kube_system(path: str) -> Answer:
    return (200, KUBE_SYSTEM) if path == "/api/v1/namespaces/kube-system" else (404, "{}")


def context(url: str, **user: str) -> Kubeconfig:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user or {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }


def only(kubeconfig: Kubeconfig) -> str | Unreachable:
    return identity.identify({"gondor": kubeconfig})["gondor"]


def test_a_cluster_is_known_by_the_uid_of_its_kube_system_namespace() -> None:
    with api(kube_system) as url:
        assert only(context(url)) == "uid-1"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((403, "{}"), "it answered 403 Forbidden when asked for namespace kube-system"),
        ((401, "{}"), "it answered 401 Unauthorized when asked for namespace kube-system"),
        ((404, "{}"), "it answered 404 Not Found when asked for namespace kube-system"),
        ((200, "{}"), "it answered"),
        ((200, "<html>Sign in</html>"), "it answered"),
    ],
)
def test_a_cluster_that_answers_something_else_is_told_with_its_answer(answer: Answer, reason: str) -> None:
    with api(lambda path: answer) as url:
        unknown = only(context(url))
        assert isinstance(unknown, Unreachable)
        assert (unknown.context, unknown.endpoint) == ("gondor", url)
        assert reason in unknown.reason


def test_a_cluster_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TIMEOUT", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = str(only(context(f"http://127.0.0.1:{silent.getsockname()[1]}")))
    assert message.startswith("context gondor: the API at http://127.0.0.1:")
    assert "timed out" in message


def test_a_silent_cluster_is_named_within_40_seconds() -> None:
    assert sum(connection.TIMEOUT) <= 40


def test_a_cluster_that_refuses_is_told_with_its_context_and_endpoint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        url = f"http://127.0.0.1:{closing.getsockname()[1]}"
    message = str(only(context(url)))
    assert message.startswith(f"context gondor: the API at {url} cannot be used: ")
    assert "Connection refused" in message


@pytest.mark.parametrize(
    "user",
    [{"client-certificate-data": "not base64!", "client-key-data": "x"}, {"tokenFile": "/nowhere/token"}],
    ids=["not base64", "missing file"],
)
def test_credentials_that_do_not_work_are_told(user: dict[str, str]) -> None:
    with api(kube_system) as url:
        assert "its credentials do not work" in reason_of(only(context(url.replace("http:", "https:"), **user)))


def test_all_clusters_are_asked_side_by_side() -> None:
    together = threading.Barrier(5)

    def when_all_are_there(path: str) -> Answer:
        together.wait(timeout=10)
        return kube_system(path)

    with api(when_all_are_there) as url:
        names = [f"cluster-{i}" for i in range(together.parties)]
        assert identity.identify({name: context(url) for name in names}) == dict.fromkeys(names, "uid-1")


def test_one_silent_cluster_leaves_the_others_known(warnings: list[str]) -> None:
    silent = Unreachable("rohan", "https://rohan:6443", "no route to host", silent=True)
    answers: dict[str, str | Unreachable] = {"rivendell": "uid-0", "gondor": "uid-1", "rohan": silent}
    assert identity.uids(answers, members(gondor="gondor", rohan="rohan")) == {"rivendell": "uid-0", "gondor": "uid-1"}
    assert warnings == ["context rohan: the API at https://rohan:6443 cannot be used: no route to host"]


def test_one_cluster_under_two_names_is_refused_with_both(warnings: list[str]) -> None:
    answers = {"a": "uid-1", "b": "uid-1", "c": "uid-2"}
    with pytest.raises(ConfigError) as refusal:
        identity.uids(answers, members(**{"gondor": "a", "minas-tirith": "b", "rohan": "c"}))
    assert refusal.value.problems == [
        "federation:members: gondor and minas-tirith are one cluster (kube-system UID uid-1); each cluster joins once"
    ]


def test_two_silent_clusters_are_not_taken_for_one(warnings: list[str]) -> None:
    answers = {name: Unreachable(name, "https://same:6443", "no route to host", silent=True) for name in ("a", "b")}
    assert identity.uids(answers, members(gondor="a", rohan="b")) == {}
    assert len(warnings) == 2


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    logged: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", logged.append)
    return logged


def reason_of(answer: str | Unreachable) -> str:
    assert isinstance(answer, Unreachable)
    return answer.reason


def test_a_member_that_is_given_up_may_be_silent(warnings: list[str]) -> None:
    gone = Unreachable("a", "https://a:6443", "no route to host", silent=True)
    assert identity.uids({"a": gone}, [given_up("gondor", "a")]) == {}
    assert warnings == ["member gondor is unreachable and given up: what the federation had in it stays there"]
    # It is no reason for operate.drift to say that it could not look.
    assert digest.UNREACHABLE.search(warnings[0]) is None


def test_a_member_that_is_given_up_and_answers_is_refused_with_what_is_allowed(warnings: list[str]) -> None:
    with pytest.raises(ConfigError) as refusal:
        identity.uids({"a": "uid-1"}, [given_up("gondor", "a")])
    assert refusal.value.problems == [
        "federation:members[0].unreachable: gondor answers, with kube-system UID uid-1; "
        "allowed: delete the whole member, which then leaves in good order, or just this key"
    ]
    assert warnings == []


@pytest.mark.parametrize(
    ("answer", "alive"),
    [
        *(((status, "{}"), True) for status in (403, 404, 429, 500, 503)),
        ((200, "<html>Sign in</html>"), True),
        # Whom nobody has credentials for any more can be given up.
        ((401, "{}"), False),
    ],
)
def test_whatever_answers_is_not_given_up(warnings: list[str], answer: Answer, alive: bool) -> None:
    with api(lambda _: answer) as url:
        answers = identity.identify({"a": context(url)})
    if not alive:
        assert identity.uids(answers, [given_up("gondor", "a")]) == {}
        return
    with pytest.raises(ConfigError) as refusal:
        identity.uids(answers, [given_up("gondor", "a")])
    (problem,) = refusal.value.problems
    said = f"federation:members[0].unreachable: gondor answers: {reason_of(answers['a'])}; allowed: delete the whole"
    assert problem.startswith(said)


def members(**contexts: str) -> list[Member]:
    return [Member(name=name, context=context, region="r") for name, context in contexts.items()]


def given_up(name: str, context: str) -> Member:
    return Member.model_validate({"name": name, "context": context, "region": "r", "unreachable": True})


@pytest.mark.parametrize(("status", "refused"), [(401, True), (403, False), (404, False), (503, False)])
def test_only_an_answer_that_new_credentials_would_mend_is_a_refusal(status: int, refused: bool) -> None:
    with api(lambda path: (status, "{}")) as url:
        answer = only(context(url))
    assert isinstance(answer, Unreachable)
    assert (answer.refused, answer.silent) == (refused, False)


def test_credentials_that_cannot_even_be_shown_are_refused_and_a_silent_cluster_is_not() -> None:
    nonsense = {"client-certificate-data": "bm8=", "client-key-data": "bm8="}
    with api(kube_system) as url:
        broken = context(url.replace("http:", "https:"), **nonsense)
        answers = identity.identify({"gondor": broken, "rohan": context("http://127.0.0.1:1")})
    refused, silent = (each for each in answers.values() if isinstance(each, Unreachable))
    assert ((refused.refused, refused.silent), (silent.refused, silent.silent)) == ((True, False), (False, True))


REFUSED = Unreachable("a", "https://a:6443", "it answered 401 Unauthorized", refused=True)
SILENT = Unreachable("b", "https://b:6443", "no route to host", silent=True)


def test_an_update_with_refused_credentials_fails_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    with pytest.raises(pulumi.RunError, match=r"^a: out of reach, as the credentials are refused"):
        identity.fail_for_refused({"a": REFUSED, "b": SILENT, "c": "uid-1"}, members(gondor="a", rohan="b"))


@pytest.mark.parametrize(
    ("answers", "preview", "unreachable"),
    [({"b": SILENT}, False, False), ({"a": REFUSED}, True, False), ({"a": REFUSED}, False, True)],
)
def test_a_preview_or_a_silent_member_or_one_that_is_given_up_fails_nothing(
    answers: identity.Answers, preview: bool, unreachable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    identity.fail_for_refused(answers, [given_up("gondor", "a")] if unreachable else members(gondor="a"))


KNOWN = {"gondor": "uid-1", "rohan": "uid-2", "mordor": ""}
RENAMED = (
    "federation:members: riders was called rohan (kube-system UID uid-2); a name stays; "
    "allowed: rohan, or to remove it, `pulumi up`, and then add it anew"
)


@pytest.mark.parametrize(
    ("found", "problems"),
    [
        (KNOWN, []),
        # One leaves, one joins, and one that never answered has another name: nobody knows.
        ({"gondor": "uid-1", "bree": "uid-3", "moria": ""}, []),
        ({"gondor": "uid-1", "riders": "uid-2"}, [RENAMED]),
        # That one name leads to two clusters, or two names to one, is refused elsewhere.
        ({"gondor": "uid-2", "rohan": "uid-1"}, []),
        ({**KNOWN, "riders": "uid-2"}, []),
        ({"gondor": "uid-2"}, []),
    ],
)
def test_a_member_keeps_its_name(found: dict[str, str], problems: list[str]) -> None:
    assert list(identity.renamed(KNOWN, found)) == problems


@pytest.mark.parametrize("known", [None, {}, {"input": {}}])
def test_a_state_that_knows_no_members_takes_any(monkeypatch: pytest.MonkeyPatch, known: dict[str, object]) -> None:
    rename(monkeypatch, known)


def test_a_renamed_member_is_refused_in_the_preview_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal) as refusal:
        rename(monkeypatch, {"input": KNOWN})
    assert str(refusal.value) == RENAMED


def rename(monkeypatch: pytest.MonkeyPatch, known: dict[str, object] | None) -> None:
    """What happens in a stack whose Stash had these inputs, when rohan is called riders."""
    made: list[pulumi.ResourceOptions] = []
    # That a hook can be registered needs a program, or at least the loop of one.
    monkeypatch.setattr(pulumi.resource_hooks, "register_resource_hook", lambda hook: None)
    monkeypatch.setattr(pulumi, "Stash", lambda _name, *, input, opts: made.append(opts))
    members = {"gondor": "uid-1", "riders": "uid-2"}
    identity.remember_members(members)
    (opts,) = made
    assert isinstance(opts.hooks, pulumi.ResourceHookBinding)
    (hook,) = opts.hooks.before_update or []
    assert isinstance(hook, pulumi.ResourceHook)
    assert hook.opts
    assert hook.opts.on_dry_run
    args = pulumi.ResourceHookArgs("", "", "", "pulumi:index:Stash", new_inputs={"input": members}, old_inputs=known)
    hook.callback(args)
