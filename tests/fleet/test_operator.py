"""The rights that docs/access.md gives to who runs `pulumi up` are enough, with one cluster as host and member."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from federation.settings.kubeconfig import dump, load, pick
from lab.federation import UNATTENDED
from lab.fleet.private import write_private
from lab.fleet.waiting import wait_until
from lab.stack import Stack
from tests.documented import manifests
from tests.figures import Figures
from tests.fleet.conftest import ENGINE, HOST, Clusters, everywhere, timed_pulumi

RIGHTS = manifests("access.md", "Rights of the operator", __file__)
USER = "pulumi@example.com"
CONFIGURATION = {
    "pulumi:disable-default-providers": ["*"],
    "federation:name": "moria",
    "federation:engine": ENGINE,
    "federation:host": {"context": HOST, "namespace": "moria-system"},
    "federation:dns": {"zone": "moria.test", "ttl": 1, "coredns": {"replicas": 1}},
    "federation:members": [{"name": "dwarrowdelf", "context": HOST, "region": "misty-mountains"}],
}


@pytest.fixture(scope="module")
def operated(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of a federation of which nothing is there yet, run by who has these rights and no others."""
    assert clusters.run(HOST, "apply", "-f", "-", stdin=RIGHTS).returncode == 0
    folder = tmp_path_factory.mktemp("operator")
    config = pick(load([clusters.kubeconfig]), HOST)
    (user,) = config["users"]
    user["user"]["as"] = USER
    write_private(folder / "kubeconfig", dump(config).encode())
    stack = Stack("operated", folder / "stack", folder / "kubeconfig")
    stack.prepare(yaml.safe_dump({"config": {**CONFIGURATION, "federation:kubeconfig": str(stack.kubeconfig)}}))
    yield stack
    timed_pulumi(stack, "destroy", "--yes", "--skip-preview")
    clusters.run(HOST, "delete", "-f", "-", stdin=RIGHTS)


def test_he_brings_a_federation_up_whose_host_is_its_member(
    operated: Stack, clusters: Clusters, tmp_path: Path, figures: Figures
) -> None:
    assert clusters.run(HOST, "auth", "can-i", "create", "pods", f"--as={USER}", check=False).returncode != 0
    code, log, seconds = timed_pulumi(operated, "up", *UNATTENDED)
    assert code == 0, log[-8000:]
    figures.add("pulumi up by an operator of few rights, the host a member", seconds)
    write_private(tmp_path / "moria", everywhere(operated).encode())
    Clusters(tmp_path / "moria").kubectl("moria", "create", "configmap", "mithril")
    wait_until("it in the host", partial(clusters.exists, HOST, "configmap", "mithril"), 30)


def test_he_sees_no_drift_and_takes_it_down(operated: Stack, clusters: Clusters) -> None:
    code, log, _ = timed_pulumi(operated, "preview", "--refresh", "--expect-no-changes")
    assert code == 0, log
    code, log, _ = timed_pulumi(operated, "destroy", "--yes", "--skip-preview")
    assert code == 0, log[-8000:]
    assert not clusters.exists(HOST, "namespace", "moria-system")
    assert not clusters.exists(HOST, "clusterrole,clusterrolebinding,namespace", "-l", "federation/name=moria")
    assert not clusters.exists(HOST, "configmap", "mithril")
