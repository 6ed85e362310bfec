"""What kind of machine this is, in the words that projects name their releases by."""

import platform

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def this_platform() -> str:
    """Operating system and processor, e.g. `linux/amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}/{ARCHITECTURES.get(machine, machine)}"
