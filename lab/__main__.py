"""`python -m lab up | demo | drift | down | tools [VERB...]`: the verbs behind the Makefile's."""

import subprocess
import sys

from dns.exception import DNSException

from lab import demo, federation
from lab.demo import Demo
from lab.fleet.waiting import FleetError
from lab.toolbox import ToolError
from lab.toolbox.install import install

USAGE = "usage: python -m lab up | demo | drift | down | tools [VERB...]"
PULUMI = ("pulumi", "pulumi-resource-kubernetes")
NEEDED = {
    "demo": ("pulumi", "kubernetes"),
    "drift": PULUMI,
    # It starts what is stopped of the clusters, so that their finalizers run.
    "down": (*PULUMI, "kubernetes", "etcd"),
}
"""The tools that a verb needs, where it does not need all."""


def main() -> int:
    """Run one verb. What a command that failed had to say stands above; no traceback is put below it."""
    try:
        match sys.argv[1:]:
            case ["up"]:
                federation.up()
            case ["demo"]:
                demo.run(Demo.of(federation.made(), federation.KUBECONFIG), federation.fleet)
            case ["drift"]:
                return federation.drift()
            case ["down"]:
                federation.down()
            case ["tools", *verbs]:
                some = bool(verbs) and all(verb in NEEDED for verb in verbs)
                install({name for verb in verbs for name in NEEDED[verb]} if some else None)
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except (ToolError, FleetError, OSError, DNSException) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(
            f"{error.stderr or ''}error: {error.cmd[0]} {' '.join(error.cmd[1:3])} ended with {error.returncode}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
