"""The federation's server blocks: put in, taken out, refused; and what CoreDNS itself makes of them."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lab.fleet.waiting import wait_until
from lab.toolbox import tool
from provider.cluster_dns import corefile
from provider.cluster_dns.lookup import Lookup
from provider.cluster_dns.server_blocks import CorefileError, parse
from tests import strategies
from tests.programs.zone_lab import free_port

pytestmark = pytest.mark.unit

LOOKUP = Lookup("fellowship", "example.com", ("10.90.0.5",), "Middle-Earth", ("minas-tirith", "osgiliath"))
KUBEADM = """\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    reload
}
"""
AKS = KUBEADM.replace("    reload\n", "    reload\n    import custom/*.override\n") + "import custom/*.server\n"
GARDENER = KUBEADM.replace(".:53", ".:8053") + "import custom/*.server\n"
SNIPPET = "(base) {\n    errors\n    kubernetes cluster.local\n}\n. {\n    import base\n}\n"
QUOTED = '"." { # "all"\n    kubernetes cluster.local {\n        labels "app in (a, b)"\n    }\n    log "} #"\n}\n'
GOOD = [KUBEADM, KUBEADM.replace("\n", "\r\n"), KUBEADM.rstrip(), AKS, GARDENER, SNIPPET, QUOTED, "\ufeff" + KUBEADM]

federations = strategies.labels(20)
texts = st.one_of(
    st.text(),
    st.lists(st.sampled_from([*KUBEADM.splitlines(), "", "\r", "\r\n", "# END", " # BEGIN federation a"])).map(
        "\n".join
    ),
    st.sampled_from(GOOD),
)


def zone(name: str, plugins: str, port: int = 53) -> str:
    return f"{name}:{port} {{\n    {plugins}\n}}\n"


@given(texts, federations, st.sampled_from(["x {\n}\n", ""]))
@example("a", "f", "x {\n}\n")
@example("a\r", "f", "x {\n}\n")
def test_taking_out_gives_back_every_byte(text: str, federation: str, blocks: str) -> None:
    added = corefile.with_part(text, federation, blocks)
    assert added != text
    assert corefile.without_part(added, federation) == text
    assert corefile.with_part(added, federation, blocks) == added
    assert corefile.without_part(text, federation) == text


@given(texts, st.lists(federations, min_size=1, max_size=4, unique=True), st.randoms())
def test_federations_leave_in_any_order(text: str, names: list[str], random: object) -> None:
    added = text
    for name in names:
        added = corefile.with_part(added, name, f"{name} {{\n}}\n")
    leaving = list(names)
    random.shuffle(leaving)  # type: ignore[attr-defined]
    for name in leaving:
        assert f"{name} {{\n}}\n" in added
        added = corefile.without_part(added, name)
    assert added == text


@given(texts, texts, federations)
def test_new_blocks_take_the_place_of_the_old_and_what_the_user_adds_stays(text: str, more: str, name: str) -> None:
    added = corefile.with_part(text, name, "old {\n}\n") + f"\n{more}"
    changed = corefile.with_part(added, name, "new {\n}\n")
    assert changed == added.replace("old {\n}\n", "new {\n}\n")
    assert corefile.without_part(changed, name) == corefile.without_part(added, name)


@pytest.mark.parametrize("text", GOOD)
@pytest.mark.parametrize("servers", [(), ("10.90.0.5", "2001:db8::5")])
def test_a_corefile_stays_readable(text: str, servers: tuple[str, ...]) -> None:
    lookup = Lookup("fellowship", "example.com", servers, "r", ())
    assert corefile.problems(text, lookup) == []
    added = corefile.with_part(text, "fellowship", corefile.blocks(text, lookup))
    assert [block for block in parse(added).blocks if block.line <= text.count("\n") + 1] == list(parse(text).blocks)
    assert len(parse(added).blocks) == len(parse(text).blocks) + 2
    assert corefile.problems(added, lookup) == []
    assert corefile.blocks(added, lookup) == corefile.blocks(text, lookup)


def test_the_blocks_are_on_the_port_and_with_the_api_of_the_cluster() -> None:
    text = GARDENER.replace("pods insecure", 'kubeconfig /etc/kc\n       labels "app in (a, b)"')
    short, tree = parse(corefile.blocks(text, LOOKUP)).blocks
    assert short.endpoints() == [("fellowship", "8053")]
    assert tree.endpoints() == [("example.com", "8053"), ("_local.fellowship", "8053")]
    options = next(plugin.options for plugin in short.plugins if plugin.words[0] == "kubernetes")
    assert options == (
        ("kubeconfig", "/etc/kc"),
        ("labels", "app in (a, b)"),
        ("ignore", "empty_service"),
        ("fallthrough",),
    )
    assert tree.plugins[-1].words == ("forward", ".", "10.90.0.5:53")


def test_without_name_servers_the_zone_is_left_to_the_root() -> None:
    lookup = Lookup("fellowship", "example.com", (), "r", ())
    _, tree = parse(corefile.blocks(KUBEADM, lookup)).blocks
    assert tree.endpoints() == [("_local.fellowship", "53")]
    assert tree.plugins[-1].words == ("forward", ".", "127.0.0.1:53")
    assert corefile.problems(KUBEADM + zone("example.com", "forward . 1.2.3.4"), lookup) == []


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (
            ("Middle-Earth", ("minas-tirith", "osgiliath")),
            "web.default.fellowship.svc.minas-tirith.middle-earth.example.com",
        ),
        (("middle-earth", ()), "web.default.fellowship.svc.middle-earth.example.com"),
        (("middle-earth", ("a", "b_c")), "web.default.fellowship.svc.example.com"),
        (("middle.earth", ()), "web.default.fellowship.svc.example.com"),
    ],
)
def test_the_nearest_name_is_the_one_that_the_controller_publishes(
    place: tuple[str, tuple[str, ...]], name: str
) -> None:
    assert Lookup("fellowship", "example.com", (), *place).nearest("web", "default") == name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (KUBEADM + zone("example.com", "forward . 1.2.3.4"), "line 18: example.com:53 has a server block already"),
        (
            KUBEADM + "example.org. EXAMPLE.com. {\n    whoami\n}\n",
            "line 18: example.com:53 has a server block already",
        ),
        (KUBEADM + zone("dns://fellowship", "whoami"), "line 18: fellowship:53 has a server block already"),
        (KUBEADM + zone("_local.fellowship", "whoami"), "line 18: _local.fellowship:53 has a server block already"),
        (KUBEADM.replace("errors", "hosts db.example.com"), "line 2: hosts db.example.com would be hidden"),
        (
            KUBEADM.replace("errors", "hosts {\n        10.0.0.9 db.example.com\n    }"),
            "line 2: hosts db.example.com would be hidden",
        ),
        (KUBEADM.replace("cluster.local", "k8s.example.com"), "line 7: kubernetes k8s.example.com would be hidden"),
        (KUBEADM.replace("cluster.local", "fellowship"), "line 7: kubernetes fellowship would be hidden"),
        (KUBEADM.replace("errors", "bind 10.0.0.1"), "line 2: bind keeps the server from 127.0.0.1"),
        (KUBEADM.replace("kubernetes", "k8s_api"), "line 1: no server block has the plugin kubernetes"),
        (KUBEADM.replace(".:53", "tls://.:53"), "line 1: no server block has the plugin kubernetes"),
        ("", "line 1: no server block has the plugin kubernetes"),
        (KUBEADM.rstrip("}\n"), "line 1: the brace that opens here is not closed"),
        (KUBEADM.replace("       ttl 30\n    }", ""), "line 1: the brace that opens here is not closed"),
        (KUBEADM + "}\n", "line 18: the server block of } has no braces"),
        (".:53\nerrors\nkubernetes cluster.local\n", "line 1: the server block of .:53 has no braces"),
        (". { errors }\n", "line 1: a brace closes that was not opened"),
        (KUBEADM + '"\n', "line 18: the quote that opens here is not closed"),
        (KUBEADM + "import", "line 18: import names no file"),
        (KUBEADM + "{\n}\n", "line 18: a server block has no zone"),
        (KUBEADM.replace(".:53", ".:"), "line 1: .: has no port behind its last colon"),
        (KUBEADM.replace(".:53", "::/64 ."), "line 1: ::/64 begins with a zero"),
        (KUBEADM.replace(".:53", "{$ADDRESS}"), "line 1: {$ADDRESS} may get its port from the environment"),
        (KUBEADM + zone("{$ZONE}", "whoami"), "line 18: {$zone}:53 may be fellowship:53, by an environment variable"),
        (KUBEADM + zone("example.{$TOP}", "whoami"), "line 18: example.{$top}:53 may be example.com:53"),
        (
            KUBEADM.replace(":53", ":{$PORT}") + zone("example.com", "whoami"),
            "line 18: example.com:53 may be example.com:{$PORT}, by an environment variable",
        ),
        (KUBEADM + "example.com:{$PORT} {\n}\n", "line 18: example.com:{$PORT} may be example.com:53"),
        (KUBEADM.replace(".:53", ".,"), "line 1: after the comma of ., another zone is missing"),
        (KUBEADM + '"" {\n}\n', "line 18: a server block has no zone"),
        (KUBEADM + "import a b\n", "line 18: import names more than one file"),
        (KUBEADM + "(a) {\n}\nimport a\n", "line 20: a snippet with whole server blocks is not understood"),
        ("# BEGIN federation fellowship\n" + KUBEADM, "line 1: '# BEGIN federation fellowship' lacks its counterpart"),
        (KUBEADM + "# END federation other\n", "line 18: '# END federation other' lacks its counterpart"),
        (
            corefile.with_part(KUBEADM, "other", zone("example.com", "whoami")),
            "line 19: example.com:53 has a server block",
        ),
    ],
)
def test_what_would_break_or_hide_something_is_told_with_its_line(text: str, problem: str) -> None:
    found = corefile.problems(text, LOOKUP)
    assert len(found) == 1
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    "more",
    [
        zone("example.com", "whoami", 54),
        zone("tls://example.com", "whoami"),
        zone("example.org", "whoami"),
        zone("com", "whoami"),
        zone("example.com:54 example.org", "whoami"),
    ],
)
def test_what_is_served_elsewhere_is_no_obstacle(more: str) -> None:
    assert corefile.problems(KUBEADM + more, LOOKUP) == []


@pytest.mark.parametrize(
    ("key", "endpoints"),
    [
        (".:53", [("", "53")]),
        (".", [("", "53")]),
        ("cluster.local:1053", [("cluster.local", "1053")]),
        ("Cluster.Local.:0053", [("cluster.local", "53")]),
        ("dns://example.org:54", [("example.org", "54")]),
        ("tls://example.org", []),
        ("https://example.org:443", []),
        ("grpc://.:9000", []),
        ("fd00:10:96::/112", [(f"{'0.' * 16}6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa", "53")]),
        ("fd00:10:96::/112:54", [(f"{'0.' * 16}6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa", "54")]),
        ("2001:db8::/31", [("8.b.d.0.1.0.0.2.ip6.arpa", "53"), ("9.b.d.0.1.0.0.2.ip6.arpa", "53")]),
        ("10.96.0.0/16:54", [("96.10.in-addr.arpa", "54")]),
        ("10.0.0.0/15", [("0.10.in-addr.arpa", "53"), ("1.10.in-addr.arpa", "53")]),
        ("10.96.3.7/24", [("3.96.10.in-addr.arpa", "53")]),
        ("0.0.0.0/0", [("in-addr.arpa", "53")]),
        ("10.96.0.0/255.255.0.0", [("10.96.0.0/255.255.0.0", "53")]),
        ("[::1]:54", [("[::1]", "54")]),
        ("example.org:dns", [("example.org:dns", "53")]),
        (".:{$PORT}", [("", "{$PORT}")]),
        (".:{%PORT%}", [("", "{%PORT%}")]),
        ("{$ZONE}.org:54", [("{$zone}.org", "54")]),
        ("{$ZONE}.org", [("{$zone}.org", "53")]),
    ],
)
def test_a_key_is_split_as_coredns_splits_it(key: str, endpoints: list[tuple[str, str]]) -> None:
    (block,) = parse(f"{key} {{\n}}\n").blocks
    assert block.endpoints() == endpoints


def test_a_port_from_the_environment_is_ours_too() -> None:
    text = KUBEADM.replace(".:53", ".:{$PORT}")
    assert corefile.problems(text, LOOKUP) == []
    short, tree = parse(corefile.blocks(text, LOOKUP)).blocks
    assert short.endpoints() == [("fellowship", "{$PORT}")]
    assert short.plugins[-1].words == ("forward", "_local.fellowship", "127.0.0.1:{$PORT}")
    assert tree.endpoints() == [("example.com", "{$PORT}"), ("_local.fellowship", "{$PORT}")]
    assert corefile.problems(corefile.with_part(text, "fellowship", corefile.blocks(text, LOOKUP)), LOOKUP) == []


def test_imported_files_are_looked_at_too() -> None:
    imported = {"a.server": zone("example.com", "whoami"), "b.server": "x {", "c.server": zone("example.org", "whoami")}
    assert corefile.problems(AKS, LOOKUP, imported) == [
        "a.server line 1: example.com:53 has a server block already",
        "b.server line 1: the brace that opens here is not closed",
    ]


def test_where_server_blocks_are_imported_from_and_whether_changes_are_seen() -> None:
    assert [corefile.imports_custom(text) for text in (KUBEADM, AKS, GARDENER)] == [False, True, True]
    assert corefile.imports_custom(KUBEADM + "import /etc/coredns/custom/*.server\n")
    assert not corefile.imports_custom(KUBEADM + "import ../zones/*.conf\n")
    assert corefile.reloads(KUBEADM)
    assert not corefile.reloads(KUBEADM.replace("    reload\n", ""))


@given(
    st.lists(st.sampled_from(["{", "}", "a", "b,", '"', '"q"', "#", "\n", " ", "import", "kubernetes"])).map(" ".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except CorefileError:
        return
    assert all(block.keys for block in found.blocks)
    assume(corefile.problems(text, LOOKUP) == [])
    parse(corefile.with_part(text, "fellowship", corefile.blocks(text, LOOKUP)))


@pytest.mark.programs
@pytest.mark.needs("coredns")
@pytest.mark.parametrize(
    "text",
    [
        "PLACE, {\n    errors\n}\n",
        "import a b\n",
        "PLACE {\n    errors\n",
        "PLACE { errors }\n",
        "import",
    ],
)
def test_coredns_refuses_what_is_refused_here(text: str, tmp_path: Path) -> None:
    with pytest.raises(CorefileError):
        parse(text)
    (tmp_path / "Corefile").write_text(text.replace("PLACE", f".:{free_port()}"))
    command = [str(tool("coredns")), "-conf", str(tmp_path / "Corefile")]
    refused = subprocess.run(command, check=False, timeout=20, capture_output=True, text=True)
    assert refused.returncode == 1, refused.stdout


@pytest.mark.programs
@pytest.mark.needs("coredns")
@pytest.mark.parametrize("own_servers", [False, True])
def test_coredns_answers_from_the_cluster_first_then_from_the_tree(own_servers: bool, tmp_path: Path) -> None:
    (tmp_path / "db").write_text(
        "$ORIGIN example.com.\n@ 30 SOA ns hostmaster 1 2 3 4 30\n"
        "empty.default.fellowship.svc.minas-tirith.middle-earth 30 CNAME empty.default.fellowship.svc.middle-earth\n"
        "empty.default.fellowship.svc.middle-earth 30 CNAME empty.default.fellowship.svc\n"
        "empty.default.fellowship.svc 30 A 203.0.113.7\n"
        "remote.default.fellowship.svc.minas-tirith.middle-earth 30 A 203.0.113.8\n"
    )
    with kubernetes_api({"web": True, "empty": False}) as api:
        port, tree = free_port(), free_port()
        root = "errors" if own_servers else f"forward . 127.0.0.1:{tree}"
        text = f".:{port} {{\n    {root}\n    kubernetes cluster.local {{\n        endpoint {api}\n    }}\n}}\n"
        text += zone("example.com", f"file {tmp_path}/db", tree)
        lookup = Lookup(
            "fellowship", "example.com", ("127.0.0.1",) if own_servers else (), "middle-earth", ("minas-tirith",)
        )
        assert corefile.problems(text, lookup) == []
        ours = corefile.blocks(text, lookup).replace(" 127.0.0.1:53\n", f" 127.0.0.1:{tree}\n")
        (tmp_path / "Corefile").write_text(corefile.with_part(text, "fellowship", ours))
        with coredns(tmp_path / "Corefile", port) as ask:
            assert ask("web.default.fellowship", "A") == ["10.96.0.50"]
            assert ask("web.default.fellowship", "AAAA") == []
            assert ask("empty.default.fellowship", "A") == [
                "empty.default.fellowship.svc.middle-earth.example.com.",
                "empty.default.fellowship.svc.example.com.",
                "203.0.113.7",
            ]
            assert not any(":" in answer for answer in ask("empty.default.fellowship", "AAAA"))
            assert ask("remote.default.fellowship", "A") == ["203.0.113.8"]
            assert ask("remote.default.fellowship", "AAAA") == []
            assert ask("nowhere.default.fellowship", "A") == ["NXDOMAIN"]
            assert ask("more.labels.than.two.fellowship", "A") == ["NXDOMAIN"]
            assert ask("fellowship", "A") == []
            assert ask("remote.default.fellowship.svc.minas-tirith.middle-earth.example.com", "A") == ["203.0.113.8"]
            assert ask("empty.default.svc.cluster.local", "A") == ["10.96.0.50"]


@contextmanager
def kubernetes_api(services: dict[str, bool]) -> Iterator[str]:
    """The URL of an API with these Services in namespace default, and whether each has a ready endpoint."""
    meta: dict[str, Any] = {"namespace": "default", "resourceVersion": "1"}
    lists: dict[str, list[dict[str, Any]]] = {
        "namespaces": [{"metadata": {"name": "default", "resourceVersion": "1"}}],
        "services": [
            {"metadata": {**meta, "name": name}, "spec": {"clusterIP": "10.96.0.50", "clusterIPs": ["10.96.0.50"]}}
            for name in services
        ],
        "endpointslices": [
            {
                "metadata": {**meta, "name": name, "labels": {"kubernetes.io/service-name": name}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.244.0.9"], "conditions": {"ready": ready}}],
                "ports": [{"port": 80}],
            }
            for name, ready in services.items()
        ],
    }
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            url = urlsplit(self.path)
            if "watch" in url.query:
                done.wait(60)
            else:
                items = lists[url.path.rpartition("/")[2]]
                self.wfile.write(json.dumps({"metadata": {"resourceVersion": "1"}, "items": items}).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            done.set()
            server.shutdown()


@contextmanager
def coredns(path: Path, port: int) -> Iterator[Callable[[str, str], list[str]]]:
    """A function that asks a running CoreDNS for the records of a name and type, in the order of the answer."""
    with subprocess.Popen(
        [tool("coredns"), "-conf", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as server:

        def ask(name: str, record: str, timeout: float = 5) -> list[str]:
            answer = dns.query.udp(dns.message.make_query(name, record), "127.0.0.1", port=port, timeout=timeout)
            if answer.rcode():
                return [dns.rcode.to_text(answer.rcode())]
            assert not answer.answer or str(answer.answer[0].name) == f"{name}."
            return [str(each) for records in answer.answer for each in records]

        def up() -> bool:
            try:
                return server.poll() is not None or ask("web.default.svc.cluster.local", "A", 0.1) == ["10.96.0.50"]
            except (OSError, dns.exception.Timeout):
                return False

        try:
            wait_until("CoreDNS to answer for the cluster's Services, or to end", up, 20)
            assert server.poll() is None, f"CoreDNS has ended: {server.stdout and server.stdout.read()!r}"
            yield ask
        finally:
            server.terminate()
