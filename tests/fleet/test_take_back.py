"""pulumi destroy: nothing of ours stays in any cluster."""

from __future__ import annotations

import json
from contextlib import suppress

from lab.fleet.waiting import FleetError, wait_until
from lab.stack import CHECKOUT
from tests.figures import Figures
from tests.fleet.conftest import MEMBERS, SYSTEM, Clusters, Federation
from tests.fleet.settings import MORDOR, converge, set_members, start_mordor


def test_destroy_leaves_nothing_in_host_and_members_with_workloads_running_and_one_member_dead(
    federation: Federation, clusters: Clusters, figures: Figures
) -> None:
    # What it was left with when it had died for good is there yet.
    start_mordor(clusters)
    set_members(federation, lambda members: [*members, MORDOR])
    figures.add("a member that had been given up joins again", converge(federation)[1])
    federation.clusters.kubectl("fellowship", "apply", "-f", str(CHECKOUT / "examples" / "web.yaml"))
    for context in (*MEMBERS.values(), "mordor"):
        wait_until(f"web in {context}", lambda c=context: clusters.exists(c, "deployment", "web"), 60)  # type: ignore[misc]
    clusters.fleet("stop", "mordor")
    set_members(federation, lambda members: [*members, MORDOR | {"unreachable": True}])
    code, log, seconds = federation.pulumi("destroy", "--yes", "--skip-preview")
    figures.add("pulumi destroy", seconds)
    assert code == 0, log[-4000:]
    assert not clusters.exists("rivendell", "namespace", SYSTEM)
    assert not clusters.exists("rivendell", "persistentvolume", "--all-namespaces")
    for context in MEMBERS.values():
        assert not clusters.exists(context, "deployment", "web")
        assert clusters.corefile(context) == federation.corefiles[context]
        assert not clusters.exists(context, "clusterroles,clusterrolebindings", "-l", "federation/name=fellowship")
        # What the example's Deployment and Service had made is collected after them.
        with suppress(FleetError):
            wait_until("the last traces to go", lambda c=context: not clusters.traces(c), 60)  # type: ignore[misc]
        assert clusters.traces(context) == []
    left = [each["type"] for each in json.loads(federation.stack.state())["deployment"].get("resources", [])]
    # Run at its end, the program puts these back (docs/day-2.md, "A run that was killed"); they are in no cluster.
    assert [kind for kind in left if kind != "pulumi:pulumi:Stack" and not kind.startswith("pulumi:providers:")] == []
