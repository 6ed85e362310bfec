"""Another release of Karmada's kinds, for tests: the pinned archive with one kind changed and one more."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import yaml

from federation.engine.karmada import crds

CHANGED, ADDED = "works.work.karmada.io", "palantirs.work.karmada.io"


def newer(file: Path) -> dict[str, str]:
    """Write such an archive; returns `federation:crds`, by which it is used."""
    with tarfile.open(crds.bundle_folder() / crds.BUNDLE) as old, tarfile.open(file, "w:gz") as new:
        for member in old:
            if content := old.extractfile(member):
                data = content.read()
                _add(new, member.name, data)
                if "bases" in member.name and yaml.safe_load(data)["metadata"]["name"] == CHANGED:
                    _add(new, member.name, yaml.safe_dump(_with_a_field(yaml.safe_load(data))).encode())
                    _add(new, member.name.replace("works", "palantirs"), yaml.safe_dump(_renamed(data)).encode())
    return {"source": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def _with_a_field(manifest: dict[str, Any]) -> dict[str, Any]:
    schema = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["seenFrom"] = {"type": "string"}
    return manifest


def _renamed(data: bytes) -> Any:
    text = (
        data.decode()
        .replace("works", "palantirs")
        .replace("WorkList", "PalantirList")
        .replace("kind: Work\n", "kind: Palantir\n")
    )
    return yaml.safe_load(text.replace("singular: work\n", "singular: palantir\n"))


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
