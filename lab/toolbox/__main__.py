"""`python3 -m lab.toolbox`: the tools from the command line, for the Makefile and for people."""

import argparse
import sys
import time

from lab.toolbox import ToolError, debian, store, tool
from lab.toolbox.install import install


def main() -> int:
    """Run one command; an error is one message on stderr and exit code 1."""
    arguments = _parser().parse_args()
    try:
        match arguments.command:
            case "install":
                install()
            case "bin":
                print(store.links())
            case "which":
                print(tool(arguments.name))
            case "debian":
                _debian(arguments.install, arguments.on_demand)
    except (ToolError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _debian(install_them: bool, on_demand: bool) -> None:
    packages = debian.missing(on_demand=on_demand)
    if not packages:
        return
    if not install_them:
        print(*packages)
        return
    start = time.monotonic()
    debian.install(packages)
    print(f"Debian packages installed in {time.monotonic() - start:.1f} s: {' '.join(packages)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m lab.toolbox", description="Find and install the tools of this project."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="make all programs and Pulumi plugins ready")
    commands.add_parser("bin", help="print the folder that `install` fills, for a PATH")
    commands.add_parser("which", help="print the path of one program").add_argument("name")
    packages = commands.add_parser("debian", help="print the Debian packages that are missing")
    packages.add_argument("--install", action="store_true", help="install them, too")
    packages.add_argument("--on-demand", action="store_true", help="also those that only some tests and stacks need")
    return parser


if __name__ == "__main__":
    sys.exit(main())
