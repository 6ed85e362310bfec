"""What runs in the host is started as it wants to be: each command is read by the program that it starts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

import controllers.engine.__main__
import controllers.names.__main__
import controllers.zone.__main__
from tests.component.recording import Record

pytestmark = pytest.mark.component

PARSERS: Mapping[str, Callable[[], argparse.ArgumentParser]] = {
    "controllers.engine": controllers.engine.__main__._parser,
    "controllers.names": controllers.names.__main__._parser,
    "controllers.zone": controllers.zone.__main__._parser,
}
SUPERVISOR = "controllers.runtime.supervisor"


def commands(record: Record) -> Iterator[tuple[str, Sequence[str]]]:
    """Module and arguments of all that our image is started with."""
    for deployment in record.of("Deployment"):
        pod: Mapping[str, Any] = deployment.inputs["spec"]["template"]["spec"]
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            if container["command"][:2] == ["python3", "-m"]:
                module, *given = container["command"][2:]
                if module == SUPERVISOR:
                    port, module, *given = given
                    assert port.isdigit()
                yield module, given


def test_every_flag_is_one_that_the_program_knows_and_none_is_missing(builtin: Record) -> None:
    started = dict(commands(builtin))
    assert set(started) == set(PARSERS)
    for module, given in commands(builtin):
        options = PARSERS[module]().parse_args(given)
        assert str(options.kubeconfig) == "/etc/federation/api/kubeconfig"


def test_a_flag_that_is_unknown_or_missing_is_noticed(builtin: Record) -> None:
    for module, given in commands(builtin):
        for wrong in ([*given, "--no-such-flag"], given[1:]):
            with pytest.raises(SystemExit):
                PARSERS[module]().parse_args(wrong)
