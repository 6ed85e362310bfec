"""On record: the names of all resources, which are API, and the name servers' configuration.

A rename without an alias replaces a user's federation.
"""

import difflib
import os
from pathlib import Path

import pytest

from tests.component.recording import Record, name_of, opened

pytestmark = pytest.mark.component

GOLDEN = Path(__file__).parent / "golden"
ACCEPT = "UPDATE_GOLDEN"


def lines(record: Record) -> list[str]:
    """`type  name  parent  provider` of each resource, sorted; `-` where a component has no provider."""
    return sorted(
        f"{each.type}  {each.name}  {name_of(each.parent)}  {name_of(each.provider) or '-'}\n"
        for each in record.resources
    )


def test_the_dev_topology_registers_what_is_on_record(builtin: Record) -> None:
    compare(GOLDEN / "builtin.txt", lines(builtin))


def test_the_same_topology_on_karmada_registers_what_is_on_record(karmada: Record) -> None:
    compare(GOLDEN / "karmada.txt", lines(karmada))


def test_the_name_servers_of_the_dev_topology_run_what_is_on_record(builtin: Record) -> None:
    files = opened(builtin.one("Secret", "federation-dns-files").inputs["stringData"])
    compare(GOLDEN / "Corefile", files["Corefile"].splitlines(keepends=True))


def test_a_difference_is_shown_and_accepted_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden = tmp_path / "example.txt"
    golden.write_text("old\n")
    monkeypatch.delenv(ACCEPT, raising=False)
    with pytest.raises(pytest.fail.Exception, match=rf"(?s)-old\n\+new\n.*{ACCEPT}=1"):
        compare(golden, ["new\n"])
    monkeypatch.setenv(ACCEPT, "1")
    compare(golden, ["new\n"])
    assert golden.read_text() == "new\n"


def compare(golden: Path, actual: list[str]) -> None:
    if os.environ.get(ACCEPT) == "1":
        golden.write_text("".join(actual))
    expected = golden.read_text().splitlines(keepends=True)
    if actual != expected:
        difference = "".join(difflib.unified_diff(expected, actual, golden.name, "this program", n=0))
        how = f"{ACCEPT}=1 pytest tests/component/{Path(__file__).name}"
        pytest.fail(f"this is not what is on record:\n{difference}\nif that is meant: {how}", pytrace=False)
