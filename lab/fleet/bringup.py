"""Takes one cluster from wherever it is to DNS answering. What runs is left alone, what is missing is started."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from lab.fleet import addons, addresses, certificates, network, settings
from lab.fleet.api import FAILURES
from lab.fleet.cluster import Cluster
from lab.fleet.waiting import FleetError, wait_until

SECONDS = 120
ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"

Say = Callable[[str, str], None]


def bring_up(cluster: Cluster, archives: Mapping[str, Future[Path]], say: Say) -> None:
    try:
        if cluster.up():
            say(cluster.name, "is up")
        else:
            _bring_up(cluster, archives, say)
    except FAILURES as problem:
        raise FleetError(f"{cluster.name}: {problem}", cluster.sandbox.log("kube-apiserver")) from problem


def _bring_up(cluster: Cluster, archives: Mapping[str, Future[Path]], say: Say) -> None:
    _prepare(cluster)
    with ThreadPoolExecutor(1) as beside:
        _start(cluster, after_api=False)
        images = beside.submit(_load_images, cluster, archives, say)
        _await(cluster, "its API", lambda: cluster.api.has("/readyz"), "kube-apiserver")
        say(cluster.name, "API ready")
        _start(cluster, after_api=True)
        _await(cluster, "addresses for Services", lambda: addons.services_possible(cluster.api), "kube-apiserver")
        _await(cluster, f"{ACCOUNT} to be there", lambda: cluster.api.has(ACCOUNT), "kube-controller-manager")
        if not cluster.member.api_only:
            addons.create(cluster.api)
            _await(cluster, "its node to be Ready", cluster.node_ready, "kubelet")
            say(cluster.name, "node Ready")
            images.result()
            _await(cluster, "an answer of its DNS", cluster.dns_answers, "kubelet")
            say(cluster.name, "DNS answers")


def _prepare(cluster: Cluster) -> None:
    """The sandbox with its network, and the files that the programs read."""
    cluster.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (cluster.sandbox.running() and cluster.connected.exists()):
        cluster.sandbox.create()
        network.connect(cluster.sandbox, cluster.fleet.slot, cluster.member.number)
        cluster.connected.touch()
    certificates.write(cluster.folder / "keys", cluster.name, cluster.address)
    # What has died since would otherwise look like something that died just now.
    for program in cluster.missing():
        cluster.sandbox.kill(program.name)
    if not cluster.member.api_only:
        settings.write(cluster.folder, cluster.address, addresses.pods(cluster.member.number))


def _start(cluster: Cluster, *, after_api: bool) -> None:
    for program in cluster.missing():
        if program.after_api == after_api:
            cluster.sandbox.start(program.name, program.command, program.environment)


def _load_images(cluster: Cluster, archives: Mapping[str, Future[Path]], say: Say) -> None:
    for kind in cluster.image_kinds:
        if not cluster.images(kind).exists():
            cluster.load(archives[kind].result())
            cluster.images(kind).touch()
            say(cluster.name, f"images loaded ({kind})")


def _await(cluster: Cluster, what: str, condition: Callable[[], bool], program: str) -> None:
    """Waits; what fails is explained by the log of this program, or of one that has ended meanwhile."""
    started = [each.name for each in cluster.programs if cluster.sandbox.program(each.name)]

    def holds() -> bool:
        for name in started:
            process = cluster.sandbox.program(name)
            if process is None or not process.alive():
                raise FleetError(f"{name} ended", cluster.sandbox.log(name))
        return condition()

    try:
        wait_until(what, holds, SECONDS)
    except FleetError as failure:
        log = failure.log or cluster.sandbox.log(program)
        raise FleetError(f"{cluster.name}: {failure.what}", log) from None
