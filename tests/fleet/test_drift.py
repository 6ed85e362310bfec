"""Drift, kind by kind: changed and deleted by hand, named by a preview, put back by one up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lab.federation import UNATTENDED
from lab.fleet.waiting import wait_until
from lab.stack import CHECKOUT
from lab.toolbox import tool
from operate.drift.look import AS_CONFIGURED, COULD_NOT_LOOK, DRIFT
from tests.drift_cases import API, CASES, HOST, Case, Edit
from tests.figures import Figures
from tests.fleet.conftest import EXIT_CHANGES, MEMBERS, SYSTEM, Clusters, Federation

CHANGED = {kind: case for kind, case in CASES.items() if not isinstance(case.change, str)}
DELETED = {kind: case for kind, case in CASES.items() if not case.delete}
CLUSTER = "kubernetes:cluster.karmada.io/v1alpha1:Cluster"
CLUSTER_DNS = "federation:index:ClusterDns"
CRDS = "kubernetes:apiextensions.k8s.io"


@pytest.fixture(scope="module")
def everywhere(federation: Federation, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Clusters:
    """All contexts: the host's and the members', and the federation API's."""
    both = tmp_path_factory.mktemp("drift") / "kubeconfig"
    files = f"{clusters.kubeconfig}:{federation.clusters.kubeconfig}"
    flat = subprocess.run(
        [tool("kubectl"), "config", "view", "--flatten"],
        env={"KUBECONFIG": files},
        check=True,
        text=True,
        capture_output=True,
    )
    both.touch(mode=0o600)
    both.write_text(flat.stdout)
    return Clusters(both)


def drift(federation: Federation) -> tuple[int, str]:
    """Exit code and words of `python -m operate.drift`, as a platform's own CI runs it."""
    command = [sys.executable, "-m", "operate.drift", *federation.stack.options]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=os.environ | federation.stack.environment(),
        check=False,
        text=True,
        capture_output=True,
    )
    return done.returncode, done.stdout


def as_configured(federation: Federation) -> None:
    code, said = drift(federation)
    assert (code, said) == (AS_CONFIGURED, "No drift: everything is as configured.\n")


def uids(everywhere: Clusters, cases: Mapping[str, Case]) -> Mapping[str, str]:
    found = {kind: everywhere.get(case.context, *case.object)["metadata"] for kind, case in cases.items()}
    return {kind: metadata["uid"] for kind, metadata in found.items()}


def test_what_controllers_write_is_no_drift(federation: Federation, everywhere: Clusters) -> None:
    """After all that the tests before this one did to the federation, and with what it can be told to do besides."""
    everywhere.kubectl(HOST, "rollout", "restart", "deployment/federation-dns", "-n", SYSTEM)
    everywhere.kubectl(HOST, "rollout", "status", "deployment/federation-dns", "-n", SYSTEM, "--timeout=90s")
    taint = {"key": "cluster.karmada.io/not-ready", "effect": "NoSchedule"}
    by_engine = "--field-manager=engine"
    cluster = ("cluster.cluster.karmada.io", "rohan")
    found = everywhere.get(API, *cluster)
    assert found["metadata"]["finalizers"]
    assert found["status"]["conditions"]
    everywhere.kubectl(API, "patch", *cluster, "--type=merge", by_engine, _json({"spec": {"taints": [taint]}}))
    try:
        as_configured(federation)
    finally:
        everywhere.kubectl(API, "patch", *cluster, "--type=merge", by_engine, _json({"spec": {"taints": None}}))


