"""Arguments that controllers have in common, and the rule of each."""

from __future__ import annotations

import argparse
from pathlib import Path

from federation.settings.syntax import LABEL_RULE, NAME_RULE, ZONE_RULE, is_label, is_name, is_zone, zone_of


def parser(name: str, about: str | None, port: int = 8080) -> argparse.ArgumentParser:
    """A parser with what every controller is told: where the federation API is, and where to serve the probes."""
    new = argparse.ArgumentParser(name, description=about)
    new.add_argument("--kubeconfig", type=Path, required=True, help="file whose current context is the federation API")
    where = f"address and port of the probes (0.0.0.0:{port})"
    new.add_argument("--listen", type=address, default=("0.0.0.0", port), help=where)
    return new


def address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not ADDRESS:PORT")
    return host, int(port)


def label(text: str) -> str:
    if not is_label(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {LABEL_RULE}")
    return text


def name(text: str) -> str:
    if not is_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {NAME_RULE}")
    return text


def zone(text: str) -> str:
    """In the form that zones are kept in (`syntax.zone_of`)."""
    if not is_zone(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {ZONE_RULE}")
    return zone_of(text)
