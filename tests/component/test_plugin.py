"""The plugin that is installed here knows the options that we set, or something else does what they do."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from pathlib import Path

import pytest

from federation.clusters import providers
from lab.stack import CHECKOUT, Stack
from lab.toolbox import plugins, tool
from lab.toolbox.pins import PLUGINS

pytestmark = pytest.mark.component

PIN = next(pin for pin in PLUGINS if pin.name == "pulumi-resource-kubernetes")
OF_RESOURCES = {"opts"}
UNKNOWN_TO_THE_BUILT_ONE = {
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE does it, for all providers",
    "upsertExistingObjects": "it always does so: what it creates is a server-side apply",
}


def options() -> set[str]:
    """The options of providers that the program sets, as the schema spells them."""
    calls = [node for node in ast.walk(ast.parse(Path(providers.__file__).read_text())) if isinstance(node, ast.Call)]
    ours = [call for call in calls if ast.unparse(call.func) == "k8s.Provider"]
    words = {str(keyword.arg) for call in ours for keyword in call.keywords} - OF_RESOURCES
    assert words
    return {first + "".join(map(str.capitalize, rest)) for first, *rest in (word.split("_") for word in words)}


@pytest.mark.programs
@pytest.mark.needs("pulumi", "kubernetes plugin")
def test_no_option_is_lost_on_the_plugin(tmp_path: Path) -> None:
    plugin = plugins.install_plugin(PIN, build=False).path / PIN.name
    schema = subprocess.run(
        [tool("pulumi"), "package", "get-schema", plugin],
        check=True,
        capture_output=True,
        env=os.environ | {"PULUMI_HOME": str(tmp_path), "PULUMI_SKIP_UPDATE_CHECK": "true"},
    ).stdout
    unknown = options() - json.loads(schema)["provider"]["inputProperties"].keys()
    assert unknown == (UNKNOWN_TO_THE_BUILT_ONE.keys() if plugins.is_built(PIN) else set())


def test_the_variable_that_stands_in_for_an_option_is_set(tmp_path: Path) -> None:
    environment = Stack("dev", tmp_path, CHECKOUT / "kubeconfig").environment()
    assert environment["PULUMI_K8S_ENABLE_PATCH_FORCE"] == "true"
