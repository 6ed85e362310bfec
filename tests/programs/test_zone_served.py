"""The zone file that the writer's process keeps for CoreDNS: alone, beside another writer, and before either starts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from controllers.zone.writer import COLLECTION
from lab.fleet.waiting import wait_until
from lab.toolbox import tool
from tests.kube_api import ApiServer
from tests.programs.zone_lab import Served, free_port, process, serving, writer
from tests.unit.test_dns_process import kubeconfig_of
from tests.unit.test_zone_contents import endpoint, entry

pytestmark = pytest.mark.programs

RECORDS = [entry("ns.dns.example.com", "A", "192.0.2.53")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), RECORDS) as found:
        yield found


@dataclass
class Seen:
    """Each text that a file had, in order, once."""

    file: Path
    texts: list[str] = field(default_factory=list)

    def look(self) -> str:
        text = self.file.read_text()
        if text not in self.texts[-1:]:
            self.texts.append(text)
        return text

    @property
    def serials(self) -> list[int]:
        """Of the SOA, which is the first record."""
        return [int(text.split()[6]) for text in self.texts]


def test_after_100_changes_both_writers_have_written_the_same_and_only_greater_serials(
    served: Served, tmp_path: Path
) -> None:
    other = tmp_path / "db"
    with process(writer(kubeconfig_of(served.api.url, tmp_path), other), tmp_path / "log"):
        wait_until("the other writer to write", other.exists, 20)
        both = Seen(served.file), Seen(other)

        def have(done: str) -> bool:
            texts = [each.look() for each in both]
            return all(done in text for text in texts)

        for i in range(100):
            served.api.put(COLLECTION, endpoint(entry("same.example.com", "A", f"192.0.2.{i}"), name="same"))
            if i % 4 == 3:
                # So that several changes are written as one, and yet there are many.
                wait_until(f"{i}", partial(have, f"same.example.com. 30 IN A 192.0.2.{i}"), 10)
        wait_until("equal files", lambda: both[0].look() == both[1].look(), 10)
    assert len(both[0].serials) >= 25
    for seen in both:
        # By RFC 1982, as secondaries compare them.
        assert all(0 < (b - a) % 2**32 < 2**31 for a, b in pairwise(seen.serials)), seen.serials
    texts = {text for seen in both for text in seen.texts}
    # One serial for one content.
    assert len({text.split()[6] for text in texts}) == len(texts)


def test_the_first_file_is_kept_where_there_is_one_and_waited_for_where_there_is_none(tmp_path: Path) -> None:
    nobody = kubeconfig_of(f"http://127.0.0.1:{free_port()}", tmp_path)
    kept = tmp_path / "kept"
    kept.write_text("of the run before")
    subprocess.run([str(each) for each in writer(nobody, kept, "--first")], check=True, timeout=30)
    assert kept.read_text() == "of the run before"
    api, new = ApiServer(), tmp_path / "new"
    api.stop()
    with process(writer(kubeconfig_of(api.url, tmp_path), new, "--first"), tmp_path / "log") as first:
        log = tmp_path / "log"
        wait_until("the writer to meet no API", lambda: "lost sight of dnsendpoints" in log.read_text(), 20)
        assert first.poll() is None
        assert not new.exists()
        api.start()
        wait_until("the first file", new.exists, 20)
        assert first.wait(10) == 0
    api.stop()


def test_coredns_with_a_file_that_is_no_zone_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "db"
    file.write_text("example.com. 30 IN A nonsense\n")
    (tmp_path / "Corefile").write_text(
        f"example.com:{free_port()} {{\n    file {file} {{\n        reload 1s\n    }}\n}}\n"
    )
    done = subprocess.run(
        [str(tool("coredns")), "-conf", str(tmp_path / "Corefile")], timeout=20, check=False, capture_output=True
    )
    assert done.returncode != 0
