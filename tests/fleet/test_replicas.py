"""A control plane with three etcds and two of everything else: it goes on while any one of them is gone.

It goes back to a snapshot as docs/recovery.md says. And what `protect` keeps, tried on the same federation: it has no
members and no zone, and comes and goes in a minute.
"""

from __future__ import annotations

import json
import os
import re
import time
from base64 import b64decode
from collections.abc import Iterator

import pytest
import yaml

from lab.federation import UNATTENDED
from lab.fleet.private import write_private
from lab.fleet.waiting import wait_until
from lab.stack import Stack
from lab.toolbox import debian
from tests.documented import Shell, commands
from tests.figures import Figures
from tests.fleet.conftest import ENGINE, HOST, Clusters, configuration, timed_pulumi
from tests.fleet.inventory import in_api, in_host
from tests.fleet.pods import BACK_SECONDS, Pods
from tests.fleet.writer import Writer

NAMESPACE = "elven-system"
REPLICAS, ETCDS = 2, 3
RECOVERY = "recovery.md"
ON_ELVES = f"{commands(RECOVERY, 'The names used here', __file__)}NAMESPACE={NAMESPACE}\nAPI_SERVERS={REPLICAS}\n"
RESTORE = ON_ELVES + commands(RECOVERY, "Restore a snapshot", __file__)
LOOK = """
export ETCDCTL_CACERT=of-test/etcd-ca.crt ETCDCTL_CERT=of-test/etcd-client.crt ETCDCTL_KEY=of-test/etcd-client.key
for i in 0 1 2; do
  kubectl --context "$HOST" -n "$NAMESPACE" port-forward "pod/etcd-$i" "1238$i:2379" &
done
ALL=https://localhost:12380,https://localhost:12381,https://localhost:12382
timeout 60 sh -c "until etcdctl --endpoints $ALL endpoint health; do sleep 1; done"
REVISION=$(etcdctl --endpoints "$ALL" endpoint status -w json | jq 'map(.Status.header.revision) | min')
for i in 0 1 2; do
  export ETCDCTL_ENDPOINTS=https://localhost:1238$i
  {
    etcdctl member list
    etcdctl endpoint hashkv --rev "$REVISION" -w json | jq '.[].HashKV.hash'
    etcdctl get --consistency=s --prefix --keys-only /registry/configmaps/kube-public/recovery-
  } > etcd-$i
done
"""
"""Writes what each etcd knows by itself: the members, the hash of all data at one revision, and the tests' objects."""
LONG = 600
"""Seconds for all commands of a restore; a minute is usual."""
WRITES = 20
"""Acknowledged with one pod gone, before it may come back."""
GAP_SECONDS = 20
"""How long a client may be without an acknowledged write when one of several pods dies; a few seconds are usual."""
of_builtin = pytest.mark.skipif(ENGINE != "builtin", reason="the page is tried with the built-in engine")


@pytest.fixture(scope="module")
def elves(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory, figures: Figures) -> Iterator[Stack]:
    """A second federation in the same host, protected, until it is destroyed at the end."""
    stack = Stack("elves", tmp_path_factory.mktemp("elves"), clusters.kubeconfig)
    text = yaml.safe_load(configuration(clusters.kubeconfig, names=False))
    given = text["config"]
    given |= {"federation:name": "elves", "federation:members": [], "federation:protect": True}
    given["federation:host"] |= {
        "namespace": NAMESPACE,
        "etcd": {"replicas": ETCDS},
        "apiServer": {"replicas": REPLICAS},
    }
    stack.prepare(yaml.safe_dump(text))
    code, log, seconds = timed_pulumi(stack, "up", *UNATTENDED)
    assert code == 0, log[-8000:]
    figures.add("pulumi up, three etcds and two API servers", seconds)
    yield stack
    _change(stack, "federation:protect", False)
    code, log, _ = timed_pulumi(stack, "up", *UNATTENDED)
    assert code == 0, log[-8000:]
    code, log, _ = timed_pulumi(stack, "destroy", "--yes", "--skip-preview")
    assert code == 0, log[-8000:]
    assert not clusters.exists(HOST, "namespace", NAMESPACE)


