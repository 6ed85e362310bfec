"""What `python -m operate.drift` and `make drift` answer, with a pulumi that says what it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from operate.drift import look
from operate.drift.look import AS_CONFIGURED, COULD_NOT_LOOK, DRIFT

pytestmark = pytest.mark.programs

CHECKOUT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "recorded"
UNTOUCHED: Mapping[str, Any] = {"steps": [{"op": "same", "urn": "urn:pulumi:a::b::pulumi:pulumi:Stack::c"}]}
WAITING: Mapping[str, Any] = {
    "steps": [
        {
            "op": "update",
            "urn": "urn:pulumi:a::b::pulumi:providers:kubernetes::member-rohan",
            "diffReasons": ["kubeClientSettings"],
        }
    ]
}
"""A cluster was silent at the last `pulumi up`, or is now."""
DRIFTED: Mapping[str, Any] = json.loads((RECORDED / "drift.json").read_text())
SILENT: Mapping[str, Any] = {
    **UNTOUCHED,
    "diagnostics": [
        {
            "message": "warning: configured Kubernetes cluster is unreachable: unable to load schema information from "
            'the API server: Get "https://127.0.0.1:26443/openapi/v2?timeout=32s": net/http: request canceled',
            "severity": "warning",
        },
        {
            "message": "error: Preview failed: failed to read resource state due to unreachable cluster.",
            "severity": "error",
        },
        {"message": "error: preview failed", "severity": "error"},
    ],
}
"""As recorded from Pulumi 3.260 with pulumi-kubernetes 4.32, and shortened."""


def pulumi(folder: Path, code: int, said: str, error: str = "") -> Path:
    """A program that prints and ends so."""
    (folder / "said").write_text(said)
    (folder / "error").write_text(error)
    program = folder / "pulumi"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {folder}/asked\ncat {folder}/said\ncat {folder}/error >&2\nexit {code}\n'
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("code", "digest", "verdict"),
    [
        (0, UNTOUCHED, AS_CONFIGURED),
        (7, DRIFTED, DRIFT),
        (4, SILENT, COULD_NOT_LOOK),
        # One part looked at and found wanting does not make up for one that was not looked at.
        (7, {**DRIFTED, "diagnostics": SILENT["diagnostics"]}, COULD_NOT_LOOK),
        (0, {**UNTOUCHED, "diagnostics": SILENT["diagnostics"]}, COULD_NOT_LOOK),
        (7, WAITING, AS_CONFIGURED),
        (7, {**WAITING, "diagnostics": SILENT["diagnostics"]}, COULD_NOT_LOOK),
        # Pulumi and its digest disagree.
        (7, UNTOUCHED, COULD_NOT_LOOK),
        (1, UNTOUCHED, COULD_NOT_LOOK),
    ],
)
def test_the_exit_code_tells_drift_from_could_not_look(
    code: int, digest: Mapping[str, Any], verdict: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert look.look(pulumi(tmp_path, code, json.dumps(digest)), [], os.environ, tmp_path) == verdict
    said = capsys.readouterr().out
    assert ("DRIFT" in said) == bool(digest is DRIFTED or digest.get("steps") == DRIFTED["steps"])
    assert ("COULD NOT LOOK" in said) == (verdict == COULD_NOT_LOOK)
    assert ("No drift" in said) == (verdict == AS_CONFIGURED)
    assert "    the program: preview failed" not in said


def test_what_is_no_digest_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = pulumi(tmp_path, 6, "", "error: no stack named 'nope' found")
    assert look.look(broken, ["--stack", "nope"], os.environ, tmp_path) == COULD_NOT_LOOK
    assert "ended with 6:\nerror: no stack named 'nope' found" in capsys.readouterr().out
    asked = (tmp_path / "asked").read_text().split()
    assert asked[-2:] == ["--stack", "nope"]
    assert {"--refresh", "--run-program", "--expect-no-changes", "--json"} < set(asked)


def test_without_pulumi_nobody_can_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert look.look(tmp_path / "pulumi", [], os.environ, tmp_path) == COULD_NOT_LOOK
    assert "cannot be run: No such file" in capsys.readouterr().out


def test_it_needs_nothing_but_python_and_pulumi(tmp_path: Path) -> None:
    pulumi(tmp_path, 7, json.dumps(DRIFTED))
    path = f"{tmp_path}:{os.environ['PATH']}"
    # -S: not even the packages that are installed.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "operate.drift", "--stack", "prod"],
        cwd=CHECKOUT,
        env={"PATH": path},
        check=False,
        capture_output=True,
    )
    assert done.returncode == DRIFT, done.stderr
    assert (tmp_path / "asked").read_text().split()[-2:] == ["--stack", "prod"]


@pytest.mark.parametrize(("code", "of_make"), [(AS_CONFIGURED, 0), (DRIFT, 2), (COULD_NOT_LOOK, 2)])
def test_make_ends_well_only_without_drift(code: int, of_make: int, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexit {code}\n")
    python.chmod(0o755)
    command = ["make", "-o", "ready", "-o", ".venv/.installed", "drift", f"PYTHON={python}"]
    assert subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True).returncode == of_make
