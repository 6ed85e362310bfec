"""The documentation holds: its commands are run or say why not, and the files and headings that it names are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documented import PAGES, ROOT, SHELL, Block, blocks, named_in

pytestmark = pytest.mark.unit

TESTS = ROOT / "tests"
OF_ONE_FEDERATION = ("federation/name=NAME", "federation/carried-by=NAME")
"""The labels by which a command may delete: another federation may have the same cluster as a member."""
LONGEST_MENTION = 4
"""Words of a command that is just spoken of, as `pulumi destroy --run-program`; a longer one is to be in a block."""
PROGRAMS = ("kubectl", "pulumi", "docker", "etcdctl", "etcdutl", "dig", "delv", "make", "python", ".venv/bin/python")
SAID = re.compile(r"(run by|applied by|done by|not run)(?::? )(.+)")
TEST = re.compile(r"([\w/]+\.py)(?:::(\w+))?")
FENCED = re.compile(r"(?ms)^ *```.*?^ *```$")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
IN_CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:\.\./)?[\w.-]+(?:/[\w.-]+)*(?:/|\.(?:py|md|yaml|yml|toml|txt|json))$")
OF_THE_READER = ("Pulumi.prod.yaml",)
"""Files that the pages have their readers write."""
ROOMS = tuple(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))


def every_block() -> Iterator[Block]:
    for page in PAGES:
        yield from blocks(page)


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def commands() -> Iterator[tuple[Block, str]]:
    """Each command of kubectl in a block, with continued lines in one."""
    for block in every_block():
        if block.language == SHELL:
            for line in block.text.replace("\\\n", " ").splitlines():
                for found in re.findall(r"kubectl [^#|;]*", line):
                    yield block, " ".join(found.split())


def test_each_block_says_what_language_it_is() -> None:
    assert [each.place for each in every_block() if not each.language] == []
    hidden = [f"{page.name}: {line}" for page in PAGES for line in prose(page).splitlines() if line.startswith("    ")]
    assert hidden == [], "a block that is only indented is none that a test sees"


def test_each_command_is_run_by_a_test_that_is_there_or_says_why_not() -> None:
    problems = []
    for each in every_block():
        said = SAID.fullmatch(each.said)
        if each.language == SHELL and not said:
            problems.append(f"{each.place}: says neither what runs it nor why nothing does")
        elif said and said[1] != "not run":
            for test in named_in(said[2]):
                named = TEST.match(test)
                problems += [] if named else [f"{each.place}: {each.said!r} names no test"]
                problems += [f"{each.place}: {problem}" for problem in (_missing(named) if named else [])]
                if named and said[1] != "done by" and f'"{each.page.name}"' not in (TESTS / named[1]).read_text():
                    problems.append(f"{each.place}: tests/{named[1]} does not read this page")
    assert problems == []


def _missing(named: re.Match[str]) -> list[str]:
    """What of a test that is named (file, and function) is not there."""
    file = TESTS / named[1]
    if not file.is_file():
        return [f"tests/{named[1]} is not there"]
    function = named[2]
    return [] if not function or f"def {function}(" in file.read_text() else [f"{named[1]} has no {function}"]


def test_a_long_command_stands_in_a_block() -> None:
    hidden = [
        f"{page.name}: {found}"
        for page in PAGES
        for found in IN_CODE.findall(prose(page))
        if found.split()[0] in PROGRAMS and len(found.split()) > LONGEST_MENTION
    ]
    assert hidden == []


def test_each_command_names_its_context() -> None:
    found = list(commands())
    assert found
    assert [f"{block.place}: {each}" for block, each in found if "--context " not in each] == []


def test_what_is_deleted_by_a_label_is_of_one_federation() -> None:
    labels = [
        selected[1]
        for _, each in commands()
        if " delete " in each and (selected := re.search(r"(?:-l|--selector)[ =](\S+)", each))
    ]
    assert labels
    assert [label for label in labels if label not in OF_ONE_FEDERATION] == []


def test_every_link_leads_to_a_file_and_a_heading_that_are_there() -> None:
    broken = []
    for page in PAGES:
        for link in LINK.findall(prose(page)):
            if "://" in link:
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of a page."""
    titles = re.findall(r"(?m)^#+ (.*)$", prose(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_file_that_is_named_is_there() -> None:
    absent = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in IN_CODE.findall(prose(page))
        if PATH.fullmatch(name) and name not in OF_THE_READER and not _is_there(page, name)
    ]
    assert absent == []


def _is_there(page: Path, name: str) -> bool:
    if "/" in name and name.partition("/")[0] not in (*ROOMS, ".."):
        return True  # Of another project, or of a cluster.
    return any((folder / name).exists() for folder in (ROOT, page.parent, TESTS))


def test_every_promise_names_a_test_that_is_there() -> None:
    problems, file = [], ""
    for row in (ROOT / "docs" / "reliability.md").read_text().splitlines():
        for path, same, function in re.findall(r"(?<![\w/])([a-z]+/\w+\.py)?(::)?(test_\w+)?", row):
            file = path or file
            if path and not (TESTS / path).is_file():
                problems.append(f"tests/{path} is not there")
            elif same and function and f"def {function}(" not in (TESTS / file).read_text():
                problems.append(f"tests/{file} has no {function}")
    assert problems == []


def test_every_page_that_the_code_names_is_there() -> None:
    files = [path for room in (*ROOMS, "__main__.py") for path in _sources(ROOT / room)]
    assert files
    named = [
        (path.relative_to(ROOT), page)
        for path in files
        for page in re.findall(r"\b(?:docs/)([\w-]+\.md)\b", path.read_text())
    ]
    assert named
    assert [f"{path}: docs/{page}" for path, page in named if not (ROOT / "docs" / page).is_file()] == []


def _sources(room: Path) -> Iterator[Path]:
    return iter([room]) if room.is_file() else room.rglob("*.py")
