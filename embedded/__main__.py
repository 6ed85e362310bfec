"""`python -m embedded up | demo | drift | down | tools`: the verbs behind the Makefile's."""

import os
import subprocess
import sys

from embedded import demo, federation
from embedded.demo import Demo
from embedded.stack import pulumi_home
from fleet.waiting import FleetError
from toolbox import ToolError
from toolbox.install import install

USAGE = "usage: python -m embedded up | demo | drift | down | tools"


def main() -> int:
    """Run one verb. What a command that failed had to say stands above; no traceback is put below it."""
    try:
        match sys.argv[1:]:
            case ["up"]:
                federation.up()
            case ["demo"]:
                demo.run(Demo.of(federation.stack_of_dev(), federation.KUBECONFIG), federation.fleet)
            case ["drift"]:
                return federation.drift()
            case ["down"]:
                federation.down()
            case ["tools"]:
                os.environ["PULUMI_HOME"] = str(pulumi_home())
                install()
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except (ToolError, FleetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(
            f"{error.stderr or ''}error: {error.cmd[0]} {' '.join(error.cmd[1:3])} ended with {error.returncode}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
