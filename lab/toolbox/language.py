"""Pulumi's language host for Python: the released one where there is one, else ours, put beside `pulumi`.

Pulumi looks for it beside its own executable, with links resolved, and on PATH; of one that is only on PATH it warns.
"""

import hashlib
import io
import shutil
from pathlib import Path

from lab.toolbox import store

PROGRAM = "pulumi-language-python"
OURS = Path(__file__).resolve().parents[2] / "language_host"


def language_host(pulumi: Path) -> bool:
    """Make `pulumi` find a language host; tells whether it is ours, as the released one cannot be had."""
    pulumi = pulumi.resolve()
    beside = pulumi.with_name(PROGRAM)
    released = beside.exists() and not _is_ours(beside)
    if released or shutil.which(PROGRAM) not in (None, str(store.links() / PROGRAM)):
        return False
    own = pulumi.is_relative_to(store.root().resolve())
    # A `pulumi` of the user's own, without its language host, is left as it is.
    store.link(beside if own else store.links() / PROGRAM, _kept() / OURS.name / PROGRAM)
    return True


def _is_ours(program: Path) -> bool:
    return program.resolve().is_relative_to(store.root().resolve()) and program.resolve().parent.name == OURS.name


def _kept() -> Path:
    """Our language host in the cache, which outlives the checkout and is another one for another code."""
    files = {file.name: file.read_bytes() for file in sorted(OURS.iterdir()) if file.is_file()}
    digest = hashlib.sha256(b"".join(name.encode() + content for name, content in files.items())).hexdigest()
    home = store.root() / f"language-host-{digest[:12]}"
    with store.locked(home / OURS.name):
        for name, content in files.items():
            if not store.holds(file := home / OURS.name / name):
                store.put(file, io.BytesIO(content), name)
    return home
