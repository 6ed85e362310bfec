"""What a run tells at its end, and the numbers of tests that only grow."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests import needs
from tests.outcome import LEAST, Outcome, missing, table

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
QUICK = Outcome(True, {"unit": 500, "component": 200}, {"karmada-crds": 3}, 61.4)
CLUSTERS = Outcome(False, {"fleet": 40, "kill": 2}, {"karmada": 2, "gcp plugin": 1}, 600.0)
PARTS = {"tests without processes": QUICK, "tests on clusters": CLUSTERS}


def test_the_table_tells_what_passed_and_what_was_not_run() -> None:
    assert table(PARTS).splitlines() == [
        "                                      passed  seconds",
        "tests without processes     ok           700       61",
        "    not run here: needs karmada-crds: 3",
        "tests on clusters           FAILED        42      600",
        "    not run here: needs gcp plugin: 1",
        "    not run here: needs karmada: 2",
        "all                                      742      661",
    ]


def test_fewer_tests_than_there_were_are_an_error() -> None:
    assert missing(PARTS.values(), ("all", "fleet"), {"all": 742, "fleet": 42}) == []
    assert missing(PARTS.values(), ("all", "fleet"), {"all": 743, "fleet": 43}) == [
        "742 tests passed, and at least 743 must (all in tests/least_passed.toml)",
        "42 tests passed, and at least 43 must (fleet in tests/least_passed.toml)",
    ]
    assert missing([QUICK], ("quick",), {"quick": 701}) != []


def test_a_run_that_told_nothing_has_failed(tmp_path: Path) -> None:
    report = tmp_path / "outcome.json"
    assert Outcome.read(report, True, 1) == Outcome(False, {}, {}, 1)
    report.write_text(json.dumps({"passed": {"unit": 1}, "unmet": {}}))
    assert Outcome.read(report, True, 1) == Outcome(True, {"unit": 1}, {}, 1)


@pytest.mark.programs
def test_the_numbers_have_never_gone_down() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no history here")
    path = LEAST.relative_to(ROOT).as_posix()
    commits = git("log", "--format=%H", "--first-parent", "--", path).split()
    texts = [LEAST.read_text(), *(git("show", f"{commit}:{path}") for commit in commits)]
    newest, *older = map(tomllib.loads, texts)
    for told in older:
        for name, least in told.items():
            assert newest.get(name, 0) >= least, f"{name} was {least} once"


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


class TestNeeds:
    """Each in a run of its own, as the mark is read at collection."""

    def test_a_need_that_is_not_met_is_told(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(needs, "here", lambda name: name == "pulumi")
        result = collected(pytester, "@pytest.mark.needs('karmada')\ndef test_a(): 1 / 0")
        result.stdout.re_match_lines([r"SKIPPED .*: needs karmada"])
        result = collected(pytester, "@pytest.mark.needs('pulumi')\ndef test_a(): pass")
        result.assert_outcomes(passed=1)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("pytestmark = pytest.mark.needs('karmada')\ndef test_a(): pass", "stands on a module"),
            ("@pytest.mark.needs('karmada')\nclass TestA:\n def test_a(self): pass", "stands on a class"),
            ("@pytest.mark.needs('karmada')\n@pytest.fixture\ndef a(): pass", "cannot be applied to fixtures"),
            ("@pytest.mark.needs('kramada')\ndef test_a(): pass", r"needs\('kramada'\): allowed are cloud-dns mock, "),
            ("@pytest.mark.needs\ndef test_a(): pass", r"needs\(''\): allowed are "),
        ],
    )
    def test_it_stands_on_single_tests_only(self, pytester: pytest.Pytester, text: str, complaint: str) -> None:
        result = collected(pytester, text)
        assert result.ret != 0
        assert re.search(complaint, result.stdout.str() + result.stderr.str())


def collected(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    pytester.makeini("[pytest]\nmarkers =\n  needs: x\n")
    pytester.makeconftest(
        "from tests import needs\ndef pytest_collection_modifyitems(items):\n    needs.apply(items)\n"
    )
    pytester.makepyfile(f"import pytest\n{text}\n")
    return pytester.runpytest_inprocess("-rs", "-p", "no:cacheprovider")
