"""The first preview of a member's cluster DNS, when nobody knows the name servers yet: the real `pulumi` tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kube_api import ApiServer
from tests.programs.projects import make
from tests.programs.test_provider import PLUGIN, ROOT, changed, pulumis
from tests.unit.test_cluster_dns import COREFILE, props, put

pytestmark = pytest.mark.programs

JOINING = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import pulumi
from federation.dns.cluster_dns import ClusterDns, ClusterDnsArgs
from federation.parts import our_provider, pki
options = pulumi.ResourceOptions(provider=our_provider.provider(()))
# Like the load balancer's, it is known only once something has been made.
address = pki.PrivateKey("balancer", options).public_key_pem.apply(lambda _: ["192.0.2.1"])
kubeconfig = pulumi.Config().require_secret("kubeconfig")
place = {{"member": "gondor", "federation": "fellowship", "region": "middle-earth", "zones": []}}
ClusterDns(
    "gondor-cluster-dns",
    ClusterDnsArgs(kubeconfig=kubeconfig, zone="example.com", servers=address, **place),
    options,
)
"""


@pytest.mark.needs("pulumi")
def test_the_first_preview_tells_what_is_in_the_way_of_the_zone(tmp_path: Path) -> None:
    member, taken = ApiServer(), "\nexample.com {\n}\n"
    try:
        project = make(tmp_path, JOINING, PLUGIN)
        pulumis(project, "config", "set", "--secret", "kubeconfig", "--", props(member)["kubeconfig"])
        put(member, {"coredns": {"Corefile": COREFILE + taken}})
        done = project.pulumi("preview")
        assert done.returncode != 0
        assert "ConfigMap kube-system/coredns: line 5: example.com:53 has a server block already" in done.stdout
        put(member, {"coredns": {"Corefile": COREFILE}})
        assert changed(project).keys() >= {"balancer", "gondor-cluster-dns"}
    finally:
        member.stop()
