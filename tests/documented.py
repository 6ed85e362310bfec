"""The documentation as tests read it: pages, headings, blocks of code, and what is said of each shell command.

A block of commands is fenced as `sh`, and the comment right before it says what runs it, or why nothing does:

    <!-- run by fleet/test_recovery.py::test_x -->      one test, or a file of them, below tests/
    <!-- run by fleet/test_x.py and fleet/test_y.py -->
    <!-- not run: it needs a registry of yours -->
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SHELL = "sh"
_FENCE = re.compile(r"^\s*```(\w*)\s*$")
_COMMENT = re.compile(r"^\s*<!-- (.*) -->\s*$")
_HEADING = re.compile(r"^#+ (.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: Path
    line: int
    """Of the fence that begins it, from 1 on."""
    heading: str
    """That it stands below."""
    language: str
    """Empty: none is given."""
    said: str
    """The comment on the line before it; empty without one."""
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Sequence[Block]:
    """All blocks of a page, in their order."""
    found, heading, said, begun = [], "", "", 0
    lines = page.read_text().splitlines()
    language = ""
    for number, line in enumerate(lines, 1):
        if fence := _FENCE.match(line):
            if begun:
                text = dedent("\n".join(lines[begun : number - 1]) + "\n")
                found.append(Block(page, begun, heading, language, said, text))
                begun, said = 0, ""
            else:
                begun, language = number, fence[1]
        elif not begun:
            heading = title[1] if (title := _HEADING.match(line)) else heading
            said = comment[1] if (comment := _COMMENT.match(line)) else ""
    assert not begun, f"{page}:{begun}: this block does not end"
    return found


def commands(page: str, heading: str, file: str) -> str:
    """The shell commands below a heading of a page in docs/ of which the page says that this test file runs them."""
    return _of(page, heading, SHELL, "run by", _below_tests(file))


def manifests(page: str, heading: str, file: str) -> str:
    """The YAML below a heading of which the page says that this test file applies it, as one stream of documents."""
    return _of(page, heading, "yaml", "applied by", _below_tests(file))


def _of(page: str, heading: str, language: str, verb: str, file: str) -> str:
    found = [
        each.text
        for each in blocks(ROOT / "docs" / page)
        if (each.heading, each.language) == (heading, language)
        and each.said.startswith(f"{verb} ")
        and file in (test.partition("::")[0] for test in named_in(each.said.removeprefix(f"{verb} ")))
    ]
    assert found, f"docs/{page} has no {language} below {heading!r} that is {verb} {file}"
    return ("---\n" if language == "yaml" else "").join(found)


def named_in(said: str) -> list[str]:
    """Those that a block's comment names after its verb, without what it says of them after a colon."""
    return said.partition(": ")[0].split(" and ")


def _below_tests(file: str) -> str:
    return Path(file).resolve().relative_to(ROOT / "tests").as_posix()


@dataclass(frozen=True)
class Shell:
    """Runs documented commands in a folder, with exactly these variables."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, script: str, seconds: float = 180) -> str:
        """What the commands print; the first that fails fails the test. What they leave running is ended."""
        log = self.folder / "log"
        with log.open("w") as output:
            shell = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = shell.wait(seconds)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(shell.pid, signal.SIGKILL)
                shell.wait()
        printed = log.read_text()
        assert code == 0, f"{script}\nended with {code} after it printed:\n{printed[-4000:]}"
        return printed
