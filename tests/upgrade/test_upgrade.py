"""A newer program replaces and deletes nothing that an earlier release has made: previewed, without clusters."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.stack import Stack
from tests.figures import Figures
from tests.leaks import private_parts
from tests.upgrade.recording import Recording, client_keys, recordings

pytestmark = pytest.mark.programs

RECORDINGS = [pytest.param(file, id=file.name) for file in recordings()]
ALLOWED = {"same", "update", "create"}
PROGRAMS = (
    "etcd",
    "federation-apiserver",
    "kube-controller-manager",
    "federation-controller-manager",
    "dns-controller",
    "federation-dns",
)
NEWER = {
    "kubernetesTag": "v1.34.99",
    "etcdTag": "v3.6.99",
    "coredns": "registry.k8s.io/coredns/coredns:v1.12.99",
    "controllers": "ghcr.io/kube-federation/controllers:0.1.99",
}
"""Images of a release to come."""


@pytest.mark.needs("kubernetes plugin")
@pytest.mark.parametrize("file", RECORDINGS)
def test_the_present_program_replaces_and_deletes_nothing(file: Path, tmp_path: Path, figures: Figures) -> None:
    stack = Recording.read(file).restore(tmp_path / "home")
    steps = _preview(stack)
    changed = sum(step["op"] != "same" for step in steps)
    figures.add(f"{file.name}: changed by this program", changed, "resources")
    assert _lost(steps) == {}

    settings = yaml.safe_load(stack.settings.read_text())
    settings["config"]["federation:images"] = NEWER
    stack.settings.write_text(yaml.safe_dump(settings))
    steps = _preview(stack)
    assert _lost(steps) == {}
    ops = {(step["urn"].rpartition(":")[2], step["op"]) for step in steps}
    assert {(name, "update") for name in PROGRAMS} <= ops


def test_what_the_state_says_is_fixed_is_refused_though_no_cluster_answers(tmp_path: Path) -> None:
    stack = _with_stash(Recording.read([*recordings()][-1]), FIXED).restore(tmp_path / "home")
    settings = yaml.safe_load(stack.settings.read_text())
    settings["config"]["federation:name"] = "elves"
    settings["config"]["federation:host"] |= {"namespace": "council", "etcd": {"replicas": 3}}
    stack.settings.write_text(yaml.safe_dump(settings))
    done = stack.pulumi("preview", *stack.options, check=False, capture=True)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert 'federation:name: "elves" is refused, as this federation was made with "fellowship"' in said
    assert 'federation:host.namespace: "council" is refused, as this federation was made with "federation-sys' in said
    assert "federation:host.etcd.replicas: 3 is refused, as StatefulSet etcd was made with 1 and" in said
    assert "Traceback" not in said


FIXED = {
    "name": "fellowship",
    "host.namespace": "federation-system",
    "etcd": {"replicas": 1, "storage": "5Gi", "storageClass": ""},
}


def _with_stash(recording: Recording, value: Any) -> Recording:
    """As the present program would have left it, but for the hooks."""
    resources = recording.deployment["resources"]
    stash = next(each for each in resources if each["urn"].endswith("Stash::engine-name"))
    made = {
        **stash,
        "urn": stash["urn"].replace("engine-name", "fixed"),
        "inputs": {"input": value},
        "outputs": {"input": value, "output": value},
    }
    return replace(recording, deployment={**recording.deployment, "resources": [*resources, made]})


@pytest.mark.needs("kubernetes plugin")
def test_a_preview_goes_on_after_an_up_that_failed_before_the_federation_api_served(tmp_path: Path) -> None:
    stack = _failed_at(Recording.read([*recordings()][-1]), "StatefulSet::etcd").restore(tmp_path / "home")
    steps = _preview(stack)
    assert _lost(steps) == {}
    created = {step["urn"].rpartition("::")[2] for step in steps if step["op"] == "create"}
    assert {"etcd", "federation-apiserver", "clusters.cluster.karmada.io"} <= created


def _failed_at(recording: Recording, resource: str) -> Recording:
    """As an `up` leaves it that failed to make this resource, and so has made nothing that needs it."""
    made: list[Any] = []
    gone: set[str] = set()
    # In a state, what is needed comes before what needs it.
    for each in recording.deployment["resources"]:
        provider = each.get("provider", "").rpartition("::")[0]
        needed = {each.get("parent"), each.get("deletedWith"), provider, *each.get("dependencies", [])}
        if each["urn"].endswith(resource) or needed & gone:
            gone.add(each["urn"])
        else:
            made.append(each)
    return replace(recording, deployment={**recording.deployment, "resources": made})


@pytest.mark.parametrize("file", RECORDINGS)
def test_a_recording_has_what_must_not_be_lost_and_no_key_but_those_of_clients(file: Path) -> None:
    recording = Recording.read(file)
    kinds = Counter(each["type"].rsplit(":", 1)[-1] for each in recording.deployment["resources"])
    for kind in ("StatefulSet", "Service", "Cluster", "CertificateAuthority", "PrivateKey", "CustomResourceDefinition"):
        assert kinds[kind] >= 1, kind
    text = json.dumps(recording.deployment)
    assert "PRIVATE KEY" in text
    assert {part.strip("A") for part in private_parts(text)} <= {"", *client_keys(recording.deployment)}


def _preview(stack: Stack) -> list[Any]:
    done = stack.pulumi("preview", *stack.options, "--json", check=False, capture=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    steps: list[Any] = json.loads(done.stdout)["steps"]
    return steps


def _lost(steps: list[Any]) -> dict[str, str]:
    """What would be replaced or deleted, and why."""
    return {f"{each['op']} {each['urn'].rpartition('$')[2]}": _why(each) for each in steps if each["op"] not in ALLOWED}


def _why(step: dict[str, Any]) -> str:
    return ", ".join(step.get("replaceReasons") or step.get("diffReasons") or ["it is no more in the program"])
