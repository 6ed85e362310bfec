"""What the tests of the toolbox fill its folders with."""

import hashlib
import json
import lzma
from pathlib import Path

from lab.toolbox.pins import Pin

# Nothing listens on port 1, so a release there is refused at once.
ETCD = Pin("etcd", "3.6.16", ("etcd",), release="http://127.0.0.1:1/PROGRAM")


def put_program(file: Path, says: str) -> Path:
    """A program that answers every question with `says`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


def put_bundle(folder: Path, content: bytes = b"from the bundle", /, **overrides: str | list[str]) -> Path:
    """A bundle with one tool, whose manifest entry can be bent; returns the packed file."""
    entry = {
        "name": "etcd",
        "version": "3.6.16",
        "file": "linux-amd64/etcd.xz",
        "sha256": hashlib.sha256(content).hexdigest(),
        **overrides,
    }
    packed = folder / str(entry["file"])
    packed.parent.mkdir(parents=True, exist_ok=True)
    packed.write_bytes(lzma.compress(content))
    (folder / "manifest.json").write_text(json.dumps({"platform": "linux/amd64", "tools": [entry]}))
    return packed
