"""What a stack gives out, as plain values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from federation import kubeconfig
from federation.config import Config


def everywhere(api: str, config: Config) -> str:
    """The kubeconfig with the federation's context first (`api`, the text of its own), then each member's."""
    members = (config.contexts[member.context] for member in config.settings.members)
    return kubeconfig.dump(kubeconfig.merge([yaml.safe_load(api), *members]))


def members(config: Config, uids: Mapping[str, str]) -> Iterable[Mapping[str, Any]]:
    """Name, region, zones, context and UID of each member; the UID is None where it did not answer."""
    return [
        {**member.model_dump(include={"name", "region", "zones", "context"}), "uid": uids.get(member.context)}
        for member in config.settings.members
    ]
