"""Our language host: by itself as a process, and as what the real `pulumi` runs a program with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.fleet.waiting import wait_until
from tests.programs.projects import HOST, PATIENCE, Project, make
from tests.programs.signals import to_another_thread

pytestmark = pytest.mark.programs

PROVIDER = HOST.parents[1] / "provider" / "pulumi-resource-federation"
SECRET = "speak-friend-and-enter"
PROGRAM = """
import asyncio, sys, time
from pathlib import Path
import pulumi
config = pulumi.Config()
print("said on stdout")
print("said on stderr", file=sys.stderr)
match config.get("how"):
    case "told":
        raise pulumi.RunError("one sentence")
    case "unhandled":
        raise ValueError("not expected")
    case "slow":
        Path("started").touch()
        time.sleep(600)
    case "lingers":
        loop = asyncio.get_running_loop()
        def linger():
            while loop.is_running():
                time.sleep(0.01)
            Path("started").touch()
            time.sleep(600)
        loop.run_in_executor(None, linger)
stash = pulumi.Stash("stash", input=config.require_secret("password"))
pulumi.ComponentResource("test:index:Part", "part")
pulumi.export("password", stash.output)
pulumi.export("plain", 3)
"""


@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "end of stdin"])
def test_it_serves_until_it_is_told_to_end_and_says_nothing_more(ending: str) -> None:
    with running() as process:
        assert process.stdout
        assert 0 < int(process.stdout.readline()) < 65536
        if ending == "end of stdin":
            assert process.stdin
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[ending])
        assert process.wait(10) == 0
        assert process.stderr
        assert process.stdout.read() + process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_wakes_it_whichever_thread_gets_it(number: signal.Signals) -> None:
    with running() as process:
        assert process.stdout
        assert process.stdout.readline()
        to_another_thread(process.pid, number)
        assert process.wait(10) == 0


@pytest.mark.parametrize("program", [HOST, PROVIDER], ids=["language host", "provider"])
def test_an_interrupt_while_it_starts_leaves_no_traceback(program: Path) -> None:
    with running(program) as process:
        executable = Path("/proc", str(process.pid), "exe")
        while "python" not in executable.readlink().name:
            pass
        # Before its own code runs, Python itself would show one.
        process.send_signal(signal.SIGINT)
        assert process.stdin
        process.stdin.close()
        assert process.wait(10) == 0
        assert process.stderr
        assert process.stderr.read() == ""


@contextmanager
def running(program: Path = HOST) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [program], cwd="/", stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make(tmp_path_factory.mktemp("project"), PROGRAM)
    done = made.pulumi("config", "set", "--secret", "password", SECRET)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.mark.needs("pulumi")
def test_a_program_runs_with_its_configuration_and_its_secrets_stay_secret(project: Project) -> None:
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    for line in ("said on stdout", "said on stderr", "pulumi:index:Stash", "test:index:Part", "password: [secret]"):
        assert line in done.stdout, done.stdout
    assert "warning" not in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert not any(SECRET in file.read_text() for file in (project.folder / "state").rglob("*.json"))
    assert project.pulumi("stack", "output", "plain").stdout.strip() == "3"
    assert project.pulumi("stack", "output", "password", "--show-secrets").stdout.strip() == SECRET


@pytest.mark.needs("pulumi")
def test_an_error_of_the_program_is_told_once_and_as_it_is(project: Project) -> None:
    done = project.up("told")
    assert done.returncode != 0
    assert errors(done) == ["error: one sentence"]


@pytest.mark.needs("pulumi")
def test_what_the_program_did_not_expect_is_told_with_its_own_lines(project: Project) -> None:
    done = project.up("unhandled")
    assert done.returncode != 0
    assert errors(done) == ["error: Program failed with an unhandled exception:"]
    assert "ValueError: not expected" in done.stdout
    assert f'{project.folder}/__main__.py", line 12' in done.stdout
    assert "executor.py" not in done.stdout


@pytest.mark.needs("pulumi")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("how", ["slow", "lingers"])
def test_the_program_ends_with_pulumi(project: Project, how: str, number: signal.Signals) -> None:
    """Both in its middle, and where it has ended and something that it started has not."""
    started = project.folder / "started"
    started.unlink(missing_ok=True)
    project.pulumi("config", "set", "how", how)
    with subprocess.Popen(
        project.command("up", "--yes", "--skip-preview"),
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        wait_until("the program", started.exists, PATIENCE)
        process.send_signal(number)
        told, _ = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in told
    wait_until("an end of the program", lambda: not running_in(project.folder), 30)
    # A killed one leaves its lock.
    project.pulumi("cancel", "--yes")


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The errors in the summary at the end."""
    _, _, summary = done.stdout.partition("Diagnostics:")
    return [line.strip() for line in summary.splitlines() if line.strip().startswith("error: ")]


def running_in(folder: Path) -> list[str]:
    """The processes whose working folder this is."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink() == folder:
                found.append(link.parent.name)
        except OSError:  # it has ended, or is somebody else's
            continue
    return found