def test_every_kind_that_was_changed_is_named_and_put_back_in_place(
    federation: Federation, everywhere: Clusters, figures: Figures
) -> None:
    before = uids(everywhere, CHANGED)
    for case in CHANGED.values():
        # A writer that nobody knows: what it wrote is put back all the same.
        everywhere.kubectl(
            case.context, "patch", *case.object, "--type=merge", "--field-manager=by-hand", _patch(everywhere, case)
        )
    code, log, seconds = federation.pulumi("preview", "--refresh", "--expect-no-changes")
    figures.add(f"preview --refresh, {len(CHANGED)} kinds changed by hand", seconds)
    assert code == EXIT_CHANGES, log[-8000:]
    unnamed = [kind for kind, case in CHANGED.items() if f"{kind} {case.resource} update" not in log]
    assert unnamed == [], log[-8000:]

    code, said = drift(federation)
    assert code == DRIFT, said
    assert f"DRIFT: {len(CHANGED)} objects not as configured" in said, said
    for kind, case in CHANGED.items():
        name = kind.rsplit(":", 1)[-1]
        part = re.search(
            rf"^    changed  {name} .*\(Pulumi's {re.escape(case.resource)}\)\n(        .*\n)+", said, re.MULTILINE
        )
        assert part, f"{kind} is not named:\n{said}"
        for field in case.fields:
            assert f"        {field}" in part[0], said
    assert 'spec.region: "mordor", should be "middle-earth"' in said
    assert "bm9ib2R5cw" not in said

    code, log, seconds = federation.pulumi("up", "--refresh", *UNATTENDED)
    figures.add(f"up --refresh, {len(CHANGED)} kinds changed by hand", seconds)
    assert code == 0, log[-8000:]
    assert uids(everywhere, CHANGED) == before
    as_configured(federation)


def test_every_kind_that_was_deleted_is_named_and_comes_back_with_one_up(
    federation: Federation, everywhere: Clusters, figures: Figures
) -> None:
    before = uids(everywhere, DELETED)
    # The Cluster first, while the engine can still take back what it carried; kinds after the objects of theirs.
    for kind, case in sorted(DELETED.items(), key=lambda each: (each[0] != CLUSTER, each[0].startswith(CRDS))):
        if kind == CLUSTER_DNS:
            without = {"data": {"Corefile": federation.corefiles[case.context]}}
            everywhere.kubectl(case.context, "patch", *case.object, "--type=merge", _json(without))
        else:
            everywhere.kubectl(case.context, "delete", *case.object, "--ignore-not-found", "--timeout=90s")
    code, said = drift(federation)
    assert code == DRIFT, said
    for kind, case in DELETED.items():
        name = kind.rsplit(":", 1)[-1]
        happened = "changed" if kind == CLUSTER_DNS else "deleted"
        assert re.search(rf"^    {happened}  {name} .*\(Pulumi's {re.escape(case.resource)}\)$", said, re.MULTILINE), (
            said
        )

    code, log, seconds = federation.pulumi("up", "--refresh", *UNATTENDED)
    figures.add(f"up --refresh, {len(DELETED)} kinds deleted by hand", seconds)
    assert code == 0, log[-8000:]
    after = uids(everywhere, DELETED)
    assert [kind for kind in DELETED if after[kind] == before[kind]] == [CLUSTER_DNS]
    start = time.monotonic()
    for name in MEMBERS:
        wait_until(f"{name} to be Ready", lambda name=name: _ready(everywhere, name), 120)  # type: ignore[misc]
    figures.add("and until all members were Ready again", time.monotonic() - start)
    as_configured(federation)


def test_who_cannot_look_does_not_say_that_all_is_well(
    federation: Federation, clusters: Clusters, tmp_path: Path
) -> None:
    settings = federation.stack.settings
    good = settings.read_text()
    server = clusters.server(MEMBERS["rohan"])
    nobody = f"https://{urlsplit(server).hostname}:9"
    closed = tmp_path / "kubeconfig"
    closed.touch(mode=0o600)
    closed.write_text(re.sub(rf"{re.escape(server)}(?!\d)", nobody, clusters.kubeconfig.read_text()))
    try:
        settings.write_text(good.replace(str(clusters.kubeconfig), str(closed)))
        code, said = drift(federation)
    finally:
        settings.write_text(good)
    assert code == COULD_NOT_LOOK, said
    assert said.startswith("COULD NOT LOOK at everything")
    assert f"context rohan: the API at {nobody} cannot be used" in said


def _json(patch: object) -> str:
    return f"--patch={json.dumps(patch)}"


def _patch(everywhere: Clusters, case: Case) -> str:
    if isinstance(case.change, Edit):
        text = everywhere.get(case.context, *case.object)["data"][case.change.key]
        assert case.change.before in text
        return _json({"data": {case.change.key: text.replace(case.change.before, case.change.after)}})
    return _json(case.change)


def _ready(everywhere: Clusters, member: str) -> bool:
    conditions = everywhere.get(API, "cluster.cluster.karmada.io", member)["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
