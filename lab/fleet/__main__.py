"""The command line: python -m lab.fleet [--fleet NAME] VERB."""

import argparse
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from lab.fleet import kubeconfig, operations
from lab.fleet.cluster import Cluster
from lab.fleet.ownership import existing
from lab.fleet.sandbox import ONLY_NETWORK
from lab.fleet.waiting import FleetError, Progress
from lab.toolbox import ToolError
from lab.toolbox.pins import IMAGES

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def label(text: str) -> str:
    if not LABEL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a label: lower case letters, digits and -, at most 40")
    return text


def cluster_and_context(text: str) -> tuple[str, str]:
    name, _, context = text.partition("=")
    return label(name), context or name


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.fleet", description="Real Kubernetes clusters here.")
    parser.add_argument("--fleet", type=label, default="dev", metavar="NAME", help="which fleet (default: dev)")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    up = verbs.add_parser("up", help="start the fleet, or what is missing of it")
    up.add_argument("--cluster", type=cluster_and_context, action="append", default=[], metavar="NAME[=CONTEXT]")
    up.add_argument("--api-only", type=label, action="append", default=[], metavar="NAME", help="one without a node")
    up.add_argument(
        "--needs",
        choices=list(IMAGES),
        action="append",
        default=[],
        help="import the published images of this into the first cluster, too",
    )
    up.add_argument("--kubeconfig", type=Path, metavar="PATH", help="where to write the kubeconfig")
    verbs.add_parser("down", help="take everything of the fleet away")
    verbs.add_parser("status", help="a line for each cluster")
    stop = verbs.add_parser("stop", help="cut a cluster's power; its data stay")
    stop.add_argument("cluster", type=label)
    stop.add_argument("--only", nargs="+", default=[], metavar="PROGRAM", help="kill just these programs")
    start = verbs.add_parser("start", help="bring back whatever of a cluster is missing")
    start.add_argument("cluster", type=label)
    config = verbs.add_parser("kubeconfig", help="print the kubeconfig")
    config.add_argument("-o", dest="output", type=Path, metavar="PATH", help="write it there instead")
    execute = verbs.add_parser("exec", help="run a command in a cluster's network: exec NAME -- COMMAND...")
    execute.add_argument("cluster", type=label)
    execute.add_argument("command", nargs="+")
    verbs.add_parser("home", help="print the folder of the fleet's state")
    load = verbs.add_parser("load", help="import a docker archive into a cluster")
    load.add_argument("cluster", type=label)
    load.add_argument("archive", type=Path)
    return parser


def run(chosen: argparse.Namespace) -> None:
    say = Progress()
    match chosen.verb:
        case "up":
            fleet = operations.up(chosen.fleet, dict(chosen.cluster), chosen.api_only, chosen.needs, say)
            if chosen.kubeconfig:
                kubeconfig.write(operations.clusters(fleet), chosen.kubeconfig)
        case "down":
            operations.down(chosen.fleet, say)
        case "status":
            operations.status(chosen.fleet)
        case "stop":
            operations.stop(chosen.fleet, chosen.cluster, chosen.only)
        case "start":
            operations.start(chosen.fleet, chosen.cluster, say)
        case "home":
            print(existing(chosen.fleet).folder)
        case "kubeconfig" if chosen.output:
            kubeconfig.write(operations.clusters(existing(chosen.fleet)), chosen.output)
        case "kubeconfig":
            print(kubeconfig.merged(operations.clusters(existing(chosen.fleet))), end="")
        case "exec":
            command = cluster(chosen).sandbox.inside(chosen.command, ONLY_NETWORK)
            os.execvp(command[0], command)
        case "load":
            cluster(chosen).load(chosen.archive)


def cluster(chosen: argparse.Namespace) -> Cluster:
    fleet = existing(chosen.fleet)
    return Cluster(fleet, fleet.member(chosen.cluster))


def main() -> int:
    chosen = arguments().parse_args()
    if platform.system() != "Linux" or os.geteuid() != 0:
        print(
            "The fleet makes namespaces and mounts: it needs Linux and root. Without it, use clusters of your own:\n"
            "`pulumi up` with their kubeconfig and contexts in the configuration needs nothing of this.",
            file=sys.stderr,
        )
        return 1
    try:
        run(chosen)
    except (FleetError, ToolError) as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except (OSError, subprocess.SubprocessError) as failure:
        print(f"error: {type(failure).__name__}: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `up` goes on from here, `down` takes it away", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
