"""The schema of our own provider, held against the program's classes and the provider's."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from pathlib import Path

import pytest
import yaml

from federation.dns.cluster_dns import ClusterDns, ClusterDnsArgs
from federation.dns.transfers import SharedSecret
from federation.dns.withdrawal import Withdrawal
from federation.engine.builtin.departure import Departure
from federation.engine.karmada.kept_workloads import KeptWorkloads
from federation.parts import pki
from federation.parts.our_provider import OwnResource
from provider import schema, serving
from provider.resource import Resource
from provider.schema import KINDS

pytestmark = pytest.mark.unit

CLASSES = {
    f"federation:index:{each.__name__}": each
    for each in (
        pki.PrivateKey,
        SharedSecret,
        pki.CertificateAuthority,
        pki.Certificate,
        ClusterDns,
        Withdrawal,
        KeptWorkloads,
        Departure,
    )
}


def camel(name: str) -> str:
    return re.sub(r"_(.)", lambda found: found[1].upper(), name)


def inputs(kind: type[OwnResource]) -> set[str]:
    """The inputs that the class hands on: the keys of the map it makes, and the fields of what it takes whole."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind.__init__)))
    keys = {
        key.value
        for each in ast.walk(tree)
        if isinstance(each, ast.Dict)
        for key in each.keys
        if isinstance(key, ast.Constant)
    }
    whole = ClusterDnsArgs.__annotations__ if kind is ClusterDns else ()
    return {camel(name) for name in (*keys, *whole)}


def test_each_kind_has_a_class_on_both_sides() -> None:
    assert KINDS.keys() == CLASSES.keys() == serving.HOMES.keys()
    for token in KINDS:
        assert issubclass(serving.kind(token), Resource)
        assert serving.kind(token).__name__ == token.rpartition(":")[2]


@pytest.mark.parametrize("token", CLASSES)
def test_the_class_of_the_program_has_the_outputs_of_the_schema_and_its_inputs(token: str) -> None:
    kind, found = KINDS[token], CLASSES[token]
    assert {camel(name) for name in found.__annotations__} == kind.outputs
    assert all(annotation == "Output[str]" for annotation in found.__annotations__.values())
    assert inputs(found) == kind.inputs.keys()


def test_what_opens_something_is_secret() -> None:
    opening = {"privateKeyPem", "authorityPrivateKeyPem", "kubeconfig", "secretBase64"}
    assert {name for kind in KINDS.values() for name in kind.secrets} == opening
    for kind in KINDS.values():
        assert opening & {*kind.inputs, *kind.outputs} == kind.secrets


def test_the_schema_is_complete_and_of_this_version() -> None:
    whole = json.loads(schema.TEXT)
    for token, described in whole["resources"].items():
        assert described["description"].endswith("."), token
        assert {*described["required"]} <= described["properties"].keys()
        assert {*described["inputProperties"]} <= described["properties"].keys()
        for of in (described["properties"], described["inputProperties"]):
            assert all(each["type"] in schema.TYPES and each["description"].endswith(".") for each in of.values())
    root = Path(schema.__file__).parents[1]
    assert f'version = "{whole["version"]}"' in (root / "pyproject.toml").read_text()
    (named,) = yaml.safe_load((root / "Pulumi.yaml").read_text())["plugins"]["providers"]
    assert (root / named["path"] / f"pulumi-resource-{named['name']}").stat().st_mode & 0o111
    assert named["name"] == whole["name"]


def test_names_are_translated_both_ways() -> None:
    resource = object.__new__(OwnResource)
    for python, pulumis in (("not_after", "notAfter"), ("dns_names", "dnsNames"), ("ttl", "ttl")):
        assert resource.translate_input_property(python) == pulumis
        assert resource.translate_output_property(pulumis) == python
