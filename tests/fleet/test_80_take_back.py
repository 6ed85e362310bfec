"""pulumi destroy: nothing of ours stays in any cluster."""

from __future__ import annotations

from tests.figures import Figures
from tests.fleet.conftest import MEMBERS, Clusters, Federation
from tests.fleet.google import Google


def test_destroy_leaves_nothing_in_host_and_members(
    federation: Federation, clusters: Clusters, google: Google, figures: Figures
) -> None:
    code, log, seconds = federation.pulumi("destroy", "--yes", "--skip-preview")
    figures.add("pulumi destroy", seconds)
    assert code == 0, log[-4000:]
    assert google.ask("GET", "/example-com").status_code == 404
    assert not clusters.exists("rivendell", "namespace", "karmada-system")
    assert not clusters.exists("rivendell", "persistentvolume", "--all-namespaces")
    for context in MEMBERS.values():
        assert clusters.corefile(context) == federation.corefiles[context]
        assert not clusters.exists(context, "namespace,clusterrole,clusterrolebinding", "-l", "federation/name")
        assert not clusters.exists(context, "namespace", "federation-fellowship")