@pytest.fixture(scope="module")
def api(elves: Stack) -> Clusters:
    """The federation's API, under context elves."""
    file = elves.home / "federation"
    write_private(file, elves.output("kubeconfig").encode())
    return Clusters(file)


@pytest.fixture
def writer(request: pytest.FixtureRequest, api: Clusters) -> Iterator[Writer]:
    with Writer(request.node.name.replace("_", "-"), api.kubeconfig) as writer:
        _await_writes(writer, 5)
        yield writer


@pytest.fixture(scope="module")
def etcd_shell(elves: Stack, clusters: Clusters, etcd_clients: str, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """For the commands of docs/recovery.md, with a client's certificate in the folder of-test."""
    debian.bring("jq")
    folder, environment = tmp_path_factory.mktemp("etcd"), elves.environment()
    files = clusters.get(HOST, "secret", "federation-apiserver-files", "-n", NAMESPACE)["data"]
    (folder / "of-test").mkdir()
    for name in ("etcd-ca.crt", "etcd-client.crt", "etcd-client.key"):
        write_private(folder / "of-test" / name, b64decode(files[name]))
    path = os.pathsep.join([etcd_clients, environment["PATH"]])
    return Shell(folder, {**environment, "PATH": path, "HOME": str(folder)})


@pytest.fixture(scope="module")
def pods(clusters: Clusters) -> Pods:
    return Pods(clusters, NAMESPACE)


def test_each_of_three_etcds_is_gone_for_a_while_and_no_write_is_lost(
    clusters: Clusters, pods: Pods, writer: Writer, figures: Figures
) -> None:
    for pod in pods.of("etcd"):
        name = pod["metadata"]["name"]
        clusters.kubectl(HOST, "cordon", HOST)
        try:
            at = pods.delete(name)
            # Its successor has no node to run on until writes have gone through without it.
            _await_writes(writer, WRITES)
            assert pods.ready("etcd") == ETCDS - 1
        finally:
            clusters.kubectl(HOST, "uncordon", HOST)
        pods.await_ready("etcd", ETCDS)
        figures.add(f"{name} of three gone, no write acknowledged for", writer.gap(at))
        assert writer.gap(at) < GAP_SECONDS
    figures.add("writes acknowledged meanwhile, none lost", writer.count, "writes")
    assert writer.lost() == []


def test_each_of_two_api_servers_is_killed_and_clients_go_on(pods: Pods, writer: Writer, figures: Figures) -> None:
    first, second = pods.of("federation-apiserver")
    at = pods.kill(first)
    _await_writes(writer, WRITES)
    pods.await_ready("federation-apiserver", REPLICAS)
    figures.add("one of two API servers killed, no write acknowledged for", writer.gap(at))
    assert writer.gap(at) < GAP_SECONDS
    at = pods.delete(second["metadata"]["name"])
    _await_writes(writer, WRITES)
    pods.await_ready("federation-apiserver", REPLICAS)
    figures.add("one of two API servers deleted, no write acknowledged for", writer.gap(at))
    assert writer.gap(at) < GAP_SECONDS
    assert writer.lost() == []


@of_builtin
def test_all_three_etcds_go_back_to_a_snapshot(api: Clusters, etcd_shell: Shell, figures: Figures) -> None:
    _create(api, "kept")
    etcd_shell.run(ON_ELVES + commands(RECOVERY, "Take a snapshot", __file__))
    _create(api, "made")
    start = time.monotonic()
    etcd_shell.run(RESTORE, LONG)
    figures.add("three etcds restored from a snapshot, as docs/recovery.md says", time.monotonic() - start)
    _all_three_have_what_was_kept(api, etcd_shell)


@of_builtin
def test_an_etcd_that_lost_its_volume_is_back_with_a_snapshot_of_another(
    clusters: Clusters, api: Clusters, pods: Pods, etcd_shell: Shell
) -> None:
    """With the same folder as before, and objects of the same names."""
    etcd_shell.run(ON_ELVES + commands(RECOVERY, "Take a snapshot", __file__))
    claim = ("persistentvolumeclaim", "data-etcd-1", "-n", NAMESPACE)
    before = clusters.get(HOST, *claim)["metadata"]["uid"]
    etcd_shell.run(ON_ELVES + commands(RECOVERY, "One volume of three", __file__))

    def ends_again_and_again() -> bool:
        (pod,) = [each for each in pods.of("etcd") if each["metadata"]["name"] == "etcd-1"] or [{"status": {}}]
        return any(status["restartCount"] > 1 for status in pod["status"].get("containerStatuses", []))

    wait_until("etcd-1 to end on its empty volume", ends_again_and_again, BACK_SECONDS)
    assert clusters.get(HOST, *claim)["metadata"]["uid"] != before
    assert pods.ready("etcd") == ETCDS - 1
    _create(api, "made")
    etcd_shell.run(RESTORE, LONG)
    _all_three_have_what_was_kept(api, etcd_shell)
    api.kubectl("elves", "delete", "configmap", "-n", "kube-public", "recovery-kept")


def _create(api: Clusters, name: str) -> None:
    api.kubectl("elves", "create", "configmap", "-n", "kube-public", f"recovery-{name}")


def _all_three_have_what_was_kept(api: Clusters, shell: Shell) -> None:
    shell.run(ON_ELVES + LOOK)
    first, *others = ((shell.folder / f"etcd-{index}").read_text() for index in range(ETCDS))
    assert others == [first, first]
    assert first.count("started") == ETCDS
    for name, is_there in (("recovery-kept", True), ("recovery-made", False)):
        assert (f"/registry/configmaps/kube-public/{name}" in first) == is_there
        assert api.exists("elves", "configmap", name, "-n", "kube-public") == is_there


def test_another_size_of_etcd_is_refused_before_anything_happens(elves: Stack) -> None:
    good = elves.settings.read_text()
    try:
        _change(elves, "federation:host", {"replicas": 1, "storage": "10Gi", "storageClass": "fast"}, "etcd")
        code, log, _ = timed_pulumi(elves, "up", *UNATTENDED)
    finally:
        elves.settings.write_text(good)
    assert code != 0
    assert "3 problems in the configuration; nothing was changed" in log
    for key, value, made in (("replicas", 1, 3), ("storage", "10Gi", "5Gi"), ("storageClass", "fast", "")):
        wanted, found = json.dumps(value), json.dumps(made)
        assert f"federation:host.etcd.{key}: {wanted} is refused, as StatefulSet etcd was made with {found}" in log
    assert "Traceback" not in log


def test_protected_it_cannot_be_destroyed_and_nothing_of_it_is_deleted(
    elves: Stack, clusters: Clusters, api: Clusters
) -> None:
    host, inside = in_host(clusters, HOST, NAMESPACE), in_api(api, "elves")
    code, log, _ = timed_pulumi(elves, "destroy", "--yes")
    assert code != 0
    assert "because it is protected" in log
    assert in_host(clusters, HOST, NAMESPACE) == host
    assert in_api(api, "elves") == inside
    assert "data-etcd-2" in " ".join(host)


@pytest.mark.parametrize("kept", ["StatefulSet::etcd", "PrivateKey::etcd-ca"])
def test_protected_it_cannot_be_replaced(elves: Stack, kept: str) -> None:
    """By force, as nothing in the configuration replaces it."""
    (urn,) = [urn for urn in _urns(elves) if urn.endswith(kept)]
    code, log, _ = timed_pulumi(elves, "preview", "--target-replace", urn)
    assert code != 0
    assert _refused(log) == {kept}


def _refused(log: str) -> set[str]:
    """Type and name of each resource that a preview refuses to replace."""
    return set(re.findall(r'unable to replace resource "\S*:(\w+::[^":]+)"', log))


def _urns(stack: Stack) -> list[str]:
    state = stack.state()
    return [str(resource["urn"]) for resource in json.loads(state)["deployment"]["resources"]]


def _await_writes(writer: Writer, more: int) -> None:
    enough = writer.count + more
    wait_until(
        f"{more} more writes to be acknowledged (last failure: {writer.last_failure})",
        lambda: writer.count >= enough,
        60,
    )


def _change(stack: Stack, key: str, value: object, *path: str) -> None:
    text = yaml.safe_load(stack.settings.read_text())
    *above, last = (key, *path)
    place = text["config"]
    for each in above:
        place = place[each]
    place[last] = value
    stack.settings.write_text(yaml.safe_dump(text))
