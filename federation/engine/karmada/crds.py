"""Karmada's CustomResourceDefinitions: the pinned release archive, checked and turned into manifests.

The archive is `crds.tar.gz` of a Karmada release. What is pinned is its content, not its packing, so that the
release's own archive and a bundle packed elsewhere from the same sources pass the same check.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import urllib.request
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pulumi
import yaml
from pulumi import Input

from federation.settings.schema import Crds

CONTENT_SHA256 = "b1ddbd1ce265f84117457de607c04898659ce8b9461b7c1c80336e16323a24e4"
"""Over a line `sha256  name` per file of v1.18.2, sorted by name: charts/karmada/_crds at that tag."""
RELEASE = "https://github.com/karmada-io/karmada/releases/download/v1.18.2/crds.tar.gz"
BUNDLE = "karmada-crds-v1.18.2.tar.gz"
CONVERTED = ("resourcebindings.work.karmada.io", "clusterresourcebindings.work.karmada.io")
"""Served in two versions, which karmada-webhook converts between."""
DOWNLOAD_SECONDS = 60

Manifest = dict[str, Any]


class CrdError(pulumi.RunError):
    """The archive cannot be had, or is not the pinned one."""


def load(config: Crds, bundle_folder: Path | None) -> list[Manifest]:
    """The CustomResourceDefinitions of Karmada, sorted by name, without the conversion patch and without prose.

    Taken from `config.source`, else from the bundle if there is a `bundle_folder` that holds it, else from Karmada's
    release page.
    Raises CrdError if it cannot be read, or its checksum is another than the configured or the pinned one.
    """
    bundled = bundle_folder and bundle_folder / BUNDLE
    source = config.source or str(bundled if bundled and bundled.exists() else RELEASE)
    archive = _read(source)
    files = _unpack(archive, source)
    actual, expected = (
        (hashlib.sha256(archive).hexdigest(), config.sha256) if config.sha256 else (_digest(files), CONTENT_SHA256)
    )
    if actual != expected:
        raise CrdError(f"{source}: sha256 is {actual}, expected {expected}; see federation:crds")
    manifests = [yaml.load(text, _Loader) for name, text in files.items() if "bases" in PurePosixPath(name).parts]
    return sorted(map(_without_prose, manifests), key=lambda manifest: str(manifest["metadata"]["name"]))


def conversion(webhook_url: str, ca_bundle: Input[str]) -> dict[str, Any]:
    """`spec.conversion` of the CONVERTED kinds: karmada-webhook at `webhook_url`, trusted by `ca_bundle` (base64).

    The same as the release's crds/patches/*.yaml, which are templates for text replacement.
    """
    client_config = {"url": f"{webhook_url}/convert", "caBundle": ca_bundle}
    webhook = {"clientConfig": client_config, "conversionReviewVersions": ["v1"]}
    return {"strategy": "Webhook", "webhook": webhook}


def bundle_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where a bundle of tools may lie: the folder in $FEDERATION_TOOLS, if there is one."""
    chosen = environment.get("FEDERATION_TOOLS")
    return Path(chosen) if chosen else None


def _read(source: str) -> bytes:
    try:
        if source.startswith("https://"):
            with urllib.request.urlopen(source, timeout=DOWNLOAD_SECONDS) as response:
                return bytes(response.read())
        return Path(source).read_bytes()
    except OSError as error:
        ways = "a path or https URL in federation:crds.source, or a bundle in FEDERATION_TOOLS"
        raise CrdError(f"Karmada's CRDs cannot be read from {source}: {error}; allowed: {ways}") from error


def _unpack(archive: bytes, source: str) -> Mapping[str, bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            members = [(member.name.removeprefix("./"), tar.extractfile(member)) for member in tar]
            return {name: file.read() for name, file in members if file}
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise CrdError(f"{source} is not a tar archive of CRDs: {error}") from error


def _without_prose(schema: Any) -> Any:
    """The schema less its descriptions: three quarters of 0.7 MB that every preview, update and state would carry."""
    if isinstance(schema, dict):
        # A property may itself be called description; its value is then a schema, not a text.
        return {k: _without_prose(v) for k, v in schema.items() if k != "description" or not isinstance(v, str)}
    return [_without_prose(each) for each in schema] if isinstance(schema, list) else schema


def _digest(files: Mapping[str, bytes]) -> str:
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
