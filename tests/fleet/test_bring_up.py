"""From nothing to a Ready federation, and that a second run finds nothing to do."""

from __future__ import annotations

import base64

import pytest
import yaml

from tests.documented import Shell, commands
from tests.figures import Figures
from tests.fleet.conftest import HOST, MEMBERS, Clusters, Federation

KEY_HEADERS = ("PRIVATE KEY", base64.b64encode(b"-----BEGIN EC PRIVATE").decode()[:24])


def test_both_members_are_ready(federation: Federation) -> None:
    clusters = federation.clusters.get("fellowship", "clusters")["items"]
    ready = {
        cluster["metadata"]["name"]: condition["status"]
        for cluster in clusters
        for condition in cluster["status"]["conditions"]
        if condition["type"] == "Ready"
    }
    assert ready == dict.fromkeys(MEMBERS, "True")


def test_a_cluster_is_known_by_the_uid_of_its_kube_system(federation: Federation) -> None:
    for name, context in MEMBERS.items():
        uid = federation.clusters.get(context, "namespace", "kube-system")["metadata"]["uid"]
        assert federation.clusters.get("fellowship", "cluster", name)["spec"]["id"] == uid


def test_a_second_up_changes_nothing(federation: Federation, figures: Figures) -> None:
    code, log, seconds = federation.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    figures.add("up, nothing changed", seconds)
    assert code == 0, log


def test_a_refresh_finds_no_drift(federation: Federation, figures: Figures) -> None:
    code, log, seconds = federation.pulumi("preview", "--refresh", "--expect-no-changes")
    figures.add("preview --refresh, nothing changed", seconds)
    assert code == 0, log


def test_the_kubeconfig_leads_everywhere_and_is_private(federation: Federation) -> None:
    file = federation.clusters.kubeconfig
    assert file.stat().st_mode & 0o777 == 0o600
    contexts = [context["name"] for context in yaml.safe_load(file.read_text())["contexts"]]
    assert contexts == ["fellowship", *MEMBERS.values()]
    for context in contexts:
        assert federation.clusters.kubectl(context, "get", "--raw", "/readyz") == "ok"


def test_the_kubeconfig_is_taken_as_the_page_says(shell: Shell, clusters: Clusters) -> None:
    """In a shell that knows the clusters alone. What other pages call then, it finds beside them."""
    own = Shell(shell.folder, {**shell.environment, "KUBECONFIG": str(clusters.kubeconfig)})
    others = f"kubectl --context fellowship get clusters -o name\nkubectl --context {HOST} get --raw /readyz\n"
    printed = own.run(commands("your-clusters.md", "Use it", __file__) + others).split()
    assert printed[-3:] == [*(f"cluster.cluster.karmada.io/{member}" for member in MEMBERS), "ok"]


def test_no_secret_is_readable_in_state_outputs_or_log(federation: Federation) -> None:
    encoded = federation.clusters.get(MEMBERS["gondor"], "secret", "engine", "-n", "federation-fellowship")["data"][
        "token"
    ]
    places = {
        "state": federation.stack.state(),
        "outputs": federation.stack.pulumi("stack", "output", "--stack", federation.stack.name, capture=True).stdout,
        "log of up": federation.log,
    }
    for place, text in places.items():
        for secret in (encoded, base64.b64decode(encoded).decode(), *KEY_HEADERS, "client-key-data"):
            assert secret not in text, place


@pytest.mark.needs("karmada")
def test_all_webhooks_are_there(federation: Federation) -> None:
    counts = {
        kind: len(federation.clusters.get("fellowship", f"{kind}webhookconfiguration", f"{kind}-config")["webhooks"])
        for kind in ("mutating", "validating")
    }
    assert counts == {"mutating": 8, "validating": 14}
