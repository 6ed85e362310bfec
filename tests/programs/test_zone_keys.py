"""The keys of a zone with the real Pulumi: made once, hidden, and another only for who asks by name."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.programs.projects import Project, make
from tests.programs.test_provider import PLUGIN, ROOT, pulumis

pytestmark = pytest.mark.programs

KEYS = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import pulumi
from federation.parts import our_provider, pki
from federation.dns import zone_key
from federation.dns.transfers import SharedSecret, TransferKey
options = pulumi.ResourceOptions(provider=our_provider.provider(()))
shared = SharedSecret("transfer-key", options)
key = pki.PrivateKey("zone-key", options)
pulumi.export("transferKey", TransferKey("transfer.example.com.", shared.secret_base64).parts)
pulumi.export("ds", [key.public_key_pem.apply(lambda pem: zone_key.ds("example.com.", pem))])
pulumi.export("file", key.private_key_pem.apply(zone_key.private_file))
"""


@pytest.mark.needs("pulumi")
def test_keys_stay_until_others_are_asked_for(tmp_path: Path) -> None:
    project = make(tmp_path, KEYS, PLUGIN)
    pulumis(project, "up", "--yes", "--skip-preview")
    first, hidden = outputs(project, "--show-secrets"), outputs(project)
    assert len(base64.b64decode(first["transferKey"]["secret"])) == 32
    assert hidden == first | {"transferKey": first["transferKey"] | {"secret": "[secret]"}, "file": "[secret]"}
    number = first["file"].split()[-1]
    exported = pulumis(project, "stack", "export").stdout
    # Found first: pytest would show what is looked through.
    shown = [sign for sign in (first["transferKey"]["secret"], number, "PRIVATE KEY") if sign in exported]
    assert shown == []

    pulumis(project, "up", "--yes", "--skip-preview", "--refresh")
    assert outputs(project, "--show-secrets") == first

    stack = json.loads(exported)["deployment"]["resources"]
    urns = [each["urn"] for each in stack if each["urn"].endswith("-key")]
    pulumis(project, "up", "--yes", "--skip-preview", *(f"--replace={urn}" for urn in urns))
    second = outputs(project, "--show-secrets")
    assert second["transferKey"]["secret"] != first["transferKey"]["secret"]
    assert second["ds"] != first["ds"]


def outputs(project: Project, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pulumis(project, "stack", "output", "--json", *options).stdout)
    return found
