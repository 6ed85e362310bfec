"""Control groups of both versions, as folders that look like theirs: who runs where, and what is enabled for pods."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.fleet import cgroups
from lab.fleet.waiting import FleetError

pytestmark = pytest.mark.unit

GROUP = cgroups.name("dev", "gondor")

Mount = Callable[[str, str], Path]


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mount:
    """Mounts a hierarchy of this type, with these controllers."""
    mounts = tmp_path / "mounts"
    mounts.write_text("proc /proc proc rw,relatime 0 0\n")
    monkeypatch.setattr(cgroups, "MOUNTS", mounts)

    def mount(kind: str, controllers: str) -> Path:
        where = tmp_path / f"{kind}-{controllers}"
        where.mkdir()
        options = controllers if kind == "cgroup" else "nsdelegate"
        mounts.write_text(f"{mounts.read_text()}{kind} {where} {kind} rw,{options} 0 0\n")
        if kind == "cgroup2":
            _has(where, controllers)
        return where

    return mount


def _has(group: Path, controllers: str) -> None:
    """What the kernel says in each group of version 2."""
    (group / "cgroup.controllers").write_text(controllers.replace(",", " ") + "\n")


def _enabled(*groups: Path) -> list[str]:
    files = [group / "cgroup.subtree_control" for group in groups]
    return [file.read_text() if file.exists() else "" for file in files]


def test_in_version_2_the_programs_are_beside_the_pods(mount: Mount) -> None:
    group = mount("cgroup2", "cpuset,cpu,io,memory,pids") / GROUP
    cgroups.make(GROUP)
    assert cgroups.of_programs(group) == group / "programs"
    assert (group / "programs").is_dir()


def test_in_version_1_the_programs_are_in_the_group_itself(mount: Mount) -> None:
    group = mount("cgroup", "memory") / GROUP
    cgroups.make(GROUP)
    assert cgroups.of_programs(group) == group
    assert not [*group.iterdir()]


def test_version_2_enables_for_pods_what_they_need_on_the_machine_and_in_the_group(mount: Mount) -> None:
    machine = mount("cgroup2", "cpuset,cpu,io,memory,pids")
    cgroups.require()
    assert _enabled(machine) == ["+cpu +memory"]
    cgroups.make(GROUP)
    (machine / "cgroup.subtree_control").write_text("systemd has disabled them meanwhile")
    _has(machine / GROUP, "cpu,memory")
    cgroups.enable(GROUP)
    assert _enabled(machine, machine / GROUP) == ["+cpu +memory", "+cpu +memory"]


def test_a_version_2_beside_a_whole_version_1_is_left_as_it_is(mount: Mount) -> None:
    groups = [mount("cgroup", "cpu,cpuacct"), mount("cgroup", "memory"), mount("cgroup2", "hugetlb")]
    cgroups.require()
    cgroups.make(GROUP)
    _has(groups[-1] / GROUP, "")
    cgroups.enable(GROUP)
    inside = [group / GROUP for group in groups]
    assert _enabled(*groups, *inside) == [""] * 6
    assert [cgroups.of_programs(each) for each in inside] == [*inside[:2], inside[2] / "programs"]


@pytest.mark.parametrize(
    ("mounted", "missing"),
    [([], "cpu and memory"), ([("cgroup2", "cpu,pids")], "memory"), ([("cgroup", "memory")], "cpu")],
)
def test_a_machine_without_control_groups_for_pods_is_told(
    mount: Mount, mounted: list[tuple[str, str]], missing: str
) -> None:
    for kind, controllers in mounted:
        mount(kind, controllers)
    with pytest.raises(FleetError, match=f"pods need control groups for {missing}, and "):
        cgroups.require()


def test_where_controllers_cannot_be_enabled_the_reason_is_told(mount: Mount) -> None:
    machine = mount("cgroup2", "cpu,memory")
    (machine / "cgroup.subtree_control").mkdir()
    with pytest.raises(FleetError, match=r"cannot be enabled in .*/cgroup.subtree_control \(Is a directory\)"):
        cgroups.require()
