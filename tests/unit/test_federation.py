"""make up and down: one at a time; what cannot be destroyed in order is told in one line, and its clusters go."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lab import federation
from lab.fleet.record import Record, locked
from lab.fleet.waiting import FleetError, wait_until
from lab.stack import CHECKOUT, Stack

pytestmark = pytest.mark.unit

NOBODYS = 1 << 22
"""A pid that Linux gives to no process."""


class Verbs:
    """Stands in for the fleet's command line and for pulumi: what they were asked, and which of it fails."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails = ""

    def fleet(self, verb: str, *_: str) -> None:
        self.run("fleet", verb)

    def pulumi(self, verb: str, *_: str, **__: object) -> None:
        self.run("pulumi", verb)

    def run(self, *command: str) -> None:
        self.asked.append(" ".join(command))
        if self.asked[-1] == self.fails:
            raise subprocess.CalledProcessError(1, list(command), stderr="first\nthe last words\n")


@pytest.fixture
def verbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verbs:
    """A fleet of this checkout with a stack on it."""
    asked = Verbs()
    monkeypatch.setenv("FEDERATION_FLEETS", str(tmp_path / "fleets"))
    monkeypatch.setattr(federation, "FOLDER", tmp_path / "folder")
    monkeypatch.setattr(federation, "fleet", asked.fleet)
    monkeypatch.setattr(Stack, "pulumi", staticmethod(asked.pulumi))
    stack = federation.stack_of_dev()
    stack.home.mkdir(parents=True)
    stack.settings.touch()
    Record("dev", 0).save()
    federation.FOLDER.mkdir()
    return asked


def test_the_federation_goes_before_its_clusters(verbs: Verbs, capsys: pytest.CaptureFixture[str]) -> None:
    federation.down()
    assert verbs.asked == ["fleet up", "pulumi destroy", "fleet down"]
    assert not federation.FOLDER.exists()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("fails", ["fleet up", "pulumi cancel", "pulumi destroy"])
def test_whatever_fails_before_the_clusters_go(verbs: Verbs, capsys: pytest.CaptureFixture[str], fails: str) -> None:
    verbs.fails = fails
    if fails == "pulumi cancel":
        lock = federation.stack_of_dev().home / ".pulumi" / "locks" / "1.json"
        lock.parent.mkdir(parents=True)
        lock.write_text(f'{{"pid": {NOBODYS}}}')
    federation.down()
    assert verbs.asked[-2:] == [fails, "fleet down"]
    assert not federation.FOLDER.exists()
    assert capsys.readouterr().err == (
        f"The federation is not destroyed in order: `{fails}` ended with 1 first the last words. "
        "What it has in the clusters goes with them.\n"
    )


def test_a_record_that_cannot_be_read(verbs: Verbs, capsys: pytest.CaptureFixture[str]) -> None:
    (federation.stack_of_dev().home.parent / "record.json").write_text("")
    federation.down()
    assert verbs.asked == ["fleet down"]
    assert "BrokenRecordError: the record of fleet dev cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [federation.up, federation.down])
