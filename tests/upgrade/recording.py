"""The state that a release leaves behind, as a file of the repository.

Of its secrets, authorities, tokens and keys of servers are overwritten. What is left are the client keys with which
Pulumi called clusters that are gone: its Kubernetes provider does not start on a key that does not fit.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from federation.settings import kubeconfig
from lab.stack import Stack
from tests.leaks import blunted, private_parts

FOLDER = Path(__file__).parent
STACK = "upgrade"
NOBODY = "255.255.255.255:9"
"""Where nothing can listen: Pulumi's Kubernetes provider then goes by the state alone."""
NOBODY_ONCE = "https://127.0.0.1:9"
"""What older recordings have instead, where no member may be any more."""
OVERWRITTEN = {
    # When the recorded certificates expire: their renewal is no matter of an upgrade.
    "notAfter": "2126-01-01T00:00:00Z",
}
MARK, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""How Pulumi writes a secret in a state."""


@dataclass(frozen=True)
class Recording:
    """A state whose secrets are shown, and mostly overwritten; and the configuration that it came from."""

    config: Mapping[str, Any]
    deployment: Mapping[str, Any]

    @classmethod
    def of(cls, stack: Stack) -> Recording:
        """Of a running stack. Addresses of its clusters become one that nobody has."""
        text = stack.state("--show-secrets").replace(f"urn:pulumi:{stack.name}::", f"urn:pulumi:{STACK}::")
        deployment = json.loads(text.replace(f"federation-{stack.name}", f"federation-{STACK}"))["deployment"]
        del deployment["secrets_providers"]
        text = json.dumps(_blunted(deployment, client_keys(deployment)), sort_keys=True)
        outputs = _outputs(deployment)
        for server in {kubeconfig.server(each) for each in kubeconfigs(deployment)}:
            text = text.replace(server, f"https://{NOBODY}")
            text = text.replace(str(urlsplit(server).hostname), "127.0.0.1")
        for address in {urlsplit(outputs["apiEndpoint"]).hostname, *outputs["nameServers"]}:
            text = re.sub(rf"(?<![\d.]){re.escape(address)}(?![\d.])", "127.0.0.1", text)
        config = yaml.safe_load(stack.settings.read_text())["config"]
        return cls(config, json.loads(text))

    @classmethod
    def read(cls, file: Path) -> Recording:
        text = lzma.decompress(file.read_bytes()).decode()
        return cls(**json.loads(text.replace(NOBODY_ONCE, f"https://{NOBODY}")))

    def write(self, file: Path) -> None:
        file.write_bytes(lzma.compress(json.dumps(vars(self), sort_keys=True).encode(), preset=9 | lzma.PRESET_EXTREME))

    def restore(self, home: Path) -> Stack:
        """A stack in this state, on clusters that do not answer, with all its files in `home`."""
        clusters = home / "clusters"
        stack = Stack(STACK, home / "stack", clusters)
        home.mkdir(exist_ok=True)
        clusters.write_text(kubeconfig.dump(kubeconfig.merge(kubeconfigs(self.deployment))))
        stack.prepare(yaml.safe_dump({"config": {**self.config, "federation:kubeconfig": str(clusters)}}))
        salt = yaml.safe_load(stack.settings.read_text())["encryptionsalt"]
        keeper = {"secrets_providers": {"type": "passphrase", "state": {"salt": salt}}}
        file = home / "state"
        file.write_text(json.dumps({"version": 3, "deployment": {**self.deployment, **keeper}}))
        stack.pulumi("stack", "import", "--stack", STACK, "--file", str(file), capture=True)
        return stack


API = ("api", "api-kinds")
"""Providers of the federation API."""


def kubeconfigs(deployment: Mapping[str, Any]) -> list[kubeconfig.Kubeconfig]:
    """Those of host and members, as their providers have them."""
    return [yaml.safe_load(text) for name, text in _of_providers(deployment).items() if name not in API]


def client_keys(deployment: Mapping[str, Any]) -> set[str]:
    """Private parts of the keys with which the providers call: without, these would not even start."""
    return {part for text in _of_providers(deployment).values() for part in private_parts(text)}


def _of_providers(deployment: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        each["urn"].rpartition("::")[2]: json.loads(each["inputs"]["kubeconfig"]["plaintext"])
        for each in deployment["resources"]
        if each["type"] == "pulumi:providers:kubernetes"
    }


def _outputs(deployment: Mapping[str, Any]) -> Any:
    return next(each for each in deployment["resources"] if each["type"] == "pulumi:pulumi:Stack")["outputs"]


def _blunted(value: Any, keep: Collection[str]) -> Any:
    match value:
        case {"plaintext": shown} if value.get(MARK) == SECRET:
            return {**value, "plaintext": json.dumps(_blunted(json.loads(shown), keep))}
        case dict():
            written = {key: over for key, over in OVERWRITTEN.items() if key in value}
            return {key: _blunted(part, keep) for key, part in value.items()} | written
        case list():
            return [_blunted(part, keep) for part in value]
        case str():
            return blunted(value, keep)
    return value


def recordings() -> Iterable[Path]:
    """One file for each release."""
    return sorted(FOLDER.glob("state-*.json.xz"))
