"""The first way: what the user already has on PATH, in a fitting version."""

import os
import shutil
from pathlib import Path

from lab.toolbox import store, versions
from lab.toolbox.errors import MissingError
from lab.toolbox.found import Found
from lab.toolbox.pins import ASK, Pin


def on_path(pin: Pin, program: str) -> Found:
    """The user's own program, left where it is."""
    path = _which(program)
    _check_version(path, program, pin.version)
    return Found(path, "PATH", fetched=False)


def _which(program: str) -> Path:
    if program not in ASK:
        raise MissingError("not looked for there, as nothing tells a stranger of that name from ours")
    # Our folder of links may be on PATH itself: a link made from what is found there would point to itself.
    links = store.links().resolve()
    folders = [folder for folder in os.get_exec_path() if Path(folder).resolve() != links]
    path = shutil.which(program, path=os.pathsep.join(folders))
    if path is None:
        raise MissingError(f"no {program} there")
    return Path(path).absolute()


def _check_version(path: Path, program: str, pinned: str) -> None:
    ask = ASK[program]
    answer = versions.answer(path, ask.arguments)
    if not versions.fits(ask.rule, answer, pinned):
        said = answer.partition("\n")[0] or "nothing"
        question = " ".join((program, *ask.arguments))
        raise MissingError(f"{path}: `{question}` says {said}, wanted is {ask.rule.words} {pinned}")
