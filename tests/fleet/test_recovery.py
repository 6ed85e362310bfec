"""docs/recovery.md is done word for word: a snapshot is taken, the federation goes on, and twice it goes back to it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lab.federation import UNATTENDED
from lab.fleet.private import write_private
from lab.fleet.waiting import wait_until
from tests.documented import Shell, commands
from tests.figures import Figures
from tests.fleet.conftest import ENGINE, HOST, MEMBERS, SYSTEM, Clusters, Federation, everywhere
from tests.fleet.pods import Pods

pytestmark = pytest.mark.skipif(ENGINE != "builtin", reason="the page is tried with the built-in engine")
PAGE = "recovery.md"
NAMES = commands(PAGE, "The names used here", __file__)
RESTORE = NAMES + "".join(commands(PAGE, each, __file__) for each in ("Restore a snapshot", "See that all is well"))
LONG = 600
"""Seconds for all commands of a restore; a minute is usual."""
SECONDS = 60
"""From the restored API on, until the members have what they should."""


@pytest.fixture(scope="module")
def etcd_shell(shell: Shell, etcd_clients: str) -> Shell:
    """With etcd's own clients."""
    path = os.pathsep.join([etcd_clients, shell.environment["PATH"]])
    return replace(shell, environment={**shell.environment, "PATH": path})


def test_the_federation_api_goes_back_to_a_snapshot_as_the_page_says(
    federation: Federation, clusters: Clusters, etcd_shell: Shell, figures: Figures
) -> None:
    api = federation.clusters

    def value(context: str, name: str) -> str:
        found = ("get", "configmap", name, "-o", "jsonpath={.data.key}", "--ignore-not-found")
        return api.kubectl(context, *found, check=False)

    def version() -> int:
        found = json.loads(api.kubectl("fellowship", "get", "--raw", "/api/v1/namespaces/default/configmaps?limit=1"))
        return int(found["metadata"]["resourceVersion"])

    def set_value(name: str, text: str) -> None:
        federation.apply(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{key: {text}}}}}")

    def reached(name: str, text: str) -> bool:
        return all(value(context, name) == text for context in MEMBERS.values())

    for name in ("kept", "changed", "deleted"):
        set_value(name, "first")
    for name in ("kept", "changed", "deleted"):
        wait_until(f"{name} in both members", partial(reached, name, "first"), SECONDS)
    start = time.monotonic()
    printed = etcd_shell.run(NAMES + commands(PAGE, "Take a snapshot", __file__))
    assert "TOTAL KEYS" in printed.upper()
    figures.add("snapshot of etcd, as docs/recovery.md says", time.monotonic() - start)

    set_value("changed", "second")
    set_value("made", "second")
    api.kubectl("fellowship", "delete", "configmap", "deleted", "--timeout=60s")
    for name, text in (("changed", "second"), ("made", "second"), ("deleted", "")):
        wait_until(f"{name} to be {text or 'gone'} in both", partial(reached, name, text), SECONDS)

    start = time.monotonic()
    etcd_shell.run(RESTORE, LONG)
    figures.add("restored from the snapshot, as docs/recovery.md says", time.monotonic() - start)
    for name in ("kept", "changed", "deleted"):
        assert value("fellowship", name) == "first"
        wait_until(f"{name} as it was, in both", partial(reached, name, "first"), SECONDS)
    assert value("fellowship", "made") == ""
    assert reached("made", "second"), "an orphan is not to be deleted"

    def told() -> bool:
        clusters_said = api.kubectl("fellowship", "get", "clusters", "-o", "jsonpath={.items[*].status.conditions}")
        return clusters_said.count("ConfigMap default/made") == len(MEMBERS)

    wait_until("both members' orphan to be told of", told, SECONDS)

    # In the same folder, by the same snapshot.
    set_value("changed", "second")
    wait_until("changed to be second in both", partial(reached, "changed", "second"), SECONDS)
    before = version()
    etcd_shell.run(RESTORE, LONG)
    wait_until("changed as it was, in both", partial(reached, "changed", "first"), SECONDS)
    assert version() > before, "who watched would hear nothing more"
    assert list(etcd_shell.folder.glob("tmp.*")) == [], "what holds every Secret is left"
    set_value("new", "third")
    wait_until("what is created now, in both", partial(reached, "new", "third"), SECONDS)
    for each in MEMBERS.values():
        api.kubectl(each, "delete", "configmap", "made")
    api.kubectl("fellowship", "delete", "configmap", "kept", "changed", "deleted", "new")
    code, log, _ = federation.pulumi("preview", "--refresh", "--expect-no-changes")
    assert code == 0, log[-4000:]


def test_the_namespace_of_the_control_plane_is_gone_and_all_comes_back(
    federation: Federation, clusters: Clusters, etcd_shell: Shell, figures: Figures
) -> None:
    api = federation.clusters
    federation.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}")
    for each in MEMBERS.values():
        wait_until(f"kept in {each}", partial(api.exists, each, "configmap", "kept"), SECONDS)
    etcd_shell.run(NAMES + commands(PAGE, "Take a snapshot", __file__))
    clusters.kubectl(HOST, "delete", "namespace", SYSTEM, f"--timeout={LONG}s")
    start = time.monotonic()

    def up(*arguments: str) -> None:
        code, log, _ = federation.pulumi("up", *arguments, *UNATTENDED)
        assert code == 0, log[-8000:]
        # The load balancer may have another address.
        write_private(api.kubeconfig, everywhere(federation.stack).encode())

    up("--refresh", "--exclude", "**:kubernetes::api*", "--exclude-dependents")
    etcd_shell.run(NAMES + commands(PAGE, "Restore a snapshot", __file__), LONG)
    up()
    up("--refresh")
    figures.add("after the Namespace was gone, all is back as docs/recovery.md says", time.monotonic() - start)
    etcd_shell.run(NAMES + commands(PAGE, "See that all is well", __file__))
    assert api.exists("fellowship", "configmap", "kept")
    api.kubectl("fellowship", "delete", "configmap", "kept")
    code, log, _ = federation.pulumi("preview", "--refresh", "--expect-no-changes")
    assert code == 0, log[-4000:]


def test_without_a_snapshot_nothing_is_stopped(clusters: Clusters, etcd_shell: Shell, tmp_path: Path) -> None:
    pods = Pods(clusters, SYSTEM)
    before = [each["metadata"]["uid"] for program in ("etcd", "federation-apiserver") for each in pods.of(program)]
    with pytest.raises(AssertionError, match=r"(?s)after it printed.*federation\.db"):
        replace(etcd_shell, folder=tmp_path).run(RESTORE)
    after = [each["metadata"]["uid"] for program in ("etcd", "federation-apiserver") for each in pods.of(program)]
    assert after == before
