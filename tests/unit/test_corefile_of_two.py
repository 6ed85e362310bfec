"""Two federations in one Corefile: what is in the way of the second, and what is not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from provider.cluster_dns import corefile
from provider.cluster_dns.lookup import Lookup
from tests.documented import ROOT
from tests.unit.test_corefile import KUBEADM, LOOKUP, zone

pytestmark = pytest.mark.unit


def test_the_line_is_that_of_the_file_and_says_which_other_federation_is_there() -> None:
    ours = corefile.with_part(KUBEADM, "fellowship", corefile.blocks(KUBEADM, LOOKUP))
    other = Lookup("elves", "elves.test", ("10.90.0.6",), "r", ())
    both = corefile.with_part(ours, "elves", corefile.blocks(ours, other)) + zone("www.elves.test", "whoami")
    assert corefile.problems(both, LOOKUP) == []
    line = both.splitlines().index("elves.test:53 _local.elves:53 {") + 1
    assert corefile.problems(both, replace(LOOKUP, zone="elves.test")) == [
        f"line {line}: elves.test:53 has a server block already, of federation elves"
    ]
    line = both.splitlines().index("www.elves.test:53 {") + 1
    assert corefile.problems(both, replace(LOOKUP, zone="www.elves.test")) == [
        f"line {line}: www.elves.test:53 has a server block already"
    ]


def test_the_two_federations_of_a_move_are_not_in_each_others_way() -> None:
    """With the zones that the page names."""
    page = (ROOT / "docs" / "engines.md").read_text()
    names = re.findall(r"`web\.shop\.(\w+)\.svc\.([\w.]+)`", page)
    assert [name for name, _ in names] == ["old", "new"]
    old, new = (Lookup(name, domain, ("10.90.0.5",), "r", ()) for name, domain in names)
    text = corefile.with_part(KUBEADM, "old", corefile.blocks(KUBEADM, old))
    assert corefile.problems(text, new) == []
