"""make demo: what its page says is true, with a member that loses its power in the middle."""

from __future__ import annotations

import re

import pytest

from lab import demo
from lab.demo import Demo
from tests.figures import Figures
from tests.fleet.conftest import Clusters, Federation

WITHDRAWN_WITHIN = 45
"""Seconds; 30 of them are Karmada's own threshold."""


def test_the_page_tells_of_a_member_that_leaves_the_names_and_comes_back(
    federation: Federation, clusters: Clusters, figures: Figures, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.run(Demo.of(federation.stack, federation.clusters.kubeconfig), clusters.fleet)
    federation.clusters.kubectl("fellowship", "delete", "-f", str(demo.EXAMPLE))
    page = capsys.readouterr().out
    applied, lost, back = (float(seconds) for seconds in re.findall(r"^([0-9.]+) s ", page, re.M))
    figures.add("example applied, until its global name had both", applied)
    figures.add("a member loses its power, until out of the names", lost)
    figures.add("and has it back, until in the names again", back)
    assert lost < WITHDRAWN_WITHIN
    before, during, after = re.split(r"^gondor (?:loses|gets).*", page, flags=re.M)
    name = "web.default.fellowship.svc.example.com. 30 IN A "
    assert (before.count(name), during.count(name), after.count(name)) == (2, 1, 2)
    assert "gondor   Served by a pod in gondor." in before
    assert "rohan    Served by a pod in rohan." in during