def test_it_waits_for_another_one(verbs: Verbs, capsys: pytest.CaptureFixture[str], verb: Callable[[], None]) -> None:
    verbs.fails = "fleet up"
    with ThreadPoolExecutor(1) as pool:
        with locked(federation.FOLDER):
            waiting = f"waiting for another command on {federation.FOLDER}"
            second = pool.submit(verb)
            wait_until("it to say that it waits", lambda: waiting in capsys.readouterr().out, 20)
            assert verbs.asked == []
        assert isinstance(second.exception(20), subprocess.CalledProcessError | None)
    assert verbs.asked[0] == "fleet up"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A Pulumi.dev.yaml, empty."""
    return tmp_path / "Pulumi.dev.yaml"


def test_a_salt_in_the_configuration_is_not_the_stacks(file: Path) -> None:
    file.write_text("# Mine.\nencryptionsalt: v1:a=:v1:b:c\nconfig:\n  federation:name: encryptionsalt\n")
    assert federation.checked(file) == "# Mine.\nconfig:\n  federation:name: encryptionsalt\n"


def test_what_is_encrypted_in_the_configuration_is_refused(file: Path) -> None:
    file.write_text(
        "config:\n  federation:name: {secure: v1:a}\n"
        "  federation:dns: {googleClouddns: {credentials: {secure: v1:b}}}\n"
        "  federation:users: [{name: secure}, {name: {secure: v1:c}}]\n"
    )
    refused = "federation:name, federation:dns.googleClouddns.credentials, federation:users[1].name is encrypted"
    with pytest.raises(FleetError, match=re.escape(f"{file}: {refused}")):
        federation.checked(file)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("config:\n  a: [b\nc: d\n", 'is no YAML: .*in "FILE", line 3'),
        ("config: \xff\n", 'is no YAML: .*in "FILE"'),
        ("", "has no mapping `config`"),
        ("federation:name: fellowship\n", "has no mapping `config`"),
    ],
)
def test_what_is_wrong_in_the_configuration_names_the_file(
    verbs: Verbs, file: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    monkeypatch.setattr(federation, "CONFIGURATION", file)
    file.write_text(text, encoding="latin-1")
    with pytest.raises(FleetError, match=f"(?s)^FILE {problem}".replace("FILE", re.escape(str(file)))):
        federation.up()
    assert verbs.asked == []


def test_what_is_no_section_of_names_is_the_programs_to_refuse() -> None:
    assert federation.published("config: {federation:engine: builtin, federation:dns: example.com}") == []


def test_before_make_up_there_is_nothing_to_compare(verbs: Verbs) -> None:
    federation.stack_of_dev().settings.unlink()
    with pytest.raises(FleetError, match="run `make up` first"):
        federation.drift()


MAKE_UP = """
import subprocess
import sys
from pathlib import Path
from lab import __main__, federation, stack

def communicate(*arguments, **options):
    print("make waits\\n", end="", flush=True)
    return before(*arguments, **options)

before, subprocess.Popen.communicate = subprocess.Popen.communicate, communicate
program = Path(sys.argv[1])
stack.tool = lambda _: program
stack.SECONDS_TO_DROP_ALL = 0
federation.up = lambda: stack.Stack("dev", program.parent, program).pulumi("up", folder=program.parent)
sys.argv[1:] = ["up"]
sys.exit(__main__.main())
"""


@contextmanager
def make_up(folder: Path, answer: str) -> Iterator[subprocess.Popen[str]]:
    """`make up` in a terminal of its own, after Ctrl-C, which a stand-in for pulumi answers by a shell command."""
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\ntrap '{answer}' INT\necho started\nwhile :; do sleep 0.1; done\n")
    program.chmod(0o755)
    command, pipe = [sys.executable, "-c", MAKE_UP, str(program)], subprocess.PIPE
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        try:
            assert {process.stdout.readline() for _ in range(2)} == {"started\n", "make waits\n"}
            interrupt(process)
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def interrupt(process: subprocess.Popen[str]) -> None:
    """As a terminal does it: all that runs in it get the signal."""
    os.killpg(process.pid, signal.SIGINT)


@pytest.mark.programs
def test_an_interrupt_is_pulumis_to_answer(tmp_path: Path) -> None:
    with make_up(tmp_path, "sleep 1; echo lock removed; exit 1") as process:
        output, errors = process.communicate(timeout=60)
    assert sorted(output.splitlines()) == ["lock removed", "make waits"]
    assert (errors, process.returncode) == ("interrupted\n", 130)


@pytest.mark.programs
def test_a_second_interrupt_ends_a_pulumi_that_goes_on(tmp_path: Path) -> None:
    with make_up(tmp_path, "") as process:
        assert process.stdout
        assert process.stdout.readline() == "make waits\n"
        interrupt(process)
        # Its output is closed only when pulumi is gone, too.
        assert process.communicate(timeout=60) == ("", "interrupted\n")
    assert process.returncode == 130


@pytest.mark.programs
@pytest.mark.needs("pulumi")
def test_the_shell_of_its_environment_has_the_stack_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(federation, "FOLDER", tmp_path)
    stack = Stack("dev", tmp_path / "stack", tmp_path / "kubeconfig")
    stack.prepare("config: {}\n")
    federation._write_environment(stack)
    # Of the folder in which a stack was made, Pulumi remembers the stack.
    shutil.copy(stack.home / "Pulumi.yaml", tmp_path)
    script = "source ./env; pulumi stack output --json"
    shell = subprocess.run(["bash", "-c", script], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (shell.stdout.strip(), shell.stderr) == ("{}", "")
