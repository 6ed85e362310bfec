"""Corefiles as people have them, with the federation's part: a real CoreDNS loads them, and the names are found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.fleet.waiting import wait_until
from lab.toolbox import tool
from provider.cluster_dns import config_maps, corefile, server_blocks
from provider.cluster_dns.config_maps import COREDNS, COREFILE, CUSTOM
from provider.cluster_dns.lookup import Lookup
from provider.cluster_dns.server_blocks import VARIABLE, parse
from tests.programs.zone_lab import Server, free_port, process
from tests.unit.test_corefile import kubernetes_api

pytestmark = pytest.mark.programs

LOOKUP = Lookup("fellowship", "example.com", ("10.90.0.5",), "middle-earth", ("minas-tirith",))
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
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""
K3S = """\
.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    hosts NODE_HOSTS {
      ttl 60
      reload 15s
      fallthrough
    }
    prometheus :9153
    cache 30
    loop
    reload
    loadbalance
    import custom/*.override
    forward . /etc/resolv.conf
}
import custom/*.server
"""
RKE2 = """\
.:53 {
    errors
    health  {
        lameduck 10s
    }
    ready
    kubernetes   cluster.local  cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus   0.0.0.0:9153
    forward   . /etc/resolv.conf
    cache   30
    loop
    reload
    loadbalance
}"""
SPLIT = """\
cluster.local:53 {
    errors
    kubernetes {
        pods insecure
    }
    reload
}
.:53 {
    forward . /etc/resolv.conf
}
"""
HEADS = {
    "no port": ".",
    "a service range of IPv6": "fd00:10:96::/112 cluster.local .",
    "a service range of IPv6 with its port": "fd00:10:96::/112:53 cluster.local:53 .:53",
    "a service range of IPv4": "10.96.0.0/12 cluster.local .",
    "a service range of IPv4 on no octet, with its port": "10.96.0.0/12:53 .:53",
    "a range within a nibble": "2001:db8:1::/46 .:53",
    "reverse zones by name": "cluster.local in-addr.arpa ip6.arpa .",
    "commas": "cluster.local:53, in-addr.arpa:53, .:53",
    "commas and lines": "cluster.local,\nin-addr.arpa,\n.",
    "a scheme": "dns://.:53",
    "a scheme without port": "dns://.",
    "quotes": '"cluster.local" "." ""',
    "capitals and dots": "Cluster.Local. .:53",
    "a port with zeros": ".:0053",
    "a port from the environment": ".:{$DNS_PORT}",
    "a port in the way of Windows": ".:{%DNS_PORT%}",
    "a zone from the environment": "{$CLUSTER_DOMAIN}.local:53 .:53",
}
CASES = {
    "kubeadm": KUBEADM,
    "k3s": K3S,
    "RKE2": RKE2,
    "a block for the cluster and one for the rest": SPLIT,
    "the rest first": SPLIT[SPLIT.index(".:53") :] + SPLIT[: SPLIT.index(".:53")],
    "lines of Windows": KUBEADM.replace("\n", "\r\n"),
    "a mark of byte order": "\ufeff" + KUBEADM,
    "tabs": KUBEADM.replace("    ", "\t"),
    "comments": "# our DNS: see {wiki}\n" + KUBEADM.replace("errors", "errors # all } of them"),
    "a plugin in quotes": KUBEADM.replace("    errors", '    log . "{remote} \\"{name}\\" # {rcode}"'),
    "upstreams from the environment": KUBEADM.replace("/etc/resolv.conf", "{$UPSTREAM}"),
    "a domain from the environment": KUBEADM.replace("kubernetes cluster.local", "kubernetes {$CLUSTER_DOMAIN}.local"),
    "labels": KUBEADM.replace("ttl 30", 'labels "app in (a, b)"'),
    "a zone of a company": KUBEADM + "corp.internal:53 {\n    errors\n    forward . 10.0.0.10\n}\n",
    "zones of a company": KUBEADM + "corp.internal,lab.internal {\n    forward . 10.0.0.10\n}\n",
    "a reverse zone of a company": KUBEADM + "192.168.0.0/16 fd00:1::/32 {\n    forward . 10.0.0.10\n}\n",
    "its zone on another port": KUBEADM + "example.com:OTHER {\n    forward . 10.0.0.10\n}\n",
    "DNS over TLS beside it": KUBEADM + "tls://.:OTHER {\n    forward . 10.0.0.10\n}\n",
    "DNS over HTTPS beside it": KUBEADM + "https://.:OTHER {\n    forward . 10.0.0.10\n}\n",
    "DNS over gRPC beside it": KUBEADM + "grpc://.:OTHER {\n    forward . 10.0.0.10\n}\n",
    "a zone above ours": KUBEADM + "com:53 {\n    forward . 10.0.0.10\n}\n",
    "a snippet": "(base) {\n    errors\n}\n" + KUBEADM.replace("    errors", "    import base"),
    "imports that find nothing": KUBEADM + "import ../zones/*.conf\n",
    "names of hosts": KUBEADM.replace(
        "    ready", "    hosts {\n        10.0.0.9 db.corp.internal\n        fallthrough\n    }"
    ),
    "rewrites": KUBEADM.replace("    ready", "    rewrite name regex (.*)\\.old\\.$ {1}.corp.internal. answer auto"),
    **{f"keys with {name}": KUBEADM.replace(".:53", head, 1) for name, head in HEADS.items()},
}
IMPORTED = {"corp.server": "corp.internal:53 {\n    errors\n    forward . 10.0.0.10\n}\n", "log.override": "log\n"}
ZONE_ADDRESS, OTHER_ADDRESS = "203.0.113.8", "203.0.113.9"


@dataclass
class World:
    """What CoreDNS of a member finds around itself."""

    api: str
    upstream: int


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder, port = tmp_path_factory.mktemp("upstream"), free_port()
    zones = {"example.com": ZONE_ADDRESS, "example.org": OTHER_ADDRESS, "corp.internal": OTHER_ADDRESS}
    template = '{0}:{1} {{\n    template IN A {0} {{\n        answer "{{{{ .Name }}}} 30 IN A {2}"\n    }}\n}}\n'
    (folder / COREFILE).write_text("".join(template.format(zone, port, ip) for zone, ip in zones.items()))
    with (
        kubernetes_api({"web": True}) as api,
        process([tool("coredns"), "-conf", folder / COREFILE], folder / "log") as upstream,
    ):
        wait_until("the upstream to have started", lambda: "CoreDNS-" in (folder / "log").read_text(), 30)
        yield World(api, port)
        assert upstream.poll() is None


def here(text: str, world: World, port: int, folder: Path) -> str:
    """The Corefile with ports of its own, and with the API and the servers of this machine."""
    text = re.sub(r":0*53\b", f":{port}", text).replace(":OTHER", f":{free_port()}")
    text = re.sub(r"/etc/resolv\.conf|10\.0\.0\.10\b", f"127.0.0.1:{world.upstream}", text)
    text = re.sub(r"(?m)^\s*kubernetes .*\{\s*?$", rf"\g<0>\n        endpoint {world.api}", text)
    text = re.sub(r"prometheus +\S*:9153", "prometheus 127.0.0.1:0", text)
    text = re.sub(r"(?m)^(\s+)(health|ready)\b", r"\1\2 127.0.0.1:0", text)
    return text.replace("NODE_HOSTS", str(folder / "hosts"))


@pytest.mark.needs("coredns")
@pytest.mark.parametrize("text", CASES.values(), ids=list(CASES))
def test_coredns_takes_what_we_add_and_finds_the_names(
    text: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(free_port())
    monkeypatch.setattr(server_blocks, "DEFAULT_PORT", str(server.port))
    own = here(text, world, server.port, tmp_path)
    imported = {name: here(each, world, server.port, tmp_path) for name, each in IMPORTED.items()}
    joined = config_maps.joined({COREDNS: {COREFILE: own}, CUSTOM: imported}, LOOKUP, None)
    (tmp_path / "hosts").touch()
    (tmp_path / "custom").mkdir()
    texts = {COREFILE: joined[COREDNS][COREFILE], **{f"custom/{name}": each for name, each in joined[CUSTOM].items()}}
    for name, each in texts.items():
        (tmp_path / name).write_text(each.replace("10.90.0.5:53", f"127.0.0.1:{world.upstream}"), newline="")

    upstream = f"127.0.0.1:{world.upstream}"
    environment = {"DNS_PORT": str(server.port), "UPSTREAM": upstream, "CLUSTER_DOMAIN": "cluster"}
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    log = tmp_path / "log"
    with process([tool("coredns"), f"-dns.port={server.port}", "-conf", tmp_path / COREFILE], log) as coredns:

        def started() -> bool:
            assert coredns.poll() is None, log.read_text()[-2000:]
            return "CoreDNS-" in log.read_text()

        wait_until("CoreDNS to have started", started, 30)
        assert server.found("web.default.svc.cluster.local") == ["10.96.0.50"]
        assert server.found("web.default.fellowship") == ["10.96.0.50"]
        assert server.found("remote.default.fellowship") == [ZONE_ADDRESS]
        assert server.found("api.fellowship.example.com") == [ZONE_ADDRESS]
        assert server.found("www.example.org") == [OTHER_ADDRESS]
    # CoreDNS says what it serves, one zone a line, by its own reading of the keys.
    served = {line.lower() for line in log.read_text().splitlines() if re.fullmatch(r"[^\s/]+:[0-9]+", line)}
    read = [name for name in texts if name == COREFILE or (name.endswith(".server") and corefile.imports_custom(own))]
    endpoints = [each for name in read for block in parse(texts[name]).blocks for each in block.endpoints()]
    told = {
        VARIABLE.sub(lambda found: environment[found[0][2:-1].strip("%").upper()], f"{zone}.:{port}")
        for zone, port in endpoints
    }
    assert served == told


@pytest.mark.needs("coredns")
@pytest.mark.parametrize(
    ("first", "second"),
    [("example.com", "example.org"), ("example.com", "new.example.com"), ("old.example.com", "example.com")],
)
def test_of_two_federations_each_is_asked_for_its_own_zone(
    first: str, second: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zone below the other's, too, whichever was there before: CoreDNS goes by the longest."""
    server, log = Server(free_port()), tmp_path / "log"
    monkeypatch.setattr(server_blocks, "DEFAULT_PORT", str(server.port))
    text, served = here(KUBEADM, world, server.port, tmp_path), ""
    zones = {"old": (first, "10.90.0.5", ZONE_ADDRESS), "new": (second, "10.90.0.6", OTHER_ADDRESS)}
    for federation, (zone, address, _) in zones.items():
        lookup = Lookup(federation, zone, (address,), "middle-earth", ())
        text = config_maps.joined({COREDNS: {COREFILE: text}}, lookup, None)[COREDNS][COREFILE]
    for _, address, answer in zones.values():
        # The federation's name servers: they say the same whatever they are asked.
        port = free_port()
        text = text.replace(f"{address}:53", f"127.0.0.1:{port}")
        served += (
            f'.:{port} {{\n    template IN A . {{\n        answer "{{{{ .Name }}}} 30 IN A {answer}"\n    }}\n}}\n'
        )
    (tmp_path / COREFILE).write_text(text + served)
    with process([tool("coredns"), f"-dns.port={server.port}", "-conf", tmp_path / COREFILE], log) as coredns:

        def started() -> bool:
            assert coredns.poll() is None, log.read_text()[-2000:]
            return "CoreDNS-" in log.read_text()

        wait_until("CoreDNS to have started", started, 30)
        for federation, (zone, _, answer) in zones.items():
            assert server.found(f"web.shop.{federation}.svc.{zone}") == [answer]
            assert server.found(f"web.shop.{federation}") == [answer]
